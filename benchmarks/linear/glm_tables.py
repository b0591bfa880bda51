"""Tables of classes and counts: whole fits with "l2", "l21" and "l1"."""

from benchmarks.linear import ours
from benchmarks.linear.glm_peers import INDEPENDENT, chosen
from benchmarks.linear.glm_problems import drawn, lasso, ridge, shape, table
from benchmarks.linear.tables import compare

SHAPES = ((569, 30), (2000, 20), (20_000, 100))
N_TASKS = (10, 100, 400, 1200)


def quadratic(settings):
    """Fits with "l2", at scikit-learn's default C = 1 and at alpha = .01, by type of task."""
    for title, problems in (
        ("One binary task", _binary(1, settings)),
        ("Ten binary tasks", _binary(10, settings)),
        ("Counts, one task", _drawn("poisson", 1, SHAPES, settings)),
        ("Counts, ten tasks", _drawn("poisson", 10, SHAPES, settings)),
        ("Classes of one task", ((shape(p), p) for p in map(table, ("iris", "digits")))),
    ):
        compare(f'{title}, "l2"', ours.GLM | chosen(settings), _at_two(problems), settings)


def _binary(n_tasks, settings):
    """Drawn labels; breast cancer in the place of the first of one task."""
    if n_tasks == 1:
        cancer = table("breast_cancer")
        yield shape(cancer), cancer
    yield from _drawn("logistic", n_tasks, SHAPES[n_tasks == 1 :], settings)


def _drawn(loss, n_tasks, shapes, settings):
    """(label, problem); the largest once more where peers have the fewest iterations."""
    for size in shapes:
        problem = drawn(loss, *size, n_tasks, settings.seed)
        yield shape(problem), problem
    problem = drawn(loss, *SHAPES[-1], n_tasks, settings.seed, correlation=0.0)
    yield f"{shape(problem)}, uncorrelated", problem


def _at_two(problems):
    for name, problem in problems:
        yield f"{name}, C = 1", ridge(problem, 1.0 / len(problem.Y))
        yield f"{name}, alpha = .01", ridge(problem, 0.01)


def rows(settings):
    """Fits with "l21": many tasks, beside a fit for every task; classes of one task."""
    tasks = [drawn("logistic", 500, 30, n, settings.seed, share=0.3) for n in N_TASKS]
    classes = map(table, ("iris", "digits"))
    title = 'Binary tasks, "l21", beside one LogisticRegression() for every task'
    compare(title, ours.GLM | chosen(settings, INDEPENDENT), _at_fractions(tasks), settings)
    title = 'Classes of one task, "l21"'
    compare(title, ours.GLM | chosen(settings), _at_fractions(classes), settings)


def sparse(settings):
    """Fits with "l1" of one binary task: p > n, and sparse X."""
    for has_intercept in (False, True):
        problems = (
            lasso(drawn("logistic", n, p, 1, settings.seed, density=d, share=0.01), has_intercept)
            for n, p, d in ((200, 2000, 1.0), (20_000, 5000, 0.01))
        )
        title = f'One binary task, "l1", with{"" if has_intercept else "out"} intercept'
        compare(title, ours.GLM | chosen(settings), _at_fractions(problems), settings)


def _at_fractions(problems):
    for problem in problems:
        for fraction in (0.1, 0.01):
            yield f"{shape(problem)}, alpha {fraction}", problem.at(fraction)
