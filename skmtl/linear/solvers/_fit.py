"""From validated data to certified coefficients: which loss, which solver."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmtl._warnings import warn
from skmtl.linear.objective._centring import without_large_means
from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss, StatisticsLoss
from skmtl.linear.objective._penalty_part import parts_for, task_covariance
from skmtl.linear.objective._problem import Intercept, Problem
from skmtl.linear.objective._row_space import in_row_space
from skmtl.linear.objective._separation import warn_of_separated
from skmtl.linear.objective._statistics import Statistics, gram_bytes, statistics_of
from skmtl.linear.penalties import L2
from skmtl.linear.solvers import (
    Solution,
    admm,
    closed_form,
    closed_form_graph,
    largest_curvature,
    proximal_gradient,
)
from skmtl.linear.solvers._blocks import solve_blocks
from skmtl.linear.solvers._select import Case, choose_solver, fits_in_grams
from skmtl.tasks._regression import Regression

ROUNDING = 1e-14
"""Share of the loss of a constant prediction that a gap cannot be told from 0 below."""

FLAT = 1e-4
"""Curvature along the features, as a part of that along intercepts, that is another scale."""

CLOSE = 1e-8
"""Share of that loss to which a direct solution is close without a word."""


@dataclass
class LinearFit:
    """Result of `fit_linear`: W (p, C), b (C,), the shared part, and the certificate.

    ``parts`` (n, p, C) are what the penalties act on, where that is not W itself.
    """

    W: np.ndarray
    b: np.ndarray
    shared_W: np.ndarray | None
    gap: float
    n_iter: int
    parts: np.ndarray | None = None
    task_covariance: np.ndarray | None = None

    @property
    def components(self):
        """Parts that add up to W; None if there is one."""
        return None if self.parts is None or len(self.parts) == 1 else self.parts

    @property
    def warm(self):
        """What `fit_linear` can start from."""
        return self.W, self.b, self.parts

    def in_equal_parts(self, n_parts):
        """The same fit as one with several parts, of smallest norm."""
        whole = self.W if self.parts is None else self.parts[0]
        return replace(self, parts=np.repeat(whole[None] / n_parts, n_parts, axis=0))

    def expanded(self, basis):
        """The same for the features, of a fit in a basis of the rows (None: the features)."""
        if basis is None:
            return self
        W, shared_W, parts = (
            None if part is None else basis @ part for part in (self.W, self.shared_W, self.parts)
        )
        return replace(self, W=W, shared_W=shared_W, parts=parts)


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


def fit_linear(X, targets, label_weights, penalty, settings, warm=None):
    """Fit all tasks of ``targets``, each of which has labels and outputs.

    ``settings`` is the estimator: alpha, center, fit_intercept, intercept_alpha, positive,
    solver, tol, max_iter, and where there is one ``margin``: the part of the gap allowed to which
    solvers go. ``warm`` are (W, b) to start from, or (W, b, parts of W or None).
    """
    if not isinstance(X, Statistics):
        X, basis = in_row_space(X, penalty, settings)
        if basis is not None:
            if warm is not None:
                W, b, *parts = warm
                warm = basis.T @ W, b, *(p if p is None else basis.T @ p for p in parts)
            return fit_linear(X, targets, label_weights, penalty, settings, warm).expanded(basis)
    tasks = targets.tasks
    check_comparable(tasks, penalty, settings)
    squared = _check_losses(tasks)
    positive = settings.positive
    parts = parts_for(penalty, settings.alpha, X.shape[1], tasks, positive=positive)
    if squared and _is_least_squares(parts, settings):
        one = fit_linear(
            X, targets, label_weights, 0.0 * L2(), settings, None if warm is None else warm[:2]
        )
        return one.in_equal_parts(len(parts))
    shape = parts[0].shape
    center_weights = _profile_center(parts, tasks.n_tasks, settings.center)
    n_bytes = gram_bytes(X, targets, label_weights) if squared else np.inf
    solver = choose_solver(Case(tasks, parts, penalty, settings, squared, n_bytes))
    if solver == "block_descent":
        return next(descend_path(X, targets, label_weights, parts[0], settings, warm))
    use_grams = solver in ("closed_form", "admm") or fits_in_grams(X.shape, n_bytes)
    set_up = _on_grams if use_grams else _on_rows
    centred = settings.center and center_weights is None
    setup = set_up(X, targets, label_weights, settings, parts, shape, centred)
    if solver == "closed_form":
        solution = _solve_closed_form(setup.problem)
        _warn_unless_certified(solution.gap, setup.null_loss, settings)
    else:
        start = np.zeros(shape), setup.start_b
        if warm is not None:
            start = warm[0], setup.from_data(*warm[:2]), *warm[2:]
        solution = _iterate(setup, solver, start, settings, tasks)
    W, b = setup.problem.coefficients(solution.x)
    shared = setup.problem.shared(solution.x) if centred else None
    if center_weights is not None:
        shared = np.einsum("ptc,t->pc", W.reshape(len(W), tasks.n_tasks, -1), center_weights)
    V = setup.problem.split(solution.x)[0]
    covariance = [task_covariance(part, v) for part, v in zip(parts, V, strict=True)]
    return LinearFit(
        W=W,
        b=setup.to_data(W, b),
        shared_W=shared,
        gap=solution.gap,
        n_iter=solution.n_iter,
        parts=V.copy() if len(V) > 1 or centred else None,
        task_covariance=next((c for c in covariance if c is not None), None),
    )


def _is_least_squares(parts, settings):
    """Whether there are several parts without a penalty on any: the split says nothing."""
    free = all(part.is_quadratic and not part.has_quadratic for part in parts)
    return len(parts) > 1 and free and settings.solver == "auto"


def descend_path(X, targets, label_weights, part, settings, warm=None, alphas=(1.0,)):
    """Yield a `LinearFit` by block descent with the penalty times each alpha."""
    for W, b, gap, n_iter, null_loss in solve_blocks(
        X, targets, label_weights, part, settings, warm, alphas
    ):
        _warn_unless_converged(gap, null_loss, settings)
        yield LinearFit(W, b, None, gap, n_iter)


def _profile_center(parts, n_tasks, center):
    """Weights of the tasks in the best w0, where it is known and can be left out; else None."""
    part = parts[0]
    if len(parts) > 1 or not part.is_quadratic or not part.has_quadratic:
        return None
    if not center:
        is_about_mean = part.over_tasks and part.Q.dense is None and not part.Q.on_mean
        return part.Q.center_weights(n_tasks) if is_about_mean else None
    weights = part.Q.center_weights(part.n_tasks)
    # What is left is a quadratic penalty on W itself, that compares tasks.
    part.compare_tasks(n_tasks, part.Q.centred())
    return weights if len(weights) == n_tasks else np.full(n_tasks, 1.0 / n_tasks)


def _on_grams(X, targets, label_weights, settings, parts, shape, centred):
    """Problem on sufficient statistics; free intercepts are kept at their optimum."""
    statistics = statistics_of(X, targets, label_weights, centred=settings.fit_intercept)
    shrunk = settings.fit_intercept and settings.intercept_alpha > 0
    problem = Problem(
        StatisticsLoss(statistics, profiled=not shrunk),
        parts,
        shape,
        n_tasks=targets.tasks.n_tasks,
        centred=centred,
        intercept=Intercept(settings.intercept_alpha) if shrunk else None,
    )
    null_loss = 0.5 * float(statistics.squares.sum())
    centers = statistics.mean_product if not shrunk else _no_centers
    return Setup(problem, null_loss, statistics.y_mean, centers, profiled=not shrunk)


def _on_rows(X, targets, label_weights, settings, parts, shape, centred):
    """Problem on the rows, with features centred where intercepts are free."""
    intercept = Intercept(settings.intercept_alpha) if settings.fit_intercept else None
    centers, offset = _no_centers, None
    if intercept and not intercept.alpha:
        # Weighted, so that weights and repeated rows take the very same steps.
        weight = label_weights.reshape(len(label_weights), -1).sum(axis=1)
        mean = X.T @ (weight / weight.sum())
        X, offset = without_large_means(X, mean, weight)

        def centers(W):
            return mean @ W

    loss = DataLoss(make_design(X, targets, offset), targets, label_weights)
    start_b = _priors(targets, label_weights) * settings.fit_intercept
    problem = Problem(
        loss,
        parts,
        shape,
        n_tasks=targets.tasks.n_tasks,
        centred=centred,
        intercept=intercept,
    )
    return Setup(problem, loss.at(np.zeros(shape), start_b).value, start_b, centers)


def _no_centers(W):
    return 0.0


def _solve_closed_form(problem):
    statistics, matrix = problem.loss.statistics, problem.parts[0].Q
    intercept_alpha = problem.intercept.alpha if problem.intercept else None
    if matrix.dense is None:
        W, b = closed_form(
            statistics,
            ridge=matrix.on_mean,
            deviation=matrix.on_deviation - matrix.on_mean,
            intercept_alpha=intercept_alpha,
        )
    else:
        W, b = closed_form_graph(statistics, matrix, intercept_alpha=intercept_alpha)
    x = problem.start(W, b)
    primal, lower = problem.gap(x)
    return Solution(x, max(primal - lower, 0.0), 1)


def _iterate(setup, solver, start, settings, tasks):
    """Run an iterative solver from (W, b, parts), and warn if it did not converge."""
    problem, margin = setup.problem, getattr(settings, "margin", 1.0)
    max_gap = margin * settings.tol * setup.null_loss
    stopping = {"max_gap": max_gap, "max_iter": settings.max_iter}
    if solver == "admm":
        solution = admm(problem, problem.proxes(), problem.start(*start), **stopping)
    else:
        if problem.intercept:
            problem.intercept.scale = _intercept_scale(problem, *start[:2])
        solution = proximal_gradient(problem, problem.start(*start), **stopping)
    endless = warn_of_separated(problem, solution.x, tasks)
    if not endless or np.isfinite(solution.gap):
        _warn_unless_converged(solution.gap - endless, setup.null_loss, settings)
    return solution


def _warn_unless_converged(gap, null_loss, settings):
    max_gap = settings.tol * null_loss
    # Below that the gap is rounding.
    if gap > max(max_gap, ROUNDING * null_loss):
        warn(
            f"max_iter={settings.max_iter} iterations reached with a duality gap of {gap:.3g}; "
            f"tol={settings.tol:g} asks for at most {max_gap:.3g} (tol times the loss of a "
            "constant prediction). Increase max_iter, scale the features (StandardScaler), or "
            "raise tol.",
            ConvergenceWarning,
        )


def _warn_unless_certified(gap, null_loss, settings):
    """Warn where a system is so ill-conditioned that its solution is not known to be close."""
    if gap > max(settings.tol, CLOSE) * null_loss:
        warn(
            f"The closed form is certified to a duality gap of {gap:.3g} only; tol="
            f"{settings.tol:g} asks for at most {settings.tol * null_loss:.3g} (tol times the "
            "loss of a constant prediction). Features are nearly collinear, or there are more of "
            "them than rows: scale them (StandardScaler), or raise alpha.",
            ConvergenceWarning,
        )


def _intercept_scale(problem, W, b):
    """Scale that gives the intercepts the curvature of the steepest feature direction."""
    point = problem.loss.at(W, b)
    # Signs that alternate: softmax does not bend where all classes move alike.
    signs = np.where(np.arange(problem.shape[1]) % 2, -1.0, 1.0)
    along_b = np.abs(point.hessian(np.zeros(problem.shape), signs)[1]).max()
    x = problem.start(W, b)
    steepest = largest_curvature(problem, x)
    if steepest <= 2.0 * along_b:
        # Maybe that of the intercepts; what counts are the features alone, if they are flat.
        features = np.ones_like(x)
        problem.split(features)[2][:] = 0.0
        if largest_curvature(problem, x, n_iter=2, among=features) < FLAT * along_b:
            steepest = largest_curvature(problem, x, among=features)
    return float(np.sqrt(steepest / along_b)) if along_b > 0 and steepest > 0 else 1.0


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


def check_comparable(tasks, penalty, settings):
    """What compares tasks needs the same outputs in each."""
    sizes = {
        name: task.n_outputs_ for name, task in zip(tasks.names.tolist(), tasks.tasks, strict=False)
    }
    if len(set(sizes.values())) == 1:
        return
    parts = penalty.parts()
    for compares, what in (
        (any(a.over_tasks for part in parts for a in part.atoms()), f"penalty {penalty!r}"),
        (settings.center, "center=True"),
        (settings.fit_intercept and settings.intercept_alpha > 0, "intercept_alpha"),
    ):
        if compares:
            raise ValueError(
                f"{what} compares tasks and needs the same number of outputs in each; got {sizes}."
            )


def _priors(targets, label_weights):
    """Raw scores of the best constant predictions: the intercepts to start from."""
    tasks = targets.tasks
    if tasks.is_long:
        return np.tile(tasks.tasks[0].raw_prior(targets.values, label_weights), tasks.n_tasks)
    values = targets.values.reshape(len(targets.values), -1).T
    columns = zip(tasks.tasks, values, label_weights.reshape(len(label_weights), -1).T, strict=True)
    return np.concatenate([task.raw_prior(v[c > 0], c[c > 0]) for task, v, c in columns])
