"""The labels of all tasks as numbers, and what each counts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl._indexing import as_slice
from skmtl._range import SMALLEST
from skmtl.tasks._base import Task
from skmtl.tasks._weights import read_task_weight

if TYPE_CHECKING:
    from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


class LabelColumn(NamedTuple):
    """The labels of one column of y, as numbers.

    ``values`` is (n_samples, ...): a label may be more than one number. ``weights`` is
    (n_samples,), 0 where unobserved.
    """

    task: Task
    values: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Targets:
    """Labels as numbers.

    Attributes
    ----------
    tasks : TaskSet
        What the numbers mean.
    values : ndarray of shape (n_samples, n_tasks), or (n_samples,) for 1-D and long y
        Encoded labels; 0 where unobserved. Further axes where a label is several numbers.
    weights : ndarray of shape (n_samples, n_tasks) or (n_samples,)
        Sample weight times class weight; 0 where unobserved.
    task_index : ndarray of shape (n_samples,) or None
        Long form: position in ``tasks.names``, -1 for an unknown task.
    """

    tasks: TaskSet
    values: Array
    weights: Array
    task_index: Array | None = None

    @cached_property
    def is_complete(self) -> bool:
        """Whether every label is observed."""
        return bool(self.extreme_weights[0] > 0.0)

    @cached_property
    def has_equal_weights(self) -> bool:
        """Whether every label is observed, and counts the same."""
        lowest, highest = self.extreme_weights
        return self.is_complete and lowest == highest

    @cached_property
    def extreme_weights(self) -> tuple[float, float]:
        """The smallest and the largest weight."""
        return self.weights.min(initial=np.inf), self.weights.max(initial=0.0)

    def columns(self) -> list[LabelColumn]:
        """A `LabelColumn` for each column of y; in long form one, with all rows."""
        if self.weights.ndim == 1:
            return [LabelColumn(self.tasks.tasks[0], self.values, self.weights)]
        return [
            LabelColumn(task, self.values[:, t], self.weights[:, t])
            for t, task in enumerate(self.tasks.tasks)
        ]

    def select(self, tasks: Array) -> Targets:
        """Some of the tasks (wide)."""
        values, weights, columns = self.values, self.weights, as_slice(tasks)
        if weights.ndim == 1:
            values, weights = values[:, None], weights[:, None]
        elif len(tasks) == weights.shape[1] and isinstance(columns, slice) and self._is_in_order:
            return self
        # One order in memory, whichever tasks there were: sums depend on it, by the last bit.
        values, weights = (np.ascontiguousarray(a[:, columns]) for a in (values, weights))
        return Targets(self.tasks.take(tasks), values, weights)

    @property
    def _is_in_order(self) -> bool:
        """Whether labels and weights lie in memory as `select` gives them."""
        return bool(self.values.flags.c_contiguous and self.weights.flags.c_contiguous)

    def without_empty_tasks(self) -> Targets:
        """Long form without the tasks that have no label; their rows are gone already."""
        keep = self.tasks.n_labels > 0
        assert self.task_index is not None
        index = (np.cumsum(keep) - 1)[self.task_index]
        return Targets(self.tasks.take(np.flatnonzero(keep)), self.values, self.weights, index)

    def take(self, rows: Array) -> Targets:
        """Some of the rows."""
        index = None if self.task_index is None else self.task_index[rows]
        return Targets(self.tasks, self.values[rows], self.weights[rows], index)

    @property
    def row_is_observed(self) -> NDArray[np.bool_]:
        """Rows with at least one label."""
        observed = (self.weights > 0).reshape(len(self.weights), -1)
        # Along short rows `any` takes long.
        return np.ones(len(observed), dtype=bool) if observed.all() else np.any(observed, axis=1)

    def sum_by_task(self, label_weights: Array) -> Array:
        """Sum over the rows of every task: (n_tasks,)."""
        if self.task_index is not None:
            return np.bincount(self.task_index, label_weights, self.tasks.n_tasks)
        return label_weights.reshape(len(label_weights), self.tasks.n_tasks).sum(axis=0)

    def task_weights(self, task_weight: Any = None) -> Array:
        r"""Weight :math:`\omega_t` of every task, (n_tasks,); see `read_task_weight`."""
        total = self.sum_by_task(self.weights)
        return read_task_weight(task_weight, self.tasks.names.tolist(), total)

    def label_weights(self, task_weights: Array | None = None) -> Array:
        r""":math:`\omega_t s_{ti} / \sum_i s_{ti}`: what a label counts in the objective."""
        weights, total = self.weights, self.sum_by_task(self.weights)
        tiny = (total > 0) & (total < SMALLEST)
        if tiny.any():
            # One over such a sum is infinite; a factor on all weights of a task changes nothing.
            by_task = np.where(tiny, 2.0**700, 1.0)
            weights = weights * self._of_labels(by_task)
            total = self.sum_by_task(weights)
        omega = np.ones_like(total) if task_weights is None else task_weights
        share = np.divide(omega, total, out=np.zeros_like(total), where=total > 0)
        label_weights: Array = weights * self._of_labels(share)
        return label_weights

    def _of_labels(self, by_task: Array) -> Any:
        """What the tasks have (n_tasks,), as a factor on the weights of their labels."""
        if self.task_index is not None:
            return by_task[self.task_index]
        return by_task if self.weights.ndim > 1 else by_task[0]
