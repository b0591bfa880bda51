"""How many labels the weights of each task stand for, from sums that chunks add up to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._working_labels import WHOLE

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class LabelCounts:
    r"""Sums (n_tasks,) of what `numbers_of_labels` looks at.

    Where the weights of a task are whole multiples of the smallest, they stand for

    .. math:: n = \sum_i s_i / \min_i s_i

    repeated rows, else for :math:`(\sum_i s_i)^2 / \sum_i s_i^2` labels. Weights that were made
    smaller by forgetting are never taken for repeated rows.

    Attributes
    ----------
    total, squares, least : ndarray of shape (n_tasks,)
        Sum, sum of squares and smallest of the weights; the last is inf without labels.
    is_whole : ndarray of bool, shape (n_tasks,)
        Whether all are whole multiples of the smallest.
    """

    total: Array
    squares: Array
    least: Array
    is_whole: Array

    @classmethod
    def of(cls, weights: Array, task_index: Array | None, n_tasks: int) -> Self:
        """Those of weights (n_samples, n_tasks), or (n_samples,) with the task of each row."""
        if task_index is None:
            rows, task = np.nonzero(weights)
            s = weights[rows, task]
        else:
            used = weights > 0
            s, task = weights[used], task_index[used]
        least = np.full(n_tasks, np.inf)
        np.minimum.at(least, task, s)
        is_whole = np.ones(n_tasks, dtype=bool)
        is_whole[task[~_are_whole(s / least[task])]] = False
        total, squares = (np.bincount(task, values, n_tasks) for values in (s, s**2))
        return cls(total, squares, least, is_whole)

    @classmethod
    def none(cls, n_tasks: int) -> Self:
        """Without labels."""
        nothing = np.zeros(n_tasks)
        return cls(nothing, nothing, np.full(n_tasks, np.inf), np.ones(n_tasks, dtype=bool))

    def plus(self, other: Self) -> Self:
        """Of the labels of both."""
        least = np.minimum(self.least, other.least)
        is_whole = self.is_whole & other.is_whole
        for part in (self, other):
            # Infinite where there are no labels, and nothing that is not whole.
            multiples = np.where(np.isfinite(part.least), part.least, least) / least
            is_whole = is_whole & (_are_whole(multiples) | ~np.isfinite(least))
        total, squares = self.total + other.total, self.squares + other.squares
        return replace(self, total=total, squares=squares, least=least, is_whole=is_whole)

    def times(self, factors: Array) -> Self:
        """With all weights of a task times a factor (n_tasks,)."""
        is_whole = self.is_whole & ((factors == 1.0) | (self.total == 0.0))
        return type(self)(
            self.total * factors, self.squares * factors**2, self.least * factors, is_whole
        )

    def take(self, tasks: Any) -> Self:
        """Of some of the tasks."""
        return type(self)(
            self.total[tasks], self.squares[tasks], self.least[tasks], self.is_whole[tasks]
        )

    @property
    def of_weight_one(self) -> Array:
        """How many labels a weight of 1 stands for, (n_tasks,); 0 without labels."""
        kish = np.divide(
            self.total, self.squares, out=np.zeros_like(self.total), where=self.squares > 0
        )
        return np.where(self.is_whole, 1.0 / self.least, kish)

    @property
    def n_labels(self) -> Array:
        """Number of labels of every task."""
        found = self.total * self.of_weight_one
        return np.where(self.is_whole, np.round(found), found)


def _are_whole(multiples: Array) -> Array:
    with np.errstate(invalid="ignore"):
        whole: Array = np.abs(multiples - np.round(multiples)) <= WHOLE * multiples
    return whole
