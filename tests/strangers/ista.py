"""A solver as users write it: from the public base class, without a line in the package."""

from skmtl.linear.solvers import Solution, Solver, largest_curvature


class ISTA(Solver):
    """Proximal gradient steps of one length, without momentum."""

    name = "ista"

    def __init__(self, check_every=5, safety=1.1):
        self.check_every = check_every
        self.safety = safety

    def lacks(self, case):
        if not case.tasks.has_squared_loss:
            return "squared loss, whose curvature does not change"
        return "center=False" if case.options.center else None

    def solve(self, problem, start, stopping):
        x, gap = problem.start(*start), float("inf")
        step = 1.0 / (self.safety * largest_curvature(problem, x, n_iter=50))
        for n_iter in range(1, stopping.max_iter + 1):
            x = problem.prox(x - step * problem.smooth_gradient(x, problem.at(x)), step)
            if n_iter % self.check_every == 0 or n_iter == stopping.max_iter:
                primal, bound = problem.gap(x)
                gap = max(primal - bound, 0.0)
                if gap <= stopping.max_gap:
                    break
        return Solution(x, gap, n_iter)
