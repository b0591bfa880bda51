"""The problem of a fit, stated on Gram matrices or on the rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._centring import without_large_means
from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._statistics import statistics_of
from skmtl.linear.objective._statistics_loss import StatisticsLoss
from skmtl.linear.objective._variables import Intercept, Start
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@dataclass
class Setup:
    """A problem and what it takes to state it in the terms of the data.

    The problem's intercepts belong to centred features, so that ``centers(W)`` lies between
    them and those of the data. ``profiled``: it has none, they follow from ``start_b``.
    """

    problem: Problem
    null_loss: float
    start_b: Array
    centers: Callable[[Array], Any]
    profiled: bool = False

    def to_data(self, W: Array, b: Array) -> Array:
        """Intercepts in the data's terms."""
        return np.asarray((self.start_b if self.profiled else b) - self.centers(W))

    def start(self, warm: Start | None) -> Start:
        """Where solvers start: from coefficients in the data's terms, or from a constant."""
        if warm is None:
            return Start(np.zeros(self.problem.shape), self.start_b)
        return Start(warm.W, warm.b + self.centers(warm.W), warm.parts)


def set_up(
    X: Any,
    targets: Targets,
    label_weights: Any,
    options: FitOptions,
    parts: list[PenaltyPart],
    *,
    on_grams: bool,
    centred: bool,
) -> Setup:
    """State the problem of validated data.

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
    parts : list of PenaltyPart
        Penalties of the parts of W.
    on_grams : bool
        Whether on Gram matrices, which all losses have to be squared for.
    centred : bool
        Whether a part of W that all tasks share is free.
    """
    state = _on_grams if on_grams else _on_rows
    return state(X, targets, label_weights, options, parts, centred)


def _on_grams(
    X: Any,
    targets: Targets,
    label_weights: Any,
    options: FitOptions,
    parts: list[PenaltyPart],
    centred: bool,
) -> Setup:
    """Problem on sufficient statistics; free intercepts are kept at their optimum."""
    statistics = statistics_of(X, targets, label_weights, centred=options.fit_intercept)
    shrunk = options.fit_intercept and options.intercept_alpha > 0
    problem = Problem(
        StatisticsLoss(statistics, profiled=not shrunk),
        parts,
        parts[0].shape,
        n_tasks=targets.tasks.n_tasks,
        centred=centred,
        intercept=Intercept(options.intercept_alpha) if shrunk else None,
    )
    null_loss = 0.5 * float(statistics.squares.sum())
    centers = statistics.mean_product if not shrunk else _no_centers
    return Setup(problem, null_loss, statistics.y_mean, centers, profiled=not shrunk)


def _on_rows(
    X: Any,
    targets: Targets,
    label_weights: Array,
    options: FitOptions,
    parts: list[PenaltyPart],
    centred: bool,
) -> Setup:
    """Problem on the rows, with features centred where intercepts are free."""
    shape = parts[0].shape
    intercept = Intercept(options.intercept_alpha) if options.fit_intercept else None
    centers, offset = _no_centers, None
    if intercept and not intercept.alpha:
        # Weighted, so that weights and repeated rows take the very same steps.
        weight = label_weights.reshape(len(label_weights), -1).sum(axis=1)
        mean = X.T @ (weight / weight.sum())
        X, offset = without_large_means(X, mean, weight)

        def centers(W: Array) -> Any:
            return mean @ W

    loss = DataLoss(make_design(X, targets, offset), targets, label_weights)
    start_b = _priors(targets, label_weights) * options.fit_intercept
    problem = Problem(
        loss,
        parts,
        shape,
        n_tasks=targets.tasks.n_tasks,
        centred=centred,
        intercept=intercept,
    )
    return Setup(problem, loss.at(np.zeros(shape), start_b).value, start_b, centers)


def _no_centers(W: Array) -> Any:
    return 0.0


def _priors(targets: Targets, label_weights: Array) -> Array:
    """Raw scores of the best constant predictions: the intercepts to start from."""
    weights = label_weights.reshape(len(label_weights), -1).T
    priors = np.concatenate(
        [
            task.raw_prior(values[c > 0], c[c > 0])
            for (task, values, _), c in zip(targets.columns(), weights, strict=True)
        ]
    )
    return np.tile(priors, targets.tasks.n_tasks) if targets.tasks.is_long else priors


def without_center(
    parts: list[PenaltyPart], n_tasks: int, center: bool
) -> tuple[list[PenaltyPart], Array | None]:
    """Parts, and weights of the tasks in the best w0, where it can be left out; else None.

    What is left is a quadratic penalty on W itself, that compares tasks.
    """
    part = parts[0]
    if len(parts) > 1 or not part.is_quadratic or not part.has_quadratic:
        return parts, None
    if not center:
        is_about_mean = part.over_tasks and part.Q.dense is None and not part.Q.on_mean
        return parts, part.Q.center_weights(n_tasks) if is_about_mean else None
    weights = part.Q.center_weights(part.n_tasks)
    if len(weights) != n_tasks:
        weights = np.full(n_tasks, 1.0 / n_tasks)
    return [part.comparing_tasks(n_tasks, part.Q.centred())], weights
