"""How many labels the weights of each task stand for, from sums that chunks add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._counts import WHOLE

Array = NDArray[Any]

FINEST = 1e-6
"""Common unit of weights, relative to the smallest, below which they are taken to have none."""


@dataclass(frozen=True, eq=False)
class LabelCounts:
    r"""Sums (n_tasks,) of what `numbers_of_labels` looks at.

    Where the weights of a task are whole multiples of the smallest, they stand for

    .. math:: n = \sum_i s_i / \min_i s_i

    repeated rows, else for :math:`(\sum_i s_i)^2 / \sum_i s_i^2` labels. They are where the
    smallest is their greatest common divisor, which chunks can tell. Weights that were made smaller
    by forgetting are never taken for repeated rows.

    Attributes
    ----------
    total, squares, least : ndarray of shape (n_tasks,)
        Sum, sum of squares and smallest of the weights; the last is inf without labels.
    unit : ndarray of shape (n_tasks,)
        Greatest common divisor of the weights; 0 without labels, NaN where there is none.
    """

    total: Array
    squares: Array
    least: Array
    unit: Array

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
        unit = np.where(np.isfinite(least), least, 0.0)
        multiples = s / least[task]
        odd = np.abs(multiples - np.round(multiples)) > WHOLE * multiples
        for t in np.unique(task[odd]):
            unit[t] = _common_unit(np.unique(s[task == t]))
        total, squares = (np.bincount(task, values, n_tasks) for values in (s, s**2))
        return cls(total, squares, least, unit)

    @classmethod
    def none(cls, n_tasks: int) -> Self:
        """Without labels."""
        nothing = np.zeros(n_tasks)
        return cls(nothing, nothing, np.full(n_tasks, np.inf), nothing)

    def plus(self, other: Self) -> Self:
        """Of the labels of both."""
        unit = self.unit.copy()
        for t in np.flatnonzero(self.unit != other.unit):
            unit[t] = _common_unit([self.unit[t], other.unit[t]])
        return type(self)(
            self.total + other.total,
            self.squares + other.squares,
            np.minimum(self.least, other.least),
            unit,
        )

    def times(self, factors: Array) -> Self:
        """With all weights of a task times a factor (n_tasks,)."""
        unit = np.where((factors == 1.0) | (self.total == 0.0), self.unit, np.nan)
        return type(self)(
            self.total * factors, self.squares * factors**2, self.least * factors, unit
        )

    def take(self, tasks: Any) -> Self:
        """Of some of the tasks."""
        return type(self)(
            self.total[tasks], self.squares[tasks], self.least[tasks], self.unit[tasks]
        )

    @property
    def of_weight_one(self) -> Array:
        """How many labels a weight of 1 stands for, (n_tasks,); 0 without labels."""
        kish = np.divide(
            self.total, self.squares, out=np.zeros_like(self.total), where=self.squares > 0
        )
        return np.where(self._are_whole, 1.0 / self.least, kish)

    @property
    def n_labels(self) -> Array:
        """Number of labels of every task."""
        found = self.total * self.of_weight_one
        return np.where(self._are_whole, np.round(found), found)

    @property
    def _are_whole(self) -> Array:
        """Whether weights are whole multiples of the smallest."""
        whole: Array = np.abs(self.least - self.unit) <= WHOLE * self.least
        return whole


def _common_unit(weights: Any) -> float:
    """Greatest common divisor, by Euclid's algorithm; NaN where it is too small to be one."""
    unit, least = 0.0, np.inf
    for weight in weights:
        if np.isnan(weight):
            return np.nan
        if weight == 0.0:
            continue
        least, unit = min(least, weight), max(unit, weight) if unit == 0.0 else unit
        larger, smaller = max(unit, weight), min(unit, weight)
        largest = larger
        while smaller > WHOLE * largest:
            larger, smaller = smaller, abs(larger - smaller * np.round(larger / smaller))
        unit = larger
        if unit < FINEST * least:
            return np.nan
    return unit
