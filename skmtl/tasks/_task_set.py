"""The tasks of an estimator, and their labels as numbers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._base import Task
from skmtl.tasks._by_name import same_names
from skmtl.tasks._columns import EXACT_INTEGERS, Column, match
from skmtl.tasks._event_columns import hold_event
from skmtl.tasks._features import read_task_column
from skmtl.tasks._labels import read_labels
from skmtl.tasks._resolve import check_times
from skmtl.tasks._targets import Targets

Array = NDArray[Any]
Link = Callable[[Task, Array], Array]


@dataclass(frozen=True)
class Block:
    """Tasks with the same loss: ``raw[:, outputs]`` is (n, len(tasks) * n_outputs)."""

    task: Task
    tasks: NDArray[np.intp]
    outputs: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class TaskSet:
    """The tasks of a fitted estimator.

    Wide (``is_long`` false): one `Task` per column of y, raw scores (n, n_outputs). Long: one
    `Task` for all, raw scores (n, n_outputs of that task), ``names`` the sorted task values.
    """

    tasks: tuple[Task, ...]
    names: Array
    n_labels: Array
    is_long: bool = False
    is_1d: bool = False

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.names)

    @cached_property
    def slices(self) -> list[slice]:
        """Raw scores of each task (wide)."""
        ends = np.cumsum([task.n_outputs_ for task in self.tasks]).tolist()
        return [slice(end - t.n_outputs_, end) for end, t in zip(ends, self.tasks, strict=True)]

    @property
    def n_outputs(self) -> int:
        """Raw scores per row."""
        return sum(task.n_outputs_ for task in self.tasks)

    @cached_property
    def blocks(self) -> list[Block]:
        """Tasks grouped by loss, those without outputs left out."""
        groups: dict[tuple[Hashable, ...], list[int]] = {}
        for t, task in enumerate(self.tasks):
            if task.n_outputs_:
                groups.setdefault(task.loss_key, []).append(t)
        outputs = np.arange(self.n_outputs)
        return [
            Block(
                self.tasks[members[0]],
                np.array(members, dtype=np.intp),
                np.concatenate([outputs[self.slices[t]] for t in members]),
            )
            for members in groups.values()
        ]

    def take(self, index: Array) -> TaskSet:
        """Some of the tasks."""
        tasks = self.tasks if self.is_long else tuple(self.tasks[t] for t in index)
        return TaskSet(tasks, self.names[index], self.n_labels[index], self.is_long, self.is_long)

    @property
    def is_mixed(self) -> bool:
        """Whether there is more than one task type."""
        return is_mixed(self.tasks)

    @cached_property
    def has_squared_loss(self) -> bool:
        """Whether the losses of all tasks are squared."""
        return all(task.has_squared_loss for task in self.tasks)

    @cached_property
    def has_r2_score(self) -> bool:
        """Whether the scores of all tasks are R2."""
        return all(task.has_r2_score for task in self.tasks)

    @property
    def any_classification(self) -> bool:
        """Whether a task has classes."""
        return any(task.is_classification for task in self.tasks)

    def is_silent(self, task_index: Array) -> Array:
        """Rows of tasks without labels, of which nothing is known; -1 is no such task."""
        found: Array = (task_index >= 0) & (self.n_labels[task_index] == 0)
        return found

    def inverse_link(
        self, raw: Array, task_index: Array | None = None, link: Link | None = None
    ) -> list[Array]:
        """Expected values or class probabilities of each `Task`, from raw scores.

        In long form a task without labels gets NaN, or the uniform distribution. Another ``link``
        says something else of a task and its raw scores.
        """
        if task_index is not None and not self.n_labels.all():
            silent = self.is_silent(task_index)
            raw = np.where(silent[:, None], 0.0 if self.any_classification else np.nan, raw)
        link = link or (lambda task, raw: task.inverse_link(raw))
        return [link(task, raw[:, s]) for task, s in zip(self.tasks, self.slices, strict=True)]

    def settled(self, raw: Array, targets: Targets) -> TaskSet:
        """The tasks with what they learn beside the raw scores (n, n_outputs) of some labels."""
        if not any(task.sees_rows for task in self.tasks):
            return self
        weights = targets.label_weights().reshape(len(raw), -1).T
        columns = zip(targets.columns(), weights, self.slices, strict=True)
        tasks = [
            task.settled(raw[:, s], values, weight) for (task, values, _), weight, s in columns
        ]
        return replace(self, tasks=tuple(tasks))

    def torch_average(self, raw: Any) -> Any:
        """Raw scores with the mean `inverse_link` of members (n_members, .., n_outputs), torch.

        In long form there may be the scores of many tasks side by side.
        """
        if self.is_long and self.n_outputs:
            by_task = raw.unflatten(-1, (-1, self.n_outputs))
            return self.tasks[0].torch_average(by_task).flatten(-2)
        if not self.blocks:
            return raw.mean(0)
        import torch

        averages = []
        for block in self.blocks:
            by_task = raw[..., block.outputs.tolist()].unflatten(-1, (len(block.tasks), -1))
            averages.append(block.task.torch_average(by_task).flatten(-2))
        order = np.argsort(np.concatenate([block.outputs for block in self.blocks]))
        return torch.cat(averages, dim=-1)[..., order.tolist()]

    def join(self, columns: list[Array]) -> Array:
        """Labels of each task as one array: (n,) for 1-D y, else (n, n_tasks).

        Its dtype is object if any are strings, or whole numbers for which a float has no room.
        """
        if self.is_1d:
            return columns[0]
        if any(column.dtype.kind in "OUS" for column in columns) or self._loses_digits(columns):
            columns = [column.astype(object) for column in columns]
        return np.column_stack(columns)

    def _loses_digits(self, columns: list[Array]) -> bool:
        """Whether side by side whole-number classes would be floats that are not equal to them."""
        if np.result_type(*columns).kind != "f":
            return False
        classes = [task.classes_ for task in self.tasks if task.is_classification]
        return any(c.dtype.kind in "iu" and (abs(c) > EXACT_INTEGERS).any() for c in classes)

    def probabilities(self, expected: list[Array]) -> Any:
        """Class probabilities: an array for 1-D y, else a list; None for regression."""
        listed = [
            of_task if task.is_classification else None
            for task, of_task in zip(self.tasks, expected, strict=True)
        ]
        return listed[0] if self.is_1d else listed

    def read(
        self,
        y: Any,
        *,
        task_column: Any = None,
        sample_weight: Any = None,
        unseen: str = "raise",
        to_score: bool = False,
    ) -> Targets:
        """Read the labels of new data; columns with names are matched by them.

        ``to_score`` leaves out what a task without labels in `fit` cannot be compared with:
        nobody knew what its labels would look like.
        """
        values, weights = [], []
        for task, name, (column, weight) in zip(
            self.tasks, self._column_names, self.labels_in(y, sample_weight), strict=True
        ):
            if to_score and not self.is_long and not task.n_labels_:
                weight = np.where(_is_comparable(task, column, name), weight, 0.0)
            weights.append(weight)
            is_read = weight.any()
            values.append(
                task.encode(column, name, unseen=unseen) if is_read else np.zeros(len(weight))
            )
        index = None
        if self.is_long:
            names_of_rows = read_task_column(task_column)
            index = match(self.names, names_of_rows.labels)
            index = np.where(names_of_rows.observed, index, -1)
        return Targets(self, *stack_columns(values, weights, self.is_1d), index)

    def labels_in(self, y: Any, sample_weight: Any = None) -> list[tuple[Column, Array]]:
        """Columns of y in the order of the tasks, each with the weights of its labels."""
        declared: Any = dict(zip(self._column_names, self.tasks, strict=True))
        labels = read_labels(
            y,
            sample_weight,
            self._column_names,
            declared=self.tasks[0] if self.is_long else declared,
            is_long=self.is_long,
        )
        pairs = list(zip(labels.columns, labels.weights, strict=True))
        if labels.names is not None and not labels.is_1d and self._goes_by(labels.names):
            pairs = labels.columns_for(self.names.tolist(), "y")
        if len(pairs) != len(self.tasks):
            raise ValueError(
                f"y has {len(pairs)} tasks, but the estimator was fitted with {len(self.tasks)}."
            )
        for task, name, (column, _) in zip(self.tasks, self._column_names, pairs, strict=True):
            check_times(task, column, name)
            hold_event(task, column, name)
        return pairs

    def _goes_by(self, names: Sequence[Hashable]) -> bool:
        """Whether columns of y with these names are matched: to tasks that have names too.

        Without any, tasks are called 0, 1, ...; columns called so are matched all the same.
        """
        return self.names.dtype.kind == "O" or same_names(names, self.names.tolist())

    @property
    def _column_names(self) -> Sequence[Hashable]:
        return ["y"] if self.is_long else self.names.tolist()


def _is_comparable(task: Task, column: Column, name: Hashable) -> Any:
    """Where the prediction of a task without labels in `fit` can be right or wrong."""
    if not task.is_classification:
        return False
    return task.encode(column, name, unseen="miss") >= 0


def is_mixed(tasks: Sequence[Task]) -> bool:
    """Whether there is more than one task type, so that losses are not comparable."""
    return len({type(task) for task in tasks}) > 1


def stack_columns(values: list[Array], weights: list[Array], is_1d: bool) -> tuple[Array, Array]:
    """Values and weights as those of `Targets`."""
    if is_1d:
        return values[0], weights[0]
    return np.stack(values, axis=1), np.stack(weights, axis=1)
