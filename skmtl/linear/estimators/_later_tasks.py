"""Tasks of linear models that come after `fit`: rows of ``coef_`` like the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._grows_tasks import GrowsTasks
from skmtl._likely_strengths import Labels
from skmtl._new_head import Head, fit_head
from skmtl.tasks._base import Task

Array = NDArray[Any]

MOST_DIRECTIONS = 32
"""Of the coefficients of many tasks, in which those of a new one are looked for."""


class GrowsLinearTasks(GrowsTasks):
    """Mixin for estimators with ``coef_`` and ``intercept_``.

    A new task has coefficients in the span of those of other tasks, and beyond that on the features
    that any of them uses; in the span alone where the model is of low rank.
    """

    _of_tasks = ("_task_set", "coef_", "intercept_")

    coef_: Array
    intercept_: Array

    @property
    def _is_low_rank(self) -> bool:
        """Whether the model says that all tasks use few directions of X."""
        return False

    def _learn_head(self, labels: Labels, X: Any) -> Head:
        task, X = labels.task, X.astype(np.float64, copy=False)
        W, b, n_means = self._functions(task)
        scale, location = (
            float(getattr(task, k, d)) for k, d in (("scale_", 1.0), ("location_", 0.0))
        )
        mean = np.eye(len(b))[:, :n_means] / scale if n_means else None
        parts, used = [X @ W.T + b], np.flatnonzero(self.coef_.any(axis=0))
        if not len(used):
            used = np.arange(X.shape[1])
        if not self._is_low_rank:
            parts.append(X if len(used) == X.shape[1] else X[:, used])
        head = fit_head(labels, mean, parts)
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

    def _raw_of_heads(self, heads: list[Head], X: Any) -> list[Array]:
        X = X.astype(np.float64, copy=False)
        return [head([X]) for head in heads]

    def _functions(self, task: Task) -> tuple[Array, Array, int]:
        """Coefficients and intercepts of the other tasks' functions, and how many are means.

        The means come first: one per output of the new task, of tasks of its type. Behind them are
        those of all tasks or, of many, their principal directions.
        """
        tasks = self._task_set
        W, b = self.coef_, self.intercept_
        if tasks.is_long:
            size = tasks.n_outputs
            known = np.flatnonzero(tasks.n_labels)
            by_task = W.reshape(-1, size, W.shape[1])[known], b.reshape(-1, size)[known]
            means = [part.mean(axis=0) for part in by_task]
            W, b = by_task[0].reshape(-1, W.shape[1]), by_task[1].ravel()
        else:
            pairs = list(zip(tasks.tasks, tasks.slices, tasks.n_labels, strict=True))
            used = [np.arange(s.start, s.stop) for _, s, n in pairs if n]
            alike = [
                s.start
                for t, s, n in pairs
                if n and t.n_outputs_ == 1 and t.loss_key == task.loss_key
            ]
            means = [part[alike].mean(axis=0, keepdims=True) for part in (W, b)] if alike else []
            rows = np.concatenate([*used, np.zeros(0, dtype=int)]).astype(int)
            W, b = W[rows], b[rows]
        if len(W) > MOST_DIRECTIONS:
            center = W.mean(axis=0)
            _, s, V = np.linalg.svd(W - center, full_matrices=False)
            W = s[:MOST_DIRECTIONS, None] * V[:MOST_DIRECTIONS]
            b = np.zeros(len(W))
        if not len(means):
            return W, b, 0
        return np.vstack([means[0], W]), np.concatenate([means[1], b]), len(means[1])

    def _add_rows(self, position: int, head: Head) -> None:
        coef, intercept = head.coefs[0].T if head.coefs else self.coef_[:0], head.intercept
        at = self._first_row(position)
        # Between rows: one after the other.
        self.coef_ = np.insert(self.coef_, [at] * len(coef), coef, axis=0)
        self.intercept_ = np.insert(self.intercept_, [at] * len(coef), intercept)
        components = getattr(self, "coef_components_", None)
        if components is not None:
            added = np.zeros((len(components), *coef.shape))
            added[0] = coef
            self.coef_components_ = np.insert(components, [at] * len(coef), added, axis=1)

    def _drop_rows(self, position: int) -> None:
        rows = np.arange(self._first_row(position), self._first_row(position + 1))
        self.coef_ = np.delete(self.coef_, rows, axis=0)
        self.intercept_ = np.delete(self.intercept_, rows)
        if hasattr(self, "coef_components_"):
            self.coef_components_ = np.delete(self.coef_components_, rows, axis=1)

    def _first_row(self, position: int) -> int:
        """Where the rows of a task begin; behind all others for one more than there are."""
        tasks = self._task_set
        if tasks.is_long:
            return position * tasks.n_outputs
        return sum(task.n_outputs_ for task in tasks.tasks[:position])
