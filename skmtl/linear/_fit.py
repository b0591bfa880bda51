"""From validated data to certified coefficients: which loss, which solver."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmtl._warnings import warn
from skmtl.linear._design import make_design
from skmtl.linear._losses import DataLoss, StatisticsLoss
from skmtl.linear._problem import Intercept, Problem
from skmtl.linear._statistics import Statistics, gram_bytes
from skmtl.linear.solvers import Solution, closed_form, largest_curvature, proximal_gradient
from skmtl.tasks._regression import Regression

MAX_GRAM_BYTES = 2**30
"""Above this the Gram matrices are not formed and the solvers work on the rows."""

FEW_FEATURES = 500
"""Up to here steps on Gram matrices are cheap whatever the number of rows, and the choice does
not depend on it: weights and repeated rows take the very same steps."""

SOLVERS = ("auto", "closed_form", "proximal_gradient")


@dataclass
class LinearFit:
    """Result of `fit_linear`: W (p, C), b (C,), the shared part, and the certificate."""

    W: np.ndarray
    b: np.ndarray
    shared_W: np.ndarray | None
    gap: float
    n_iter: int


@dataclass
class Setup:
    """A problem and what it takes to state it in the terms of the data.

    The problem's intercepts belong to centred features, so that ``centers(W)`` lies between
    them and those of the data. ``profiled``: it has none, they follow from ``start_b``.
    """

    problem: Problem
    null_loss: float
    start_b: np.ndarray
    centers: Callable
    profiled: bool = False

    def to_data(self, W, b):
        """Intercepts in the data's terms."""
        return (self.start_b if self.profiled else b) - self.centers(W)

    def from_data(self, W, b):
        """Intercepts in the problem's terms."""
        return b + self.centers(W)


def fit_linear(X, targets, cells, penalty, settings, warm=None):
    """Fit all tasks of ``targets``, each of which has labels and outputs.

    ``settings`` is the estimator: alpha, center, fit_intercept, intercept_alpha, solver, tol,
    max_iter. ``warm`` are (W, b) to start from.
    """
    n_outputs = targets.tasks.n_outputs * (targets.tasks.n_tasks if targets.tasks.is_long else 1)
    centred = settings.center or penalty.is_centred
    _check_comparable(targets.tasks, centred, penalty, settings)
    squared = _check_losses(targets.tasks)
    n_bytes = gram_bytes(X, targets, cells) if squared else np.inf
    solver = _choose_solver(targets, penalty, settings, squared, n_bytes)
    use_grams = solver == "closed_form" or (
        n_bytes <= MAX_GRAM_BYTES and (X.shape[1] <= FEW_FEATURES or X.shape[1] <= X.shape[0])
    )
    set_up = _on_grams if use_grams else _on_rows
    setup = set_up(X, targets, cells, settings, (X.shape[1], n_outputs), penalty, centred)
    if solver == "closed_form":
        solution = _solve_closed_form(setup.problem, penalty, settings)
    else:
        W, b = (np.zeros((X.shape[1], n_outputs)), setup.start_b)
        if warm is not None:
            W, b = warm[0], setup.from_data(*warm)
        solution = _solve_proximal_gradient(setup, W, b, settings)
    W, b = setup.problem.coefficients(solution.x)
    shared = setup.problem.shared(solution.x) if centred else None
    return LinearFit(W, setup.to_data(W, b), shared, solution.gap, solution.n_iter)


def _on_grams(X, targets, cells, settings, shape, penalty, centred):
    """Problem on sufficient statistics; free intercepts are kept at their optimum."""
    statistics = Statistics(X, targets, cells, centred=settings.fit_intercept)
    shrunk = settings.fit_intercept and settings.intercept_alpha > 0
    problem = Problem(
        StatisticsLoss(statistics, profiled=not shrunk),
        penalty,
        settings.alpha,
        shape,
        n_tasks=targets.tasks.n_tasks,
        centred=centred,
        intercept=Intercept(settings.intercept_alpha) if shrunk else None,
    )
    null_loss = 0.5 * float(statistics.squares.sum())
    centers = statistics.mean_product if not shrunk else _no_centers
    return Setup(problem, null_loss, statistics.y_mean, centers, profiled=not shrunk)


def _on_rows(X, targets, cells, settings, shape, penalty, centred):
    """Problem on the rows, with features centred where intercepts are free."""
    intercept = Intercept(settings.intercept_alpha) if settings.fit_intercept else None
    centers, offset = _no_centers, None
    if intercept and not intercept.alpha:
        # Weighted, so that weights and repeated rows take the very same steps.
        weight = cells.reshape(len(cells), -1).sum(axis=1)
        offset = X.T @ (weight / weight.sum())

        def centers(W):
            return offset @ W

    loss = DataLoss(make_design(X, targets, offset), targets, cells)
    start_b = _priors(targets, cells) * settings.fit_intercept
    problem = Problem(
        loss,
        penalty,
        settings.alpha,
        shape,
        n_tasks=targets.tasks.n_tasks,
        centred=centred,
        intercept=intercept,
    )
    return Setup(problem, loss.at(np.zeros(shape), start_b).value, start_b, centers)


def _no_centers(W):
    return 0.0


def _solve_closed_form(problem, penalty, settings):
    strength = settings.alpha * penalty.weight
    W, b = closed_form(
        problem.loss.statistics,
        ridge=0.0 if problem.centred else strength,
        deviation=strength if problem.centred else 0.0,
        intercept_alpha=problem.intercept.alpha if problem.intercept else None,
    )
    x = problem.start(W, b)
    primal, lower = problem.gap(x)
    return Solution(x, max(primal - lower, 0.0), 1)


def _solve_proximal_gradient(setup, W, b, settings):
    problem, max_gap = setup.problem, settings.tol * setup.null_loss
    if problem.intercept:
        problem.intercept.scale = _intercept_scale(problem, W, b)
    solution = proximal_gradient(
        problem, problem.start(W, b), max_gap=max_gap, max_iter=settings.max_iter
    )
    if solution.gap > max_gap:
        warn(
            f"max_iter={settings.max_iter} iterations reached with a duality gap of "
            f"{solution.gap:.3g}; tol={settings.tol:g} asks for at most {max_gap:.3g} (tol times "
            "the loss of a constant prediction). Increase max_iter, scale the features "
            "(StandardScaler), or raise tol.",
            ConvergenceWarning,
        )
    return solution


def _intercept_scale(problem, W, b):
    """Scale that gives the intercepts the curvature of the steepest feature direction."""
    point = problem.loss.at(W, b)
    # Signs that alternate: softmax does not bend where all classes move alike.
    signs = np.where(np.arange(problem.shape[1]) % 2, -1.0, 1.0)
    along_b = np.abs(point.hessian(np.zeros(problem.shape), signs)[1]).max()
    steepest = largest_curvature(problem, problem.start(W, b))
    return float(np.sqrt(steepest / along_b)) if along_b > 0 and steepest > 0 else 1.0


def _choose_solver(targets, penalty, settings, squared, n_bytes):
    quadratic = penalty.is_quadratic or settings.alpha == 0
    fits = squared and quadratic
    if settings.solver == "closed_form" and not fits:
        what = "squared loss" if not squared else "a quadratic penalty ('l2', 'mean')"
        found = (
            f"tasks {sorted({task.alias for task in targets.tasks.tasks})}"
            if not squared
            else f"penalty {penalty!r}"
        )
        raise ValueError(
            f"solver='closed_form' needs {what}, but got {found}; "
            "solver='proximal_gradient' (or 'auto') fits."
        )
    if settings.solver != "auto":
        return settings.solver
    return "closed_form" if fits and n_bytes <= MAX_GRAM_BYTES else "proximal_gradient"


def _check_losses(tasks):
    """Whether all losses are squared; raise for one that no solver takes."""
    for task, name in zip(tasks.tasks, tasks.names.tolist(), strict=False):
        if type(task) is Regression and task.loss == "absolute":
            raise ValueError(
                f"Task {name!r} has the absolute loss, which is not smooth: no linear solver "
                "takes it. Regression(loss='huber') is close to it and fits; the neural "
                "estimators take both."
            )
    return all(type(task) is Regression and task.loss == "squared" for task in tasks.tasks)


def _check_comparable(tasks, centred, penalty, settings):
    """Averaging over tasks needs the same outputs in each."""
    outputs = {task.n_outputs_ for task in tasks.tasks}
    shrunk = settings.fit_intercept and settings.intercept_alpha > 0
    if len(outputs) > 1 and (centred or shrunk):
        what = f"penalty {penalty!r}" if penalty.is_centred else "center=True"
        what = what if centred else f"intercept_alpha={settings.intercept_alpha:g}"
        sizes = {
            name: task.n_outputs_
            for name, task in zip(tasks.names.tolist(), tasks.tasks, strict=True)
        }
        raise ValueError(
            f"{what} averages over tasks and needs the same number of outputs in each; got {sizes}."
        )


def _priors(targets, cells):
    """Raw scores of the best constant predictions: the intercepts to start from."""
    tasks = targets.tasks
    if tasks.is_long:
        return np.tile(tasks.tasks[0].raw_prior(targets.values, cells), tasks.n_tasks)
    values = targets.values.reshape(len(targets.values), -1).T
    columns = zip(tasks.tasks, values, cells.reshape(len(cells), -1).T, strict=True)
    return np.concatenate([task.raw_prior(v[c > 0], c[c > 0]) for task, v, c in columns])
