"""The problem of a fit, stated on Gram matrices or on the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._best_constants import priors, without_outliers
from skmtl.linear.objective._centring import LARGE, shifted_by_task, without_large_means
from skmtl.linear.objective._design import Design, make_design
from skmtl.linear.objective._losses import DataLoss, Loss
from skmtl.linear.objective._options import TASK_MEANS, FitOptions
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._statistics import statistics_of
from skmtl.linear.objective._statistics_loss import StatisticsLoss
from skmtl.linear.objective._variables import Intercept, Start
from skmtl.tasks._targets import Targets

Array = NDArray[Any]
Centers = Callable[[Array], Any]


@dataclass
class Setup:
    """A problem and what it takes to state it in the terms of the data."""

    problem: Problem
    stated: StatedLoss

    @property
    def null_loss(self) -> float:
        """Loss of a constant prediction."""
        return self.stated.null_loss

    def to_data(self, W: Array, b: Array) -> Array:
        """Intercepts in the data's terms."""
        stated = self.stated
        return np.asarray((stated.start_b if stated.profiled else b) - stated.centers(W))

    def start(self, warm: Start | None) -> Start:
        """Where solvers start: from coefficients in the data's terms, or from a constant."""
        if warm is None:
            return Start(np.zeros(self.problem.shape), self.stated.start_b)
        return Start(warm.W, warm.b + self.stated.centers(warm.W), warm.parts)


@dataclass(frozen=True, eq=False)
class StatedLoss:
    """The loss of validated data, stated once for all penalties.

    Its intercepts belong to centred features, so that ``centers(W)`` lies between them and those
    of the data.

    Attributes
    ----------
    loss : Loss
        On Gram matrices, or on the rows.
    n_tasks : int
        Number of tasks.
    null_loss : float
        Loss of a constant prediction.
    start_b : ndarray of shape (n_outputs,)
        Intercepts to start from.
    centers : callable
        From W to what centring takes from the intercepts.
    intercept_alpha : float or None
        Strength of the penalty on intercepts; None where they are no unknowns.
    profiled : bool
        Whether intercepts are no unknowns because they follow from ``start_b``.
    """

    loss: Loss
    n_tasks: int
    null_loss: float
    start_b: Array
    centers: Centers
    intercept_alpha: float | None
    profiled: bool = False

    def with_penalty(
        self, parts: list[PenaltyPart], *, centred: bool, shared_alpha: float = 0.0
    ) -> Setup:
        """The problem with the penalties of the parts of W.

        ``centred``: whether there is a part w0 of W that all tasks share, with a ridge of strength
        ``shared_alpha``.
        """
        alpha = self.intercept_alpha
        problem = Problem(
            self.loss,
            parts,
            parts[0].shape,
            n_tasks=self.n_tasks,
            centred=centred,
            shared_alpha=shared_alpha,
            intercept=None if alpha is None else Intercept(alpha),
        )
        return Setup(problem, self)


def state_loss(
    X: Any, targets: Targets, label_weights: Any, options: FitOptions, *, on_grams: bool
) -> StatedLoss:
    """State the loss of validated data.

    Parameters
    ----------
    X : ndarray, sparse matrix or Statistics
        Features, or what squared loss needs of the data.
    targets : Targets
        Labels of tasks that have some.
    label_weights : ndarray or None
        What each label counts; None with statistics.
    options : FitOptions
        How intercepts are treated.
    on_grams : bool
        Whether on Gram matrices, which all losses have to be squared for.
    """
    state = _on_grams if on_grams else _on_rows
    return state(X, targets, label_weights, options)


def _on_grams(X: Any, targets: Targets, label_weights: Any, options: FitOptions) -> StatedLoss:
    """Loss on sufficient statistics; free intercepts are kept at their optimum."""
    statistics = statistics_of(X, targets, label_weights, centred=options.fit_intercept)
    shrunk = options.fit_intercept and options.intercept_alpha > 0
    moved = statistics.from_origin(options.origin if shrunk else TASK_MEANS)
    # The mean of the intercepts is free: a large one of y costs digits, and says nothing.
    level = statistics.omega @ statistics.y_mean / statistics.omega.sum() if shrunk else 0.0
    moved.y_mean = statistics.y_mean - level
    return StatedLoss(
        StatisticsLoss(moved, profiled=not shrunk),
        targets.tasks.n_tasks,
        null_loss=0.5 * float(statistics.squares.sum()),
        start_b=moved.y_mean,
        centers=lambda W: statistics.mean_product(W) - moved.mean_product(W) - level,
        intercept_alpha=options.intercept_alpha if shrunk else None,
        profiled=not shrunk,
    )


def _on_rows(X: Any, targets: Targets, label_weights: Array, options: FitOptions) -> StatedLoss:
    """Loss on the rows, with features centred where intercepts are free."""
    origin = options.origin if options.intercept_alpha else TASK_MEANS
    if not isinstance(origin, str):
        design, centers = make_design(X, targets, origin), _at(origin)
    elif options.fit_intercept:
        centred = _centred if targets.task_index is None else _centred_by_task
        design, centers = centred(X, targets, label_weights)
    else:
        design, centers = make_design(X, targets), _at(None)
    loss = DataLoss(design, targets, label_weights)
    start_b = priors(targets, label_weights) * options.fit_intercept
    if options.fit_intercept:
        start_b = without_outliers(loss, targets, start_b)
    null_loss = loss.at(np.zeros((X.shape[1], len(start_b))), start_b).value
    intercept_alpha = options.intercept_alpha if options.fit_intercept else None
    return StatedLoss(loss, targets.tasks.n_tasks, null_loss, start_b, centers, intercept_alpha)


def _centred(X: Any, targets: Targets, label_weights: Array) -> tuple[Design, Centers]:
    """Design of features less their means, and from W to what that takes from intercepts."""
    # Weighted, so that weights and repeated rows take the very same steps.
    by_task = label_weights.reshape(len(label_weights), -1)
    weight = by_task @ np.ones(by_task.shape[1])
    mean = X.T @ (weight / weight.sum())
    X, offset = without_large_means(X, mean, weight)
    return make_design(X, targets, offset), lambda W: mean @ W


def _centred_by_task(X: Any, targets: Targets, label_weights: Array) -> tuple[Design, Centers]:
    """The same in long form, where every task has means of its own."""
    assert targets.task_index is not None
    c, n_tasks = label_weights[:, None], targets.tasks.n_tasks
    sums, total = make_design(X, targets).adjoint(c)
    mean = sums / np.where(total > 0.0, total, 1.0)
    design = make_design(X, targets, mean)
    shift = np.where(design.squares(c) * (LARGE - 1.0) < total * mean**2, mean, 0.0)
    if shift.any():
        X = shifted_by_task(X, shift, targets.task_index)
        design = make_design(X, targets, mean - shift)

    def centers(W: Array) -> Array:
        return np.einsum("pt,ptc->tc", mean, W.reshape(len(W), n_tasks, -1)).ravel()

    return design, centers


def _at(origin: Array | None) -> Centers:
    """From W to what lies between intercepts at the origin and those of the data."""
    return lambda W: 0.0 if origin is None else origin @ W


def without_center(
    parts: list[PenaltyPart], n_tasks: int, *, center: bool, shared_alpha: float = 0.0
) -> tuple[list[PenaltyPart], Array | None]:
    """Parts, and weights of the tasks in the best w0, where it can be left out; else None.

    What is left is a quadratic penalty on W itself, that compares tasks, and has a ridge on w0. The
    distance from the mean is as a ridge on V is. Parts that leave something free have the ridge
    on that.
    """
    part, uniform = parts[0], np.full(n_tasks, 1.0 / n_tasks)
    if len(parts) == 1 and part.is_quadratic and part.has_quadratic:
        Q = part.Q
        if center or (part.over_tasks and Q.dense is None and not Q.on_mean):
            of_outputs = Q.dense is not None and part.n_tasks != n_tasks
            weights = uniform if of_outputs else Q.center_weights(n_tasks, shared_alpha)
            return [part.comparing_tasks(n_tasks, Q.centred(shared_alpha))], weights
    with_ridge = [part.plus_ridge(shared_alpha) for part in parts]
    # What a part leaves free has no need of a w0 beside it.
    needs_no_w0 = center and any(a is not b for a, b in zip(parts, with_ridge, strict=True))
    return with_ridge, uniform if needs_no_w0 else None
