"""Moments of working labels with the features: all that the choice of strengths looks at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._marginal_likelihood import MOST_OPERATIONS
from skmtl.linear.objective._means_of_rows import MeansOfPatterns, MeansOfRows
from skmtl.linear.objective._options import Origin
from skmtl.linear.objective._statistics import MAX_GRAM_BYTES, Statistics, gram_bytes, means_from
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.linear.objective._working_labels import WorkingLabels
from skmtl.linear.objective._working_statistics import WorkingStatistics
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


@dataclass(frozen=True)
class LabelMoments:
    """Moments of every output.

    Attributes
    ----------
    gram : ndarray of shape (n_groups, n_features, n_features)
        Centred Gram matrices: of each task in long form, else one for all.
    group : ndarray of shape (n_outputs,)
        Which belongs to an output.
    cross : ndarray of shape (n_features, n_outputs)
        Centred products of features and labels.
    squares, x_mean, y_mean : ndarray of shape (n_outputs,), (n_outputs, n_features), (n_outputs,)
        Centred squares of the labels, and means.
    omega, n_labels, curvature : ndarray of shape (n_outputs,)
        Weights, numbers of labels, and curvatures of the loss.
    is_classes : ndarray of bool, shape (n_outputs,)
        Outputs that tell classes apart: the variance of their labels is known.
    rows : MeansOfRows, MeansOfPatterns or None
        All tasks as one; None in long form.
    is_exact : bool
        Whether every output has the Gram matrix of its rows, not that of all.
    n_tasks : int
        Number of tasks.
    fit_intercept : bool
        Whether there are intercepts, that squares and products are centred for.
    """

    gram: Array
    group: Array
    cross: Array
    squares: Array
    x_mean: Array
    y_mean: Array
    omega: Array
    n_labels: Array
    curvature: Array
    is_classes: Array
    rows: MeansOfRows | MeansOfPatterns | None
    is_exact: bool
    n_tasks: int
    fit_intercept: bool

    @classmethod
    def of(cls, X: Any, targets: Targets, label_weights: Any, *, fit_intercept: bool) -> Self:
        """Those of the data of a fit."""
        if isinstance(X, StreamStatistics):
            return cls._merged(X, fit_intercept)
        labels = WorkingLabels.of(X, targets, label_weights, fit_intercept=fit_intercept)
        if targets.task_index is None:
            return cls._wide(X, labels, targets.tasks.n_tasks, fit_intercept)
        return cls._long(X, labels, targets, fit_intercept)

    @classmethod
    def _wide(cls, X: Any, labels: WorkingLabels, n_tasks: int, fit_intercept: bool) -> Self:
        """With the Gram matrix of the rows of all outputs where those of each are too many."""
        z, c, n_labels = labels.values, labels.weights, labels.counts.sum(axis=0)
        columns = Targets(TaskSet((), np.arange(len(n_labels)), n_labels), z, c)
        rows = MeansOfRows(X, labels, n_tasks, centred=fit_intercept)
        omega, is_exact = c.sum(axis=0), _are_few(X, columns)
        if is_exact:
            found = Statistics(X, columns, c, centred=fit_intercept)
            gram = found.gram / np.array([omega[some[0]] for some in found.members])[:, None, None]
            group, cross, squares = found.group, found.cross, found.squares
            x_mean, y_mean = found.x_mean[group], found.y_mean
        else:
            U = c * z
            gram, group = rows.gram[None], np.zeros(len(omega), dtype=np.intp)
            cross = np.asarray(X.T @ U) - np.outer(rows.x_mean, U.sum(axis=0))
            squares = (U * z).sum(axis=0)
            x_mean, y_mean = np.tile(rows.x_mean, (len(omega), 1)), np.zeros(len(omega))
        return cls(
            gram=gram,
            group=group,
            cross=cross / omega,
            squares=squares / omega,
            x_mean=x_mean,
            y_mean=y_mean,
            omega=omega,
            n_labels=n_labels,
            curvature=labels.curvature,
            is_classes=labels.is_classes,
            rows=rows,
            is_exact=is_exact,
            n_tasks=n_tasks,
            fit_intercept=fit_intercept,
        )

    @classmethod
    def _long(cls, X: Any, labels: WorkingLabels, targets: Targets, fit_intercept: bool) -> Self:
        """Tasks by themselves, those of the first class first."""
        z, c = labels.values, labels.weights[:, 0]
        found = [
            Statistics(X, replace(targets, values=of_class), c, centred=fit_intercept)
            for of_class in z.T
        ]
        first, n_classes = found[0], len(found)
        n_tasks = len(first.omega)
        return cls(
            gram=first.gram / first.omega[:, None, None],
            group=np.tile(first.group, n_classes),
            cross=np.hstack([one.cross / one.omega for one in found]),
            squares=np.concatenate([one.squares / one.omega for one in found]),
            x_mean=np.tile(first.x_mean[first.group], (n_classes, 1)),
            y_mean=np.concatenate([one.y_mean for one in found]),
            omega=np.tile(first.omega, n_classes),
            n_labels=np.tile(targets.sum_by_task(labels.counts[:, 0]), n_classes),
            curvature=np.repeat(labels.curvature, n_tasks),
            is_classes=np.repeat(labels.is_classes, n_tasks),
            rows=None,
            is_exact=True,
            n_tasks=n_tasks,
            fit_intercept=fit_intercept,
        )

    @classmethod
    def _merged(cls, found: StreamStatistics, fit_intercept: bool) -> Self:
        """From the sums that chunks have added up to."""
        n_tasks = n_outputs = len(found.omega)
        curvature, is_classes = np.ones(n_outputs), np.zeros(n_outputs, bool)
        if isinstance(found, WorkingStatistics):
            curvature, n_tasks = found.curvature, found.n_tasks
            if found.is_long:
                curvature, found = curvature[found.by_class], found.select(found.by_class)
            is_classes = found.is_classes
        omega, group = found.omega, found.group
        gram = found.gram / np.array([omega[some[0]] for some in found.members])[:, None, None]
        rows = None if found.is_long else MeansOfPatterns(found, gram, centred=fit_intercept)
        x_mean = found.x_mean[group]
        is_exact = found.is_long or _are_cheap(found.n_features, found.gram.nbytes)
        if rows is not None and not is_exact:
            gram, group = rows.gram[None], np.zeros(n_outputs, dtype=np.intp)
            x_mean = np.tile(rows.x_mean, (n_outputs, 1))
        return cls(
            gram=gram,
            group=group,
            cross=found.cross / omega,
            squares=found.squares / omega,
            x_mean=x_mean,
            y_mean=found.y_mean,
            omega=omega,
            n_labels=found.counts.n_labels,
            curvature=curvature,
            is_classes=is_classes,
            rows=rows,
            is_exact=is_exact,
            n_tasks=n_tasks,
            fit_intercept=fit_intercept,
        )

    @property
    def is_long(self) -> bool:
        """Whether every row belongs to one task."""
        return self.rows is None

    @property
    def classes(self) -> Array:
        """Outputs (n_classes, n_tasks) of every class: long has a class after the other."""
        outputs = np.arange(len(self.omega))
        if self.is_long:
            return outputs.reshape(-1, self.n_tasks)
        return outputs.reshape(self.n_tasks, -1).T

    @property
    def degrees(self) -> Array:
        """Labels less those that intercepts take, of every output."""
        return np.maximum(self.n_labels - self.fit_intercept, 1.0)

    @property
    def traces(self) -> Array:
        """Sum of the variances of features, of every output."""
        traces: Array = np.einsum("gjj->g", self.gram)[self.group]
        return traces

    @property
    def scale(self) -> float:
        """From a ridge on working labels to one on raw scores, in the weights of the loss."""
        return float((self.curvature * self.omega).mean())

    def by_task(self, W: Array) -> Array:
        """Columns as coefficients have them: the classes of a task next to each other."""
        return W[:, self.classes.T.ravel()] if self.is_long else W

    def from_origin(self, origin: Origin) -> Self:
        """The same with means of X that count from where intercepts are compared."""
        return replace(self, x_mean=means_from(origin, self.x_mean))

    def as_one_task(self, pull: float) -> tuple[Array, ...]:
        """Arguments of `likely_ridge` for all labels as one task with intercepts pulled together.

        ``pull`` is the strength of that. Features are those of the labels' tasks in long form, and
        in wide form labels are the means over tasks.
        """
        if self.rows is not None:
            return self.rows.as_one_task
        grams, products, squares, n_labels = [], [], [], []
        # What the mean of a task counts, beside the distances from it.
        size = self.curvature * self.omega
        share = 1.0 / (1.0 + size / pull) if pull else np.zeros_like(size)
        for k in self.classes:
            w, d = self.omega[k] / self.omega[k].sum(), self.x_mean[k]
            of_means = w * share[k]
            y = self.y_mean[k] - of_means @ self.y_mean[k] / (of_means.sum() or 1.0)
            gram = np.tensordot(w, self.gram[self.group[k]], axes=1)
            grams.append(gram + (d.T * of_means) @ d)
            products.append(self.cross[:, k] @ w + d.T @ (of_means * y))
            squares.append(w @ self.squares[k] + of_means @ y**2)
            n_labels.append(max(self.n_labels[k].sum() - self.fit_intercept, 1.0))
        group = np.arange(len(self.classes))
        return np.array(grams), group, np.array(products).T, np.array(squares), np.array(n_labels)

    def without(self, W: Array) -> Self:
        """What is left of the labels after coefficients W (n_features, n_classes) of all tasks."""
        of_outputs = np.empty_like(self.cross)
        for k, w in zip(self.classes, W.T, strict=True):
            of_outputs[:, k] = w[:, None]
        if len(self.gram) == 1:
            explained = self.gram[0] @ of_outputs
        else:
            explained = np.matmul(self.gram[self.group], of_outputs.T[:, :, None])[:, :, 0].T
        squares = self.squares - np.einsum("pt,pt->t", of_outputs, 2.0 * self.cross - explained)
        return replace(self, cross=self.cross - explained, squares=np.maximum(squares, 0.0))


def _are_few(X: Any, columns: Targets) -> bool:
    """Whether the Gram matrices of all columns are decomposed in about a second."""
    return _are_cheap(X.shape[1], gram_bytes(X, columns, columns.weights))


def _are_cheap(p: int, n_bytes: int) -> bool:
    return n_bytes == 8 * p**2 or (n_bytes <= MAX_GRAM_BYTES and n_bytes * p <= 8 * MOST_OPERATIONS)
