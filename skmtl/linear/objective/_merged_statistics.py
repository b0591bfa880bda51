"""Statistics of squared loss that are put together: of folds, of chunks of a stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._indexing import as_slice
from skmtl.linear.objective._centring import ROUNDING
from skmtl.linear.objective._some_rows import rows_of, weighted_sum
from skmtl.linear.objective._statistics import (
    Statistics,
    mean_labels,
    products,
    weight_groups,
)

Array = NDArray[Any]


@dataclass(eq=False)
class MergedStatistics(Statistics):
    """`Statistics` that are put together; stands for the rows wherever these are not needed.

    Fields as in `Statistics`, always centred unless `uncentred`, and ``n_labels`` (T,), the
    numbers of labels of positive weight. Tasks of one group have the same weights in all rows.
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
        if (self.group != other.group).any():
            return self.split(other.group)._plus(other.split(self.group))
        return self._plus(other)

    def _plus(self, other: Self) -> Self:
        """`plus` where both have the same groups."""
        omega = self.omega + other.omega
        share = np.divide(other.omega, omega, out=np.zeros_like(omega), where=omega > 0)
        d, e = other.x_mean - self.x_mean, other.y_mean - self.y_mean
        # Means of a constant column differ by rounding.
        d[np.abs(d) <= ROUNDING * np.abs(self.x_mean)] = 0.0
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
        split = self.split(factors)
        first, _ = groups_in_order(split.group)
        return replace(
            split,
            gram=split.gram * factors[first][:, None, None],
            cross=self.cross * factors,
            squares=self.squares * factors,
            omega=self.omega * factors,
        )

    def split(self, by: Array) -> Self:
        """The same, with tasks of one group in several where they differ in ``by`` (n_tasks,)."""
        first, group = groups_in_order(self.group, by)
        old = self.group[first]
        return replace(self, gram=self.gram[old], x_mean=self.x_mean[old], group=group)

    def select(self, tasks: Any) -> Self:
        """Some of the tasks."""
        first, group = groups_in_order(self.group[tasks])
        kept = self.group[tasks][first]
        by_task = {
            name: getattr(self, name)[tasks] for name in ("squares", "y_mean", "omega", "n_labels")
        }
        return replace(
            self,
            gram=self.gram[kept],
            x_mean=self.x_mean[kept],
            cross=self.cross[:, tasks],
            group=group,
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
        W = np.moveaxis(W, 1, 0)
        for gram, tasks in zip(self.gram, self.members, strict=True):
            # One wide product of all fits takes half as long as one of each.
            part = np.ascontiguousarray(W[:, :, as_slice(tasks)])
            products = (gram @ part.reshape(len(part), -1)).reshape(part.shape)
            products -= 2.0 * self.cross[:, None, tasks]
            within[:, tasks] = np.einsum("pmt,pmt->mt", part, products)
        return np.maximum(within + self.squares, 0.0) + self.omega * miss**2

    def _of_groups(self, values: Array) -> Array:
        """Value of each group from those of its tasks."""
        return np.array([values[tasks[0]] for tasks in self.members])


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
        X_rows, c = (X, c) if every else (rows_of(X, rows), c[rows])
        Y = values[:, tasks] if every else values[np.ix_(rows, tasks)]
        x_mean[g] = weighted_sum(X_rows, c) / c.sum()
        y_mean[tasks] = mean_labels(Y, c)
        Y = Y - y_mean[tasks]
        gram[g], cross[:, tasks] = products(X_rows, Y, c, x_mean[g])
        squares[tasks], omega[tasks] = c @ Y**2, c.sum()
    n_labels = (weights > 0).sum(axis=0)
    return MergedStatistics(
        gram, x_mean, cross, squares, y_mean, omega, group, n_labels, X.shape[0]
    )


def groups_in_order(*keys: Array) -> tuple[Array, Array]:
    """First task of each group of equal keys, and the group (T,) of each task.

    Groups are in the order of their first tasks, so that one for each task is that task's.
    """
    if all((key == key[:1]).all() for key in keys):
        # The usual case, for which a search takes longer than many a fit.
        n_tasks = len(keys[0])
        return np.arange(min(n_tasks, 1)), np.zeros(n_tasks, dtype=np.intp)
    _, first, group = np.unique(
        np.column_stack(keys), axis=0, return_index=True, return_inverse=True
    )
    order = np.argsort(first)
    return first[order], np.argsort(order)[group.ravel()]


def groups_of(weights: Array) -> Array:
    """Group (T,) of each task: tasks whose columns of weights are equal share one."""
    group = np.empty(weights.shape[1], dtype=np.intp)
    for g, tasks in enumerate(weight_groups(weights)):
        group[tasks] = g
    return group
