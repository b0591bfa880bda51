"""Statistics of squared loss for every fold from one pass over the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._statistics import Statistics, products, weight_groups
from skmtl.linear.solvers._select import fits_in_grams

Array = NDArray[Any]
Folds = Sequence[tuple[Array, Array]]

KEPT_AT_ONCE = 4
"""Gram matrices that `fold_statistics` keeps for each fold."""


@dataclass(eq=False)
class MergedStatistics(Statistics):
    """`Statistics` that are put together; stands for the rows wherever these are not needed.

    Fields as in `Statistics`, always centred unless `uncentred`, and ``n_labels`` (T,), the
    numbers of labels of positive weight. Tasks of one group share their weights in all blocks.
    """

    gram: Array
    x_mean: Array
    cross: Array
    squares: Array
    y_mean: Array
    omega: Array
    group: Array
    n_labels: Array
    n_rows: int

    def __post_init__(self) -> None:
        self.n_features = len(self.cross)
        self.shape = (self.n_rows, self.n_features)

    def plus(self, other: Self) -> Self:
        r"""Statistics of the rows of both, as exact as one pass.

        With weights a, b and distances d, e of the two means of x and of y, the sums of squares
        and products are those within the two, and :math:`ab / (a + b)` times :math:`d d'`,
        :math:`d e` and :math:`e^2` between them [1]_.

        References
        ----------
        .. [1] T. Chan, G. Golub and R. LeVeque, "Algorithms for computing the sample variance",
           The American Statistician 37, 1983, eq. 2.1.
        """
        omega = self.omega + other.omega
        share = np.divide(other.omega, omega, out=np.zeros_like(omega), where=omega > 0)
        d, e = other.x_mean - self.x_mean, other.y_mean - self.y_mean
        between = self.omega * share
        first = self._of_groups(between)
        return replace(
            self,
            gram=self.gram + other.gram + first[:, None, None] * d[:, :, None] * d[:, None, :],
            x_mean=self.x_mean + self._of_groups(share)[:, None] * d,
            cross=self.cross + other.cross + d[self.group].T * (between * e),
            squares=self.squares + other.squares + between * e**2,
            y_mean=self.y_mean + share * e,
            omega=omega,
            n_labels=self.n_labels + other.n_labels,
            n_rows=self.n_rows + other.n_rows,
        )

    def weighted(self, factors: Array) -> Self:
        """With the weights of every task times a factor; groups are split where factors differ."""
        _, first, group = np.unique(
            np.column_stack([self.group, factors]), axis=0, return_index=True, return_inverse=True
        )
        group, old = group.ravel(), self.group[first]
        return replace(
            self,
            gram=self.gram[old] * factors[first][:, None, None],
            x_mean=self.x_mean[old],
            cross=self.cross * factors,
            squares=self.squares * factors,
            omega=self.omega * factors,
            group=group,
        )

    def select(self, tasks: Any) -> Self:
        """Some of the tasks."""
        kept, group = np.unique(self.group[tasks], return_inverse=True)
        by_task = {
            name: getattr(self, name)[tasks] for name in ("squares", "y_mean", "omega", "n_labels")
        }
        return replace(
            self,
            gram=self.gram[kept],
            x_mean=self.x_mean[kept],
            cross=self.cross[:, tasks],
            group=group.ravel(),
            **by_task,
        )

    def uncentred(self) -> Self:
        """Sums of squares and products about 0, as a fit without intercept wants them."""
        omega = self._of_groups(self.omega)[:, None, None]
        outer = omega * self.x_mean[:, :, None] * self.x_mean[:, None, :]
        return replace(
            self,
            gram=self.gram + outer,
            x_mean=np.zeros_like(self.x_mean),
            cross=self.cross + self.means_times(self.omega * self.y_mean),
            squares=self.squares + self.omega * self.y_mean**2,
            y_mean=np.zeros_like(self.y_mean),
        )

    def squared_errors(self, W: Array, b: Array) -> Array:
        """Weighted sums of squared residuals (m, T), of fits W (m, p, T) and b (m, T)."""
        miss = b + np.einsum("tp,mpt->mt", self.x_mean[self.group], W) - self.y_mean
        within = np.empty_like(b)
        for gram, tasks in zip(self.gram, self.members, strict=True):
            part = np.ascontiguousarray(W[:, :, tasks])
            products = gram @ part - 2.0 * self.cross[:, tasks]
            within[:, tasks] = np.einsum("mpt,mpt->mt", part, products)
        return np.maximum(within + self.squares, 0.0) + self.omega * miss**2

    def _of_groups(self, values: Array) -> Array:
        """Value of each group from those of its tasks."""
        return np.array([values[tasks[0]] for tasks in self.members])


FoldStatistics = list[tuple[MergedStatistics, MergedStatistics]]
"""Statistics of the training rows and of the held-out rows of every fold."""


def block_statistics(X: Any, values: Array, weights: Array, group: Array) -> MergedStatistics:
    """`MergedStatistics` of some rows: values and weights (n, T), groups (T,) of equal weights."""
    n_features, n_tasks = X.shape[1], len(group)
    n_groups = int(group.max()) + 1
    gram = np.zeros((n_groups, n_features, n_features))
    x_mean, cross = np.zeros((n_groups, n_features)), np.zeros((n_features, n_tasks))
    squares, y_mean, omega = np.zeros((3, n_tasks))
    for g in range(n_groups):
        tasks = np.flatnonzero(group == g)
        c = weights[:, tasks[0]]
        rows = np.flatnonzero(c)
        if not len(rows):
            continue
        every = len(rows) == len(c)
        X_rows, c = (X, c) if every else (X[rows], c[rows])
        Y = values[:, tasks] if every else values[np.ix_(rows, tasks)]
        x_mean[g] = (X_rows.T @ c) / c.sum()
        # Where all labels are the same, so is their mean: but for rounding.
        y_mean[tasks] = np.clip((c @ Y) / c.sum(), Y.min(axis=0), Y.max(axis=0))
        Y = Y - y_mean[tasks]
        gram[g], cross[:, tasks] = products(X_rows, Y, c, x_mean[g])
        squares[tasks], omega[tasks] = c @ Y**2, c.sum()
    n_labels = (weights > 0).sum(axis=0)
    return MergedStatistics(
        gram, x_mean, cross, squares, y_mean, omega, group, n_labels, X.shape[0]
    )


def groups_of(weights: Array) -> Array:
    """Group (T,) of each task: tasks whose columns of weights are equal share one."""
    group = np.empty(weights.shape[1], dtype=np.intp)
    for g, tasks in enumerate(weight_groups(weights)):
        group[tasks] = g
    return group


def folds_fit(X: Any, weights: Array, folds: Folds) -> bool:
    """Whether `fold_statistics` fits into memory, and serves all solvers."""
    n_rows, n_features = min(len(train) for train, _ in folds), X.shape[1]
    n_grams = int(groups_of(weights).max()) + 1
    n_bytes = 8 * KEPT_AT_ONCE * len(folds) * n_grams * n_features**2
    return n_rows > 0 and fits_in_grams((n_rows, n_features), n_bytes)


def fold_statistics(X: Any, values: Array, weights: Array, folds: Folds) -> FoldStatistics:
    """Statistics (train, test) of every fold.

    Where the test sets share no row and training is on all others, each row is read once: the
    training rows of a fold are the test rows of the others, put together. Taking the test rows
    off the total instead would lose digits where they are what a feature varies in.
    """
    group = groups_of(weights)

    def read(rows: Array) -> MergedStatistics:
        return block_statistics(X[rows], values[rows], weights[rows], group)

    held_out = [read(test) for _, test in folds]
    if not _is_partition(folds, len(values)):
        return [(read(train), test) for (train, _), test in zip(folds, held_out, strict=True)]
    n_rest = len(values) - sum(len(test) for _, test in folds)
    before = None
    if n_rest:
        tested = np.concatenate([test for _, test in folds])
        before = read(np.setdiff1d(np.arange(len(values)), tested))
    return list(zip(_all_but_one(held_out, before), held_out, strict=True))


def _all_but_one(
    blocks: list[MergedStatistics], before: MergedStatistics | None
) -> list[MergedStatistics]:
    """Sum of ``before`` (may be None) and all blocks but one, for each."""
    after: list[MergedStatistics | None] = [None]
    for block in reversed(blocks[1:]):
        after.append(_sum(block, after[-1]))
    found = []
    for block, rest in zip(blocks, reversed(after), strict=True):
        found.append(_sum(before, rest))
        before = _sum(before, block)
    return found


def _sum(a: MergedStatistics | None, b: MergedStatistics | None) -> Any:
    if a is None or b is None:
        return a if b is None else b
    return a.plus(b)


def _is_partition(folds: Folds, n_rows: int) -> bool:
    """Whether test sets are disjoint and each is all that its training set lacks."""
    times = np.zeros(n_rows, dtype=np.intp)
    for train, test in folds:
        lacks = np.ones(n_rows, dtype=bool)
        lacks[train] = False
        if len(train) + len(test) != n_rows or not lacks[test].all():
            return False
        times[test] += 1
    return bool((times <= 1).all())
