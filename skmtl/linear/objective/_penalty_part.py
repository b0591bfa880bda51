r"""A part of W as the solvers see its penalty: a quadratic form plus atoms with a prox.

The quadratic atoms of a sum make one matrix Q and join the smooth side of the objective; the
others are a chain, in one group where the prox of their sum is the composition of theirs.
"""

from __future__ import annotations

import numpy as np

from skmtl.linear.objective._dykstra_split import DykstraSplit
from skmtl.linear.objective._layout import Layout
from skmtl.linear.objective._prox_group import prox_groups
from skmtl.linear.objective._task_matrix import TaskMatrix
from skmtl.linear.penalties import Quadratic

MAX_COVARIANCE = 2000
"""Tasks up to which the covariance of a quadratic penalty is written out."""


def parts_for(penalty, alpha, n_features, tasks, *, positive):
    """A `Part` for each part of a penalty times alpha, for W of these features and tasks."""
    shape = (n_features, tasks.n_outputs * (tasks.n_tasks if tasks.is_long else 1))
    return [
        PenaltyPart(part, alpha, shape, tasks.n_tasks, positive=positive)
        for part in penalty.parts()
    ]


class PenaltyPart:
    """Penalty of one part of W, times alpha.

    Parameters
    ----------
    penalty : Penalty
        Not a `Split`.
    alpha : float
        Factor on it.
    shape : tuple (n_features, n_outputs)
        Shape of W.
    n_tasks : int
        Number of tasks.
    positive : bool, default=False
        Whether W >= 0.
    """

    def __init__(self, penalty, alpha, shape, n_tasks, *, positive=False):
        self.alpha, self.shape, self.positive = alpha, shape, positive
        atoms = [atom for atom in penalty.atoms() if atom.weight] if alpha else []
        _check_strength(atoms, alpha)
        # Without a word on tasks every output counts as one, however many a task has.
        self.over_tasks = any(atom.over_tasks for atom in atoms)
        self.n_tasks = n_tasks if self.over_tasks else shape[1]
        self.layout = Layout(shape, self.n_tasks)
        quadratic = [atom for atom in atoms if isinstance(atom, Quadratic)]
        self.chain = [atom for atom in atoms if not isinstance(atom, Quadratic)]
        _check_positive(self.chain, alpha, positive)
        self.groups = prox_groups(self.chain, alpha, self.layout, positive)
        self.dykstra = DykstraSplit(self.groups, shape) if len(self.groups) > 1 else None
        self.Q = _task_matrix(quadratic, alpha, self.n_tasks)
        self.is_quadratic = not self.chain and not positive

    def compare_tasks(self, n_tasks, Q):
        """Have a matrix of tasks for the quadratic term, in place of one of outputs."""
        self.over_tasks, self.n_tasks, self.Q = True, n_tasks, Q
        self.layout = Layout(self.shape, n_tasks)

    # -- the quadratic side ------------------------------------------------------------------

    @property
    def has_quadratic(self):
        """Whether there is a quadratic term."""
        return not self.Q.is_zero

    def times_Q(self, V):
        """alpha V Q, task by task."""
        return self.layout.back(self.Q.times(self.layout.tasks(V)))

    def quadratic_value(self, V):
        """Value of the quadratic term."""
        return 0.5 * float(np.vdot(V, self.times_Q(V))) if self.has_quadratic else 0.0

    # -- the side with a prox ----------------------------------------------------------------

    def chain_value(self, V):
        """Value of the atoms with a prox."""
        return sum(group.value(V) for group in self.groups)

    def prox(self, V, step):
        """Proximal step of the atoms with a prox."""
        if self.dykstra:
            return self.dykstra.prox(V, step)
        return self.groups[0].prox(V, step) if self.groups else V

    def proxes(self):
        """``prox(V, step)`` of each group of the whole penalty, the last with exact zeros."""
        found = [group.prox for group in self.groups]
        if self.has_quadratic and len(found) == 1 and self.Q.is_ridge:
            found = [self._prox_with_ridge]
        elif self.has_quadratic:
            found.insert(0, self._resolvent)
        return found or [lambda V, step: V]

    def _prox_with_ridge(self, V, step):
        # prox of f + (r / 2) ||.||^2 is that of f, at a shrunk point with a shrunk step.
        shrink = 1.0 + step * self.Q.on_mean
        return self.groups[0].prox(V / shrink, step / shrink)

    def _resolvent(self, V, step):
        return self.layout.back(self.Q.resolvent(self.layout.tasks(V), step))

    # -- duality ------------------------------------------------------------------------------

    @property
    def is_free_somewhere(self):
        """Whether there are directions that are not penalised at all."""
        if self.positive or not self._is_shift_invariant:
            return False
        return not self.Q.is_regular

    @property
    def _is_shift_invariant(self):
        return all(group.is_shift_invariant for group in self.groups)

    def free(self, V):
        """V on the directions that are not penalised."""
        V = self.layout.tasks(V)
        if self.chain:
            # `Fused` leaves the mean over tasks alone.
            V = np.broadcast_to(V.mean(axis=1, keepdims=True), V.shape)
        return self.layout.back(self.Q.null(V))

    def dual(self, Z, V):
        """Dual variables (Y, N) of the two sides for the gradient Z of the loss: Y + N = -Z.

        Y is what the quadratic side has at V, so that at the optimum N is a subgradient of the
        chain at V. Where that has several groups, N (n_pieces, p, C) has a share for each.
        """
        if not self.chain and not self.positive:
            return -Z, np.zeros_like(Z)
        Y = self.times_Q(V) if self.has_quadratic else np.zeros_like(Z)
        N = -Z - Y
        if self._is_shift_invariant:
            # `Fused` says nothing of the mean over tasks: that is for the quadratic side.
            N = self.layout.without_mean(N)
        return -Z - N, self.dykstra.of(N) if self.dykstra else N

    def dual_scale(self, N):
        """Largest s <= 1 for which the conjugate of the chain is finite at s N."""
        if not self.groups:
            return 1.0 if not N.any() else 0.0
        return min(group.dual_scale(share) for group, share in self._shared(N))

    def conjugate(self, Y, N, scale):
        """Conjugate of the whole part at scale times (Y, N), made feasible by `dual_scale`."""
        total = 0.0
        if self.has_quadratic:
            Y = self.layout.tasks(Y)
            total += 0.5 * scale**2 * float(np.vdot(Y, self.Q.solve(Y)))
        return total + sum(group.conjugate(scale * share) for group, share in self._shared(N))

    def _shared(self, N):
        return zip(self.groups, N.reshape(-1, *self.shape), strict=bool(self.groups))


def _task_matrix(quadratic, alpha, n_tasks):
    """alpha times the sum of the matrices of quadratic atoms."""
    plain = [atom for atom in quadratic if atom.eigenvalues is not None]
    other = [alpha * a.weight * a.matrix(n_tasks) for a in quadratic if a.eigenvalues is None]
    on_mean, on_deviation = (
        alpha * sum(atom.weight * atom.eigenvalues[k] for atom in plain) for k in (0, 1)
    )
    return TaskMatrix(on_mean, on_deviation, sum(other) if other else None)


def _check_strength(atoms, alpha):
    """Raise where alpha times a weight is infinite, which no solver could tell from a bound."""
    for atom in atoms:
        if not np.isfinite(alpha * float(atom.weight)):
            raise ValueError(
                f"alpha={alpha:g} times the weight {atom.weight:g} of {type(atom).__name__} is not "
                "finite. Decrease one of them."
            )


def _check_positive(chain, alpha, positive):
    """Raise for a prox that is not known over W >= 0, naming its penalty."""
    if positive and not alpha:
        raise ValueError(
            "positive=True needs alpha > 0: what certifies a fit over positive coefficients is "
            "its penalty. A small one does, alpha=1e-6 for example."
        )
    if positive and not all(atom.allows_positive for atom in chain):
        names = ", ".join(type(atom).__name__ for atom in chain if not atom.allows_positive)
        raise ValueError(f"positive=True does not go with {names}; it goes with L1, L21 and L1Inf.")
    if positive and not chain:
        raise ValueError("positive=True needs one of the penalties L1, L21 and L1Inf in the sum.")


def task_covariance(part, V):
    """Covariance of the tasks that a penalty implies at V, of trace 1, or None.

    For a quadratic penalty it is the pseudoinverse of Q over its trace.
    """
    if part.shape[1] != part.n_tasks or (not part.over_tasks and not part.chain):
        return None
    if len(part.chain) == 1:
        return part.chain[0].task_covariance(V)
    if part.is_quadratic and part.over_tasks and part.n_tasks <= MAX_COVARIANCE:
        return part.Q.covariance(part.n_tasks)
    return None
