"""Tasks of linear models that come after `fit`: rows of ``coef_`` like the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._grows_tasks import GrowsTasks
from skmtl._likely_strengths import Labels
from skmtl._new_head import Head, fit_head
from skmtl._one_of_many import is_one_of_many, learn_one_of_many
from skmtl.tasks._base import Task

Array = NDArray[Any]

MOST_FUNCTIONS = 32
"""Functions of other tasks with which a new one is compared; of more, as many directions."""


class GrowsLinearTasks(GrowsTasks):
    """Mixin for estimators with ``coef_`` and ``intercept_``.

    A new task has coefficients in the span of those of other tasks, and beyond that on the features
    that any of them uses; in the span alone where the model is of low rank.
    """

    _of_tasks: tuple[str, ...] = ("_task_set", "coef_", "intercept_")

    coef_: Array
    intercept_: Any
    """(n_outputs,), or 0.0 where there is none."""

    @property
    def _is_low_rank(self) -> bool:
        """Whether the model says that all tasks use few directions of X."""
        return False

    def _learn_head(self, labels: Labels, X: Any) -> Head:
        task, X = labels.task, X.astype(np.float64, copy=False)
        if is_one_of_many(self._task_set, labels):
            return self._learn_one_of_many(labels, X)
        W, b, mean, owners = self._functions(task)
        scale, location = getattr(task, "scale_", 1.0), getattr(task, "location_", 0.0)
        mean = None if mean is None else mean / scale
        parts, used = [X @ W.T + b], np.flatnonzero(self.coef_.any(axis=0))
        if not len(used):
            used = np.arange(X.shape[1])
        if not self._is_low_rank:
            parts.append(X if len(used) == X.shape[1] else X[:, used])
        head = fit_head(labels, mean, parts, owners)
        coef = head.coefs[0].T @ W
        for own in head.coefs[1:]:
            coef[:, used] += own.T
        intercept = head.intercept + head.coefs[0].T @ b
        if hasattr(task, "scale_"):
            # From here on in the units of y.
            task.location_, task.scale_ = 0.0, 1.0
        if task.n_shapes and not self._task_set.is_long:
            task.shape_ = head.shape
        return Head([scale * coef.T], scale * intercept + location, np.zeros(0))

    def _learn_one_of_many(self, labels: Labels, X: Any) -> Head:
        task, known = labels.task, self._task_set.n_labels > 0
        scale, location = getattr(task, "scale_", 1.0), getattr(task, "location_", 0.0)
        b = np.broadcast_to(self.intercept_, len(self.coef_))[known]
        coef, intercept = learn_one_of_many(
            labels,
            X,
            self.coef_[known] / scale,
            (b - location) / scale,
            has_own=not self._is_low_rank,
        )
        if hasattr(task, "scale_"):
            task.location_, task.scale_ = 0.0, 1.0
        return Head([scale * coef[:, None]], np.array([scale * intercept + location]), np.zeros(0))

    def _raw_of_heads(self, heads: list[Head], X: Any) -> list[Array]:
        X = X.astype(np.float64, copy=False)
        return [head([X]) for head in heads]

    def _functions(self, task: Task) -> tuple[Array, Array, Array | None, Array | None]:
        """Functions of the other tasks: coefficients, intercepts, their mean, and whose they are.

        ``mean`` (n_functions, n_outputs) is that of tasks of the type of ``task``. Of many tasks
        there is the mean, and then the principal directions of what they are around it.
        """
        tasks = self._task_set
        sizes = (
            [tasks.n_outputs] * tasks.n_tasks
            if tasks.is_long
            else [known.n_outputs_ for known in tasks.tasks]
        )
        owners = np.repeat(np.arange(tasks.n_tasks), sizes)
        rows = np.flatnonzero(tasks.n_labels[owners] > 0)
        b = np.broadcast_to(self.intercept_, len(self.coef_))
        W, b, owners = self.coef_[rows], b[rows], owners[rows]
        if tasks.is_long:
            mean = np.tile(np.eye(tasks.n_outputs), (len(rows) // max(tasks.n_outputs, 1), 1))
        else:
            alike = [
                known.n_outputs_ == 1 and known.loss_key == task.loss_key for known in tasks.tasks
            ]
            mean = np.array(alike, dtype=np.float64)[owners][:, None]
        if not mean.any():
            return W, b, None, owners
        mean = mean / mean.sum(axis=0)
        if len(W) <= MOST_FUNCTIONS:
            return W, b, mean, owners
        means = mean.T @ W, mean.T @ b
        _, s, V = np.linalg.svd(W - W.mean(axis=0), full_matrices=False)
        W = np.vstack([means[0], s[:MOST_FUNCTIONS, None] * V[:MOST_FUNCTIONS]])
        b = np.concatenate([means[1], np.zeros(len(W) - len(means[1]))])
        return W, b, np.eye(len(W))[:, : len(means[1])], None

    def _add_rows(self, position: int, head: Head) -> None:
        coef, intercept = head.coefs[0].T if head.coefs else self.coef_[:0], head.intercept
        at = self._first_row(position)
        # Between rows: one after the other.
        self.coef_ = np.insert(self.coef_, [at] * len(coef), coef, axis=0)
        if np.ndim(self.intercept_):
            self.intercept_ = np.insert(self.intercept_, [at] * len(coef), intercept)
        components = getattr(self, "coef_components_", None)
        if components is not None:
            added = np.zeros((len(components), *coef.shape))
            added[0] = coef
            self.coef_components_ = np.insert(components, [at] * len(coef), added, axis=1)

    def _drop_rows(self, position: int) -> None:
        rows = np.arange(self._first_row(position), self._first_row(position + 1))
        self.coef_ = np.delete(self.coef_, rows, axis=0)
        if np.ndim(self.intercept_):
            self.intercept_ = np.delete(self.intercept_, rows)
        if hasattr(self, "coef_components_"):
            self.coef_components_ = np.delete(self.coef_components_, rows, axis=1)

    def _first_row(self, position: int) -> int:
        """Where the rows of a task begin; behind all others for one more than there are."""
        tasks = self._task_set
        if tasks.is_long:
            return position * tasks.n_outputs
        return sum(task.n_outputs_ for task in tasks.tasks[:position])
