"""What squared loss needs to know of the data: weighted means, Gram matrices, products."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from copy import copy
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._indexing import batches
from skmtl.linear.objective._centring import without_large_means
from skmtl.linear.objective._few_columns import transposed_times
from skmtl.linear.objective._options import Origin
from skmtl.linear.objective._some_rows import SomeRows, rows_of, weighted_sum
from skmtl.linear.objective._weighted_grams import of_equal_rows
from skmtl.tasks._targets import Targets

Array = NDArray[Any]
Group = tuple[list[int], Any, Array, Array]

MAX_GRAM_BYTES = 2**30
"""Above this the Gram matrices are not formed and the solvers work on the rows."""

ROWS_AT_ONCE, NUMBERS_AT_ONCE = 1_000, 2**15
"""Rows centred at a time, and their numbers where that is more: they stay in the cache, and memory
beside X is bounded (measured: benchmarks/linear, shapes from 1,000 x 200 to 100,000 x 20)."""

CONSTANT = 1.0 - 1e-6
"""Share of the squares of a centred column that its own mean has where it is constant: rounding
leaves it by that."""


class Statistics:
    r"""Sufficient statistics of squared loss, one Gram matrix per distinct column of weights.

    With label weights c, :math:`\omega_t = \sum_i c_{ti}`, and centring where ``centred``
    (otherwise all means are 0):

    * ``gram`` (n_groups, p, p): :math:`\sum_i c_{ti} (x_i - \bar x_t)(x_i - \bar x_t)'`
    * ``cross`` (p, T): :math:`\sum_i c_{ti} (x_i - \bar x_t)(y_{ti} - \bar y_t)`
    * ``squares`` (T,): :math:`\sum_i c_{ti} (y_{ti} - \bar y_t)^2`
    * ``x_mean`` (n_groups, p), ``y_mean`` (T,), ``omega`` (T,)
    * ``group`` (T,): which Gram matrix belongs to a task

    Means come first and sums of squares are centred, so that a mean of 1e6 costs no digits.
    """

    def __init__(self, X: Any, targets: Targets, label_weights: Array, *, centred: bool) -> None:
        # Of the X they stand for.
        self.shape = X.shape
        self.n_features = X.shape[1]
        n_tasks = n_groups = targets.tasks.n_tasks
        if targets.task_index is None:
            groups = weight_groups(label_weights.reshape(len(label_weights), -1))
            n_groups = len(groups)
            problems = _wide_groups(X, targets.values, label_weights, groups)
        else:
            problems = _long_groups(X, targets, label_weights)
        self.cross = np.zeros((self.n_features, n_tasks))
        self.squares, self.y_mean, self.omega = np.zeros((3, n_tasks))
        self.group = np.zeros(n_tasks, dtype=np.intp)
        self.gram = np.empty((n_groups, self.n_features, self.n_features))
        self.x_mean = np.empty((n_groups, self.n_features))
        for group, (tasks, X_group, Y, c) in enumerate(problems):
            self.group[tasks] = group
            self.omega[tasks] = c.sum()
            x_mean = weighted_sum(X_group, c) / c.sum() if centred else np.zeros(self.n_features)
            y_mean = mean_labels(Y, c) if centred else np.zeros(Y.shape[1])
            Y = Y - y_mean
            gram, cross = products(X_group, Y, c, x_mean)
            self.cross[:, tasks] = cross
            self.squares[tasks] = c @ Y**2
            self.y_mean[tasks] = y_mean
            self.gram[group], self.x_mean[group] = gram, x_mean

    @cached_property
    def eigensystem(self) -> tuple[Array, Array]:
        """Eigenvalues (n_groups, p) and eigenvectors of the Gram matrices, for a whole path."""
        values, vectors = np.linalg.eigh(self.gram)
        return np.maximum(values, 0.0), vectors

    @property
    def members(self) -> list[Array]:
        """Tasks of each group."""
        order = np.argsort(self.group, kind="stable")
        return np.split(order, np.cumsum(np.bincount(self.group))[:-1])

    def from_origin(self, origin: Origin) -> Self:
        """The same with means of X that count from where intercepts are compared."""
        moved = copy(self)
        moved.x_mean = means_from(origin, self.x_mean)
        return moved

    def gram_product(self, W: Array) -> Array:
        """:math:`G_t w_t` for every task, (p, T)."""
        if len(self.gram) == 1:
            return self.gram[0] @ W
        if len(self.gram) == W.shape[1]:
            # One group per task, in the order of the tasks.
            return np.matmul(self.gram, W.T[:, :, None])[:, :, 0].T
        product = np.empty_like(W)
        for gram, tasks in zip(self.gram, self.members, strict=True):
            product[:, tasks] = gram @ W[:, tasks]
        return product

    def mean_product(self, W: Array) -> Array:
        r""":math:`\bar x_t' w_t` for every task, (T,); of several W (m, p, T), (m, T)."""
        if len(self.x_mean) == 1:
            return np.asarray(self.x_mean[0] @ W)
        return np.einsum("tp,...pt->...t", self.x_mean[self.group], W)

    def intercepts(self, W: Array) -> Array:
        r"""Best ones at W: :math:`\bar y_t - \bar x_t' w_t` for every task, as `mean_product`."""
        return self.y_mean - self.mean_product(W)

    def means_times(self, factors: Array) -> Array:
        r""":math:`\bar x_t` times a factor for every task, (p, T)."""
        return self.x_mean[self.group].T * factors


def means_from(origin: Origin, means: Array) -> Array:
    """Means of X (n, n_features) that count from where intercepts are compared."""
    if isinstance(origin, str):
        return np.zeros_like(means)
    return means if origin is None else means - origin


def statistics_of(X: Any, targets: Targets, label_weights: Array, *, centred: bool) -> Statistics:
    """`Statistics` of the data; X itself where it is such and stands for the data."""
    return (
        X if isinstance(X, Statistics) else Statistics(X, targets, label_weights, centred=centred)
    )


def gram_bytes(X: Any, targets: Targets, label_weights: Array) -> int:
    """Memory the Gram matrices would take."""
    if isinstance(X, Statistics):
        return X.gram.nbytes
    if targets.task_index is not None:
        n_groups = targets.tasks.n_tasks
    else:
        n_groups = len(weight_groups(label_weights.reshape(len(label_weights), -1)))
    return n_groups * X.shape[1] ** 2 * 8


def weight_groups(label_weights: Array) -> list[list[int]]:
    """Lists of the tasks with equal columns of weights."""
    if (label_weights == label_weights[:, :1]).all():
        return [list(range(label_weights.shape[1]))]
    groups: dict[bytes, list[int]] = {}
    for t, c in enumerate(label_weights.T):
        groups.setdefault(_digest(c), []).append(t)
    return list(groups.values())


def _wide_groups(
    X: Any, values: Array, label_weights: Array, groups: list[list[int]]
) -> Iterator[Group]:
    """(tasks, X, Y, weights) for tasks observed on the same rows with the same weights."""
    n_samples = len(values)
    values, label_weights = values.reshape(n_samples, -1), label_weights.reshape(n_samples, -1)
    for tasks in groups:
        c = label_weights[:, tasks[0]]
        rows = np.flatnonzero(c)
        if len(rows) == n_samples:
            yield tasks, X, values[:, tasks], c
        else:
            yield tasks, rows_of(X, rows), values[rows[:, None], tasks], c[rows]


def _long_groups(X: Any, targets: Targets, label_weights: Array) -> Iterator[Group]:
    """(task, X, Y, weights) for every task, from rows sorted by task."""
    assert targets.task_index is not None
    order = np.argsort(targets.task_index, kind="stable")
    order = order[label_weights[order] > 0]
    ends = np.cumsum(np.bincount(targets.task_index[order], minlength=targets.tasks.n_tasks))
    y, c = targets.values[order], label_weights[order]
    sorted_X = X[order] if sparse.issparse(X) else None
    for t, (start, end) in enumerate(zip([0, *ends[:-1]], ends, strict=True)):
        some = rows_of(X, order[start:end]) if sorted_X is None else sorted_X[start:end]
        yield [t], some, y[start:end, None], c[start:end]


def products(X: Any, Y: Array, c: Array, x_mean: Array) -> tuple[Array, Array]:
    """Weighted centred Gram matrix of X and its product with Y (already centred)."""
    if sparse.issparse(X):
        X, x_mean = without_large_means(X, x_mean, c)
        weighted = X.multiply(c[:, None]).tocsr()
        gram = (X.T @ weighted).toarray() - c.sum() * np.outer(x_mean, x_mean)
        return gram, weighted.T @ Y - np.outer(x_mean, c @ Y)
    is_uniform = bool((c == c[0]).all())
    is_whole = is_uniform and not isinstance(X, SomeRows)
    if is_whole and (whole := of_equal_rows(X, x_mean)) is not None:
        return c[0] * whole, c[0] * (transposed_times(X, Y) - np.outer(x_mean, np.ones(len(Y)) @ Y))
    gram, cross = np.zeros((X.shape[1],) * 2), np.zeros((X.shape[1], Y.shape[1]))
    root = np.ones(len(c)) if is_uniform else np.sqrt(c)
    n_at_once, sums = max(ROWS_AT_ONCE, NUMBERS_AT_ONCE // X.shape[1]), np.zeros(X.shape[1])
    # One piece of memory for all, that stays close to the processor.
    room = np.empty((min(n_at_once, len(X)), X.shape[1]))
    for rows in batches(len(X), n_at_once):
        part, labels = np.subtract(X[rows], x_mean, out=room[: rows.stop - rows.start]), Y[rows]
        if not is_uniform:
            part *= root[rows, None]
            labels = labels * root[rows, None]
        gram += part.T @ part
        cross += part.T @ labels
        sums += root[rows] @ part
    # Where all rows are as far from their mean as that is from them, it is by rounding.
    is_same = sums**2 >= CONSTANT * float(root @ root) * np.diag(gram)
    is_same &= x_mean != 0.0
    gram[is_same] = gram[:, is_same] = cross[is_same] = 0.0
    return (c[0] * gram, c[0] * cross) if is_uniform else (gram, cross)


def mean_labels(Y: Array, c: Array) -> Array:
    """Weighted means (T,) of labels (n, T): where all are the same they are these."""
    means: Array = np.clip((c @ Y) / c.sum(), Y.min(axis=0), Y.max(axis=0))
    return means


def _digest(column: Array) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(column).tobytes(), digest_size=16).digest()
