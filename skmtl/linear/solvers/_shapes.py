r"""Likelihoods with more to learn than a score: thresholds, a scale.

For a shape s the objective is that of a linear model: convex, with its certificate. What is left
of it, :math:`P(s) = \min_{W, b} F(W, b; s)`, has the slope :math:`\partial F / \partial s` at the
minimiser (J. M. Danskin, "The theory of max-min", SIAM J. Applied Mathematics 14, 1966, theorem
1), and is minimised by L-BFGS (R. H. Byrd, P. Lu, J. Nocedal and C. Zhu, SIAM J. Scientific
Computing 16, 1995), every fit from the last one.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._coefficients import Coefficients, LinearRows
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.tasks._base import Task
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

MOST_FITS = 100


def have_shapes(tasks: Sequence[Task]) -> bool:
    """Whether a likelihood has more to learn than a score."""
    return any(task.n_shapes or task.sees_rows for task in tasks)


def set_shapes(tasks: TaskSet, fitted: LinearFit | None) -> None:
    """Give the tasks that were learned the shapes of a fit."""
    if fitted is not None and fitted.shapes is not None:
        learned = [task for task in tasks.tasks if task.n_labels_ and task.n_outputs_]
        for task, shape in zip(learned, fitted.shapes, strict=True):
            task.shape_ = shape


def fit_with_shapes(
    fit: Callable[[Start | None], LinearFit],
    X: Any,
    targets: Targets,
    label_weights: Array,
    warm: Start | None,
    tolerance: float,
) -> LinearFit:
    """Fit, with the best shapes beside the coefficients.

    Parameters
    ----------
    fit : callable
        From a start to a fit with the shapes that the tasks have.
    X, targets, label_weights
        The data of the fit.
    warm : Start or None
        Where the first fit starts.
    tolerance : float
        Share of the objective that is worth another fit.
    """
    shapes = _Shapes(X, targets, label_weights)
    last: list[Start | None] = [warm]

    def profile(shape: Array) -> tuple[float, Array]:
        shapes.set(shape)
        found = fit(last[0])
        last[0] = found.warm
        assert found.value is not None
        return found.value, shapes.slope(found)

    for _ in range(MOST_FITS):
        with warnings.catch_warnings():
            # Of what the last fit has not reached, it warns itself.
            warnings.simplefilter("ignore", ConvergenceWarning)
            if len(shape := shapes.get()):
                best = minimize(
                    profile, shape, jac=True, method="L-BFGS-B",
                    options={"ftol": tolerance, "gtol": 0.0, "maxfun": MOST_FITS},
                )  # fmt: skip
                shapes.set(best.x)
            if not any(task.sees_rows for task in shapes.tasks):
                break
            found = fit(last[0])
            last[0] = found.warm
            if shapes.settle(found) <= tolerance:
                break
    return replace(fit(last[0]), shapes=[task.shape_ for task in targets.tasks.tasks])


class _Shapes:
    """The shapes of all tasks as one vector, and the slope of the loss along it."""

    def __init__(self, X: Any, targets: Targets, label_weights: Array) -> None:
        self.rows = LinearRows(X, targets.task_index, targets.tasks.n_tasks)
        self.targets, self.tasks = targets, targets.tasks.tasks
        self.weights = label_weights.reshape(len(label_weights), -1).T
        self.ends = np.cumsum([task.n_shapes for task in self.tasks])[:-1]
        self.last: Array | None = None

    def get(self) -> Array:
        return np.concatenate([task.shape_[: task.n_shapes] for task in self.tasks])

    def set(self, shape: Array) -> None:
        for task, of_task in zip(self.tasks, np.split(shape, self.ends), strict=True):
            if task.n_shapes:
                task.shape_ = of_task.copy()

    def settle(self, found: LinearFit) -> float:
        """Let tasks settle; how far their scores have moved, in the mean square."""
        raw = self._raw_scores(found)
        moved = np.inf if self.last is None else 0.0
        for (task, values, _), output, weight in self._columns():
            if task.sees_rows:
                task.shape_ = task.settled(raw[:, output], values, weight).shape_
                if self.last is not None:
                    moved += float(weight @ np.square(raw - self.last)[:, output].sum(axis=1))
        self.last = raw
        return moved

    def slope(self, found: LinearFit) -> Array:
        """Derivatives of the loss with respect to the shapes, at these coefficients."""
        raw = self._raw_scores(found)
        return np.concatenate(
            [
                weight @ task.shape_slope(raw[:, output], values)
                for (task, values, _), output, weight in self._columns()
            ]
        )

    def _raw_scores(self, found: LinearFit) -> Array:
        unseen = np.zeros((1, self.rows.X.shape[1])), np.zeros(1)
        (raw,) = self.rows.raw_scores([Coefficients(found.W.T, found.b, None, *unseen)])
        return raw

    def _columns(self) -> Any:
        """Labels of each column of y, its outputs, and what each label counts."""
        return zip(self.targets.columns(), self.targets.tasks.slices, self.weights, strict=True)
