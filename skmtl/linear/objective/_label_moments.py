r"""What the labels say about how strong signals are, against noise: moments around a constant.

Around the best constant predictions a loss is a squared one of working labels, minus its slope
:math:`z = -\ell'`, times its curvature v. For squared loss z are the labels themselves, less their
mean. All that is learned here is in these units: a ridge of strength a on their regression is one
of strength v a on the raw scores.

References
----------
McCullagh and Nelder, "Generalized linear models", 2nd ed., Chapman and Hall 1989, section 2.5
(working labels).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._marginal_likelihood import MOST_OPERATIONS
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.objective._setup import priors
from skmtl.linear.objective._statistics import (
    MAX_GRAM_BYTES,
    Statistics,
    gram_bytes,
    products,
)
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

WHOLE = 1e-9
"""Distance of a multiple from a whole number, relative to it, that is rounding."""

Pooled = tuple[Array, Array, Array, Array, Array]


@dataclass(frozen=True)
class LabelMoments:
    """Working labels with the features: moments of every output.

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
    of_rows : tuple or None
        Arguments of `likely_ridge` for the means over the tasks of a row's labels; None in long
        form.
    is_exact : bool
        Whether every output has the Gram matrix of its rows, not that of all.
    is_classes : ndarray of bool, shape (n_outputs,)
        Outputs that tell classes apart: the variance of their labels is known.
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
    of_rows: Pooled | None
    is_exact: bool
    is_classes: Array
    n_tasks: int
    fit_intercept: bool

    @classmethod
    def of(cls, X: Any, targets: Targets, label_weights: Array, options: FitOptions) -> Self:
        """Those of the data of a fit."""
        loss = DataLoss(make_design(X, targets), targets, label_weights)
        b = priors(targets, label_weights) * options.fit_intercept
        point = loss.at(np.zeros((X.shape[1], len(b))), b)
        sizes = [task.n_outputs_ for task in targets.tasks.tasks]
        c, counts = (
            np.repeat(weights.reshape(len(weights), -1), sizes, axis=1)
            for weights in (label_weights, _counts(targets))
        )
        z = np.divide(-point.slope, c, out=np.zeros_like(c), where=c > 0)
        bent = point.curvature.diagonal.sum(axis=0) / c.sum(axis=0)
        is_classes = np.repeat([task.is_classification for task in targets.tasks.tasks], sizes)
        if targets.task_index is None:
            data = X, z, c, counts, bent, is_classes
            return cls._wide(*data, options, targets.tasks.n_tasks)
        return cls._long(X, targets, z, c, counts, bent, is_classes, options)

    @classmethod
    def _wide(
        cls,
        X: Any,
        z: Array,
        c: Array,
        counts: Array,
        bent: Array,
        is_classes: Array,
        options: FitOptions,
        n_tasks: int,
    ) -> Self:
        """With the mean of the weights of all outputs for their features."""
        centred, n_labels = options.fit_intercept, counts.sum(axis=0)
        columns = Targets(TaskSet((), np.arange(len(n_labels)), n_labels), z, c)
        of_rows, is_exact = _MeansOfRows(X, z, c, counts, n_tasks, centred=centred), True
        if _are_few(X, columns):
            stats = Statistics(X, columns, c, centred=centred)
        else:
            stats, is_exact = of_rows.statistics(columns), False
        omega = stats.omega
        of_groups = np.array([omega[some[0]] for some in stats.members])
        return cls(
            gram=stats.gram / of_groups[:, None, None],
            group=stats.group,
            cross=stats.cross / omega,
            squares=stats.squares / omega,
            x_mean=stats.x_mean[stats.group],
            y_mean=stats.y_mean,
            omega=omega,
            n_labels=n_labels,
            curvature=bent,
            of_rows=of_rows.pooled,
            is_exact=is_exact,
            is_classes=is_classes,
            n_tasks=n_tasks,
            fit_intercept=options.fit_intercept,
        )

    @classmethod
    def _long(
        cls,
        X: Any,
        targets: Targets,
        z: Array,
        c: Array,
        counts: Array,
        bent: Array,
        is_classes: Array,
        options: FitOptions,
    ) -> Self:
        """Tasks by themselves, those of the first class first."""
        n_classes = z.shape[1]
        found = [
            Statistics(X, replace(targets, values=z[:, k]), c[:, 0], centred=options.fit_intercept)
            for k in range(n_classes)
        ]
        first = found[0]
        return cls(
            gram=first.gram / first.omega[:, None, None],
            group=np.tile(first.group, n_classes),
            cross=np.hstack([one.cross / one.omega for one in found]),
            squares=np.concatenate([one.squares / one.omega for one in found]),
            x_mean=np.tile(first.x_mean[first.group], (n_classes, 1)),
            y_mean=np.concatenate([one.y_mean for one in found]),
            omega=np.tile(first.omega, n_classes),
            n_labels=np.tile(targets.sum_by_task(counts[:, 0]), n_classes),
            curvature=np.repeat(bent, len(first.omega)),
            of_rows=None,
            is_exact=True,
            is_classes=np.repeat(is_classes, len(first.omega)),
            n_tasks=len(first.omega),
            fit_intercept=options.fit_intercept,
        )

    @property
    def classes(self) -> Array:
        """Outputs (n_classes, n_tasks) of every class: long has a class after the other."""
        outputs = np.arange(len(self.omega))
        if self.of_rows is None:
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
        if self.of_rows is not None:
            return W
        return W[:, self.classes.T.ravel()]

    def of_one_task(self, pull: float, origin: Array | None) -> tuple[Array, ...]:
        """Arguments of `likely_ridge` for all labels as one task with intercepts pulled together.

        ``pull`` is the strength of that. Features are those of the labels' tasks in long form, and
        in wide form labels are the means over tasks.
        """
        if self.of_rows is not None:
            return self.of_rows
        group = np.arange(len(self.classes))
        grams, products_, squares, n_labels = [], [], [], []
        share = (
            1.0 / (1.0 + self.curvature * self.omega / pull) if pull else np.zeros(len(self.omega))
        )
        for k in self.classes:
            w = self.omega[k] / self.omega[k].sum()
            d = self.x_mean[k] - (0.0 if origin is None else origin)
            of_means = w * share[k]
            y = self.y_mean[k] - of_means @ self.y_mean[k] / (of_means.sum() or 1.0)
            gram = np.tensordot(w, self.gram[self.group[k]], axes=1)
            grams.append(gram + (d.T * of_means) @ d)
            products_.append(self.cross[:, k] @ w + d.T @ (of_means * y))
            squares.append(w @ self.squares[k] + of_means @ y**2)
            n_labels.append(max(self.n_labels[k].sum() - self.fit_intercept, 1.0))
        return np.array(grams), group, np.array(products_).T, np.array(squares), np.array(n_labels)

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


class _MeansOfRows:
    """Rows with the weighted means over tasks of their labels, and with the sums of the weights."""

    def __init__(
        self, X: Any, z: Array, c: Array, counts: Array, n_tasks: int, *, centred: bool
    ) -> None:
        self.X, self.centred = X, centred
        shares = c / c.sum(axis=0)
        self.w = shares.mean(axis=1)
        self.x_mean = self.w @ X if centred else np.zeros(X.shape[1])
        n_classes = z.shape[1] // n_tasks if z.shape[1] % n_tasks == 0 else 0
        by_task = (shares * z)[:, : n_tasks * n_classes].reshape(len(z), n_tasks, n_classes)
        y = by_task.sum(axis=1) / np.maximum(n_tasks * self.w, np.finfo(float).tiny)[:, None]
        y = y - self.w @ y if centred else y
        self.gram, cross = products(X, y, self.w, self.x_mean)
        n_rows = max(float(counts.max(axis=1).sum()) - centred, 1.0)
        group = np.zeros(n_classes, dtype=np.intp)
        self.pooled: Pooled = (
            self.gram[None],
            group,
            cross,
            self.w @ y**2,
            np.full(n_classes, n_rows),
        )

    def statistics(self, columns: Targets) -> Any:
        """Those of all columns, with the Gram matrix of these rows for each."""
        c, z = columns.weights, columns.values
        omega = c.sum(axis=0)
        U = c * z
        return SimpleNamespace(
            gram=self.gram[None] * omega[0],
            group=np.zeros(len(omega), dtype=np.intp),
            members=[np.arange(len(omega))],
            cross=np.asarray(self.X.T @ U) - np.outer(self.x_mean, U.sum(axis=0)),
            squares=(c * z**2).sum(axis=0),
            x_mean=self.x_mean[None],
            y_mean=np.zeros(len(omega)),
            omega=omega,
        )


def _are_few(X: Any, columns: Targets) -> bool:
    """Whether the Gram matrices of all columns are decomposed in about a second."""
    p, n_bytes = X.shape[1], gram_bytes(X, columns, columns.weights)
    return n_bytes == 8 * p**2 or (n_bytes <= MAX_GRAM_BYTES and n_bytes * p <= 8 * MOST_OPERATIONS)


def _counts(targets: Targets) -> Array:
    """How many labels the weights stand for: only their proportions in a task count.

    Where all are whole multiples of the smallest, they are numbers of repeated rows; else their
    sum is that of as many labels as have the variance of a weighted mean (Kish, "Survey
    sampling", Wiley 1965, section 11.7).
    """
    weights = targets.weights.reshape(len(targets.weights), -1)
    if ((weights == 0.0) | (weights == 1.0)).all():
        return weights
    rows, columns = np.nonzero(weights)
    task = columns if targets.task_index is None else targets.task_index[rows]
    s, n_tasks = weights[rows, columns], targets.tasks.n_tasks
    least, largest = np.full(n_tasks, np.inf), np.zeros(n_tasks)
    np.minimum.at(least, task, s)
    np.maximum.at(largest, task, s)
    multiples, parts = s / least[task], s / largest[task]
    is_whole = np.ones(n_tasks, dtype=bool)
    is_whole[task[np.abs(multiples - np.round(multiples)) > WHOLE * multiples]] = False
    squares = np.bincount(task, parts**2, n_tasks)
    kish = np.bincount(task, parts, n_tasks) / np.where(squares > 0, squares, 1.0)
    counts = np.zeros_like(weights)
    counts[rows, columns] = np.where(is_whole[task], np.round(multiples), parts * kish[task])
    return counts
