"""From a fit to coefficients in the units of y, and back."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._design import LongDesign
from skmtl.linear.objective._training_data import learnable_outputs, learnable_tasks
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

FEW_ROWS = 32
"""Rows of long form whose coefficients are copied sooner than they are laid out by task."""


@dataclass(frozen=True)
class Coefficients:
    """Coefficients of all outputs in the units of y; 0 for tasks that were not fitted.

    Attributes
    ----------
    coef : ndarray of shape (n_outputs, n_features)
        Coefficients.
    intercept : ndarray of shape (n_outputs,)
        Intercepts.
    components : ndarray of shape (n_parts, n_outputs, n_features) or None
        Parts of ``coef``, where the penalty splits it.
    shared_coef : ndarray of shape (n_features,) or (n_classes, n_features), or None
        What the tasks share, where that is asked for.
    shared_intercept : ndarray of shape (n_classes,) or None
        Its intercepts.
    """

    coef: Array
    intercept: Array
    components: Array | None = None
    shared_coef: Array | None = None
    shared_intercept: Array | None = None


@dataclass(frozen=True)
class Units:
    """Mask of the outputs that are learned, and scale and location of all: the units of y."""

    learned: Array
    scale: Array
    location: Array

    @classmethod
    def of(cls, tasks: TaskSet) -> Self:
        """Those of the raw scores of the tasks."""
        sizes = [task.n_outputs_ for task in tasks.tasks]
        scale, location = (
            np.repeat([float(getattr(task, name, default)) for task in tasks.tasks], sizes)
            for name, default in (("scale_", 1.0), ("location_", 0.0))
        )
        if tasks.is_long:
            scale, location = np.tile(scale, tasks.n_tasks), np.tile(location, tasks.n_tasks)
        return cls(learnable_outputs(tasks), scale, location)


def use_units_of_y(tasks: TaskSet) -> TaskSet:
    """From here on, raw scores are in the units of y."""
    for task in tasks.tasks:
        if hasattr(task, "scale_"):
            task.location_, task.scale_ = 0.0, 1.0
    return tasks


def in_units_of_y(tasks: TaskSet) -> TaskSet:
    """The same tasks for raw scores in the units of y."""
    return use_units_of_y(replace(tasks, tasks=tuple(copy(task) for task in tasks.tasks)))


def coefficients_of(
    fitted: LinearFit | None, tasks: TaskSet, n_features: int, units: Units | None = None
) -> Coefficients:
    """Those of a fit of the tasks that have labels; None where there was nothing to learn.

    ``units`` are those of the tasks, where they are known.
    """
    units = Units.of(tasks) if units is None else units
    outputs, scale, location = units.learned, units.scale, units.location
    coef, intercept = np.zeros((len(outputs), n_features)), np.zeros(len(outputs))
    components = None
    if fitted is not None:
        coef[outputs], intercept[outputs] = fitted.W.T, fitted.b
        if fitted.components is not None:
            components = np.zeros((len(fitted.components), *coef.shape))
            components[:, outputs] = fitted.components.swapaxes(1, 2)
            components *= scale[:, None]
    coef, intercept = coef * scale[:, None], intercept * scale + location
    shared_W = None if fitted is None else fitted.shared_W
    if shared_W is None and not tasks.is_long:
        return Coefficients(coef, intercept, components)
    n_classes = tasks.tasks[0].n_outputs_ if shared_W is None else shared_W.shape[1]
    # There are no outputs where all labels are of one class.
    n_fitted = np.count_nonzero(learnable_tasks(tasks))
    shared_intercept = intercept[outputs].reshape(n_fitted, n_classes).mean(axis=0)
    if shared_W is None:
        shared = coef[outputs].reshape(n_fitted, n_classes, n_features).mean(axis=0)
    else:
        shared = shared_W.T * (scale[0] if tasks.is_long else 1.0)
    shared = shared[0] if len(shared) == 1 else shared
    return Coefficients(coef, intercept, components, shared, shared_intercept)


def warm_start_of(
    coef: Array, intercept: Array, components: Array | None, tasks: TaskSet, n_parts: int
) -> tuple[Array, ...]:
    """What `fit_linear` starts from: W, b and, where there are as many, its parts."""
    units = Units.of(tasks)
    outputs, scale, location = units.learned, units.scale, units.location
    W, b = coef.T / scale, (intercept - location) / scale
    if components is None or len(components) != n_parts:
        return W[:, outputs], b[outputs]
    return W[:, outputs], b[outputs], (components.swapaxes(1, 2) / scale)[:, :, outputs]


class LinearRows:
    """Rows whose raw scores are asked for; in long form -1 is a task that `fit` did not see.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        Features.
    task_index : ndarray of shape (n_samples,) or None
        Position of the task of each row, in long form.
    n_tasks : int
        Number of tasks.
    """

    def __init__(self, X: Any, task_index: Array | None, n_tasks: int) -> None:
        self.X, self.index, self.n_tasks, self.design = X, task_index, n_tasks, None
        is_few = isinstance(X, np.ndarray) and len(X) <= FEW_ROWS
        if task_index is not None and not is_few:
            # Of the tasks in X, and one more, the shared part: of an unknown task.
            known, self.asked = task_index >= 0, np.zeros(n_tasks, dtype=bool)
            self.asked[task_index[known]] = True
            n_asked = int(np.count_nonzero(self.asked))
            index = np.where(known, (np.cumsum(self.asked) - 1)[task_index], n_asked)
            self.design = LongDesign(X, index, n_asked + 1, np.zeros(X.shape[1]))

    def raw_scores(self, found: Sequence[Coefficients]) -> Array:
        """Raw scores (m, n_samples, n_outputs) of m fits."""
        if self.index is not None and self.design is None:
            return np.stack([self._one_by_one(one, self.index) for one in found])
        (n_samples, n_features), n_outputs = self.X.shape, len(found[0].intercept)
        coef = np.stack([one.coef for one in found])
        intercept = np.stack([one.intercept for one in found])
        if self.design is None:
            raw = self.X @ coef.reshape(-1, n_features).T + intercept.ravel()
        else:
            # Fits are laid out as further classes of a task.
            shared = np.stack([np.atleast_2d(np.asarray(one.shared_coef)) for one in found])
            shared_intercept = np.stack([np.asarray(one.shared_intercept) for one in found])
            n_outputs = shared.shape[1]
            by_task = len(found), len(self.asked), n_outputs
            W = coef.reshape(*by_task, n_features)[:, self.asked]
            W = np.concatenate([W, shared[:, None]], axis=1).transpose(3, 1, 0, 2)
            b = intercept.reshape(by_task)[:, self.asked]
            b = np.concatenate([b, shared_intercept[:, None]], axis=1).swapaxes(0, 1)
            raw = self.design.forward(W.reshape(n_features, -1), b.ravel())
        return np.asarray(raw).reshape(n_samples, len(found), n_outputs).swapaxes(0, 1)

    def _one_by_one(self, found: Coefficients, index: Array) -> Array:
        """Raw scores (n_samples, n_classes) of rows, each with the coefficients of its task."""
        shared = np.atleast_2d(np.asarray(found.shared_coef))
        known, (n_classes, n_features) = index >= 0, shared.shape
        W = found.coef.reshape(self.n_tasks, n_classes, n_features)[index]
        b = found.intercept.reshape(self.n_tasks, n_classes)[index]
        W[~known], b[~known] = shared, np.asarray(found.shared_intercept)
        return np.asarray(np.einsum("ij,icj->ic", self.X, W) + b)
