"""Reading y: the only code that sees NaN, strings and DataFrames.

``y`` in any form goes in, a `Targets` of float64 values and weights comes out. A weight of 0
means unobserved, whatever the value beside it; everything behind this door multiplies by it.
"""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.tasks._base import Task
from skmtl.tasks._binary import Binary
from skmtl.tasks._columns import Column, match, read_column
from skmtl.tasks._multiclass import Multiclass
from skmtl.tasks._resolve import is_auto, resolve_tasks, spread
from skmtl.tasks._weights import read_sample_weight, read_task_weight

Array = NDArray[Any]


@dataclass(frozen=True)
class Block:
    """Tasks with the same loss: ``raw[:, outputs]`` is (n, len(tasks) * n_outputs)."""

    task: Task
    tasks: NDArray[np.intp]
    outputs: NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class TaskSet:
    """The tasks of a fitted estimator.

    Wide (``is_long`` false): one `Task` a column of y, raw scores (n, n_outputs). Long: one
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

    @property
    def is_mixed(self) -> bool:
        """Whether there is more than one task type."""
        return len({type(task) for task in self.tasks}) > 1

    @property
    def any_classification(self) -> bool:
        """Whether a task has classes."""
        return any(task.is_classification for task in self.tasks)

    def link(self, raw: Array, task_index: Array | None = None) -> list[Array]:
        """Expected values or class probabilities of each `Task`, from raw scores.

        In long form a task without labels gets NaN, or the uniform distribution.
        """
        if task_index is not None and not self.n_labels.all():
            silent = (task_index >= 0) & (self.n_labels[task_index] == 0)
            raw = np.where(silent[:, None], 0.0 if self.any_classification else np.nan, raw)
        return [task.link(raw[:, s]) for task, s in zip(self.tasks, self.slices, strict=True)]

    def decode(self, links: list[Array]) -> Array:
        """Predicted labels: (n,) for 1-D y, else (n, n_tasks); object if any are strings."""
        columns = [task.decode(link) for task, link in zip(self.tasks, links, strict=True)]
        if self.is_1d:
            return columns[0]
        if any(column.dtype.kind in "OUS" for column in columns):
            columns = [column.astype(object) for column in columns]
        return np.column_stack(columns)

    def probabilities(self, links: list[Array]) -> Any:
        """Class probabilities: an array for 1-D y, else a list; None for regression."""
        listed = [
            link if task.is_classification else None
            for task, link in zip(self.tasks, links, strict=True)
        ]
        return listed[0] if self.is_1d else listed

    def read(
        self, y: Any, *, task_column: Any = None, sample_weight: Any = None, unseen: str = "raise"
    ) -> Targets:
        """Read the labels of new data; columns of a DataFrame are matched by name."""
        columns, names, is_1d = read_y(y)
        if names is not None and self._has_names and not is_1d:
            columns = self._order(columns, names)
        if len(columns) != len(self.tasks):
            raise ValueError(
                f"y has {len(columns)} tasks, but the estimator was fitted with {len(self.tasks)}."
            )
        weights = _observed_weights(columns, sample_weight, is_1d)
        values = [
            task.encode(column.restrict(weight > 0), name, unseen=unseen)
            for task, column, weight, name in zip(
                self.tasks, columns, weights, self._column_names, strict=True
            )
        ]
        index = None
        if self.is_long:
            names_of_rows = read_column(task_column, "task feature")
            index = match(self.names, names_of_rows.labels)
            index = np.where(names_of_rows.observed, index, -1)
        return Targets(self, *_stack_columns(values, weights, self.is_1d), index)

    @property
    def _has_names(self) -> bool:
        return self.names.dtype.kind == "O"

    @property
    def _column_names(self) -> Sequence[Hashable]:
        return ["y"] if self.is_long else self.names.tolist()

    def _order(self, columns: list[Any], names: list[Hashable]) -> list[Any]:
        known = self.names.tolist()
        if names == known:
            return columns
        missing = [name for name in known if name not in names]
        extra = [name for name in names if name not in known]
        if missing or extra:
            raise ValueError(
                f"y does not have the tasks of fit: missing {missing}, not known {extra}."
            )
        return [columns[names.index(name)] for name in known]


@dataclass(frozen=True, eq=False)
class Targets:
    """Labels as numbers.

    Attributes
    ----------
    tasks : TaskSet
        What the numbers mean.
    values : ndarray of shape (n_samples, n_tasks), or (n_samples,) for 1-D and long y
        Encoded labels; 0 where unobserved.
    weights : ndarray, same shape
        Sample weight times class weight; 0 where unobserved.
    task_index : ndarray of shape (n_samples,) or None
        Long form: position in ``tasks.names``, -1 for an unknown task.
    """

    tasks: TaskSet
    values: Array
    weights: Array
    task_index: Array | None = None

    def select(self, tasks: Array) -> Targets:
        """Some of the tasks (wide)."""
        mine = self.tasks
        chosen = TaskSet(
            tuple(mine.tasks[t] for t in tasks), mine.names[tasks], mine.n_labels[tasks]
        )
        n_rows = len(self.values)
        values, weights = self.values.reshape(n_rows, -1), self.weights.reshape(n_rows, -1)
        return Targets(chosen, values[:, tasks], weights[:, tasks])

    def without_empty_tasks(self) -> Targets:
        """Long form without the tasks that have no label; their rows are gone already."""
        mine, keep = self.tasks, self.tasks.n_labels > 0
        assert self.task_index is not None
        chosen = TaskSet(mine.tasks, mine.names[keep], mine.n_labels[keep], True, True)
        index = (np.cumsum(keep) - 1)[self.task_index]
        return Targets(chosen, self.values, self.weights, index)

    def take(self, rows: Array) -> Targets:
        """Some of the rows."""
        index = None if self.task_index is None else self.task_index[rows]
        return Targets(self.tasks, self.values[rows], self.weights[rows], index)

    @property
    def row_is_observed(self) -> NDArray[np.bool_]:
        """Rows with at least one label."""
        return np.any((self.weights > 0).reshape(len(self.weights), -1), axis=1)

    def sum_by_task(self, cells: Array) -> Array:
        """Sum over the rows of every task: (n_tasks,)."""
        if self.task_index is not None:
            return np.bincount(self.task_index, cells, self.tasks.n_tasks)
        return cells.reshape(len(cells), -1).sum(axis=0)

    def cell_weights(self, task_weight: Any = None) -> Array:
        r""":math:`\omega_t s_{ti} / \sum_i s_{ti}`: what a label counts in the objective."""
        omega = read_task_weight(task_weight, self.tasks.names.tolist())
        total = self.sum_by_task(self.weights)
        share = np.divide(omega, total, out=np.zeros_like(total), where=total > 0)
        if self.task_index is not None:
            return self.weights * share[self.task_index]
        return self.weights * (share if self.weights.ndim > 1 else share[0])


def read_targets(
    y: Any,
    *,
    declared: Any = "auto",
    kind: str = "any",
    task_column: Any = None,
    sample_weight: Any = None,
    standardize: bool | str = False,
    classes: Any = None,
    estimator_name: str = "estimator",
) -> Targets:
    """Read y for the first time: find the tasks, their types and classes, and warn.

    ``standardize`` is True, False, or "mixed": regression targets are standardised only where
    there is more than one task type. ``classes`` are those of `partial_fit`.
    """
    if y is None:
        raise ValueError(
            f"This {estimator_name} estimator requires y to be passed, but the target y is None"
        )
    columns, names, is_1d = read_y(y)
    is_long = task_column is not None
    if is_long and not is_1d:
        raise ValueError(
            f"With task_feature, y must be 1-D (one label a row), got {len(columns)} columns."
        )
    labels: list[Hashable] = list(range(len(columns)))
    if names is not None and not is_long:
        labels = names
    weights = _observed_weights(columns, sample_weight, is_1d)
    if not any((weight > 0).any() for weight in weights):
        raise ValueError("y has no observed label: every one is missing or has weight zero.")
    task_names: list[Hashable] = ["y"] if is_long else labels
    tasks = resolve_tasks(declared, columns, weights, task_names, kind)
    if classes is not None:
        are_free = [
            is_auto(entry) and kind != "regression" for entry in spread(declared, task_names)
        ]
        _declare_classes(tasks, classes, are_free)
    if standardize == "mixed":
        standardize = len({type(task) for task in tasks}) > 1
    for task, column, weight, name in zip(tasks, columns, weights, task_names, strict=True):
        task.fit(column, weight, name, standardize=bool(standardize))
    values = []
    for t, (task, column, name) in enumerate(zip(tasks, columns, task_names, strict=True)):
        # A label of weight 0 is as good as unobserved: its class may be unknown.
        values.append(task.encode(column.restrict(weights[t] > 0), name))
        weights[t] = weights[t] * task.label_weight(values[-1])
    array, index = _names_and_index(task_column, labels, names is not None)
    if index is None:
        n_labels = np.array([task.n_labels_ for task in tasks])
    else:
        n_labels = np.bincount(index, weights[0] > 0, len(array)).astype(np.int64)
    task_set = TaskSet(tuple(tasks), array, n_labels, is_long, is_1d)
    _warn(task_set)
    return Targets(task_set, *_stack_columns(values, weights, is_1d), index)


def read_y(y: Any) -> tuple[list[Column], list[Hashable] | None, bool]:
    """Columns of y, their names where it has any, and whether it is 1-D."""
    if sparse.issparse(y):
        raise ValueError("y is sparse; give a dense array (a missing label is NaN, not 0).")
    names: list[Hashable] | None = None
    if hasattr(y, "columns") and hasattr(y, "shape"):
        names = list(y.columns)
        parts = [y.iloc[:, j] if hasattr(y, "iloc") else y[:, j] for j in range(y.shape[1])]
        is_1d = False
    elif getattr(getattr(y, "dtype", None), "names", None):
        names, is_1d = list(y.dtype.names), False
        parts = [y[name] for name in names]
    elif hasattr(y, "to_list") and len(getattr(y, "shape", ())) == 1:
        parts, is_1d = [y], True
    else:
        parts, is_1d = _split_array(y)
    if not parts:
        raise ValueError("y has no task: its shape has zero columns.")
    labels: list[Hashable] = names if names is not None else list(range(len(parts)))
    if len(set(labels)) < len(labels):
        twice = next(name for name in labels if labels.count(name) > 1)
        raise ValueError(f"Duplicate task name in y: {twice!r}.")
    return [read_column(part, name) for part, name in zip(parts, labels, strict=True)], names, is_1d


def _split_array(y: Any) -> tuple[list[Any], bool]:
    if isinstance(y, np.ma.MaskedArray):
        array: Any = y
    elif isinstance(y, list | tuple):
        # Through object, so that numpy does not turn numbers beside strings into strings.
        if any(isinstance(row, np.ma.MaskedArray) and row.ndim for row in y):
            array = np.ma.stack(y)
        else:
            array = np.array(y, dtype=object)
        if array.ndim == 1 and any(np.ndim(row) > 0 for row in array):
            lengths = sorted({np.size(row) for row in array})
            raise ValueError(f"y is ragged: its rows have lengths {lengths}.")
    else:
        array = np.asarray(y)
    if array.ndim == 1:
        return [array], True
    if array.ndim != 2:
        raise ValueError(
            f"y has shape {array.shape}; expected (n_samples,) or (n_samples, n_tasks)."
        )
    return [array[:, j] for j in range(array.shape[1])], False


def split_task_feature(X: Any, task_feature: int | str) -> tuple[Any, Any]:
    """Take the column that names the task out of X."""
    if hasattr(X, "columns"):
        names = list(X.columns)
        if task_feature in names:
            position = names.index(task_feature)
        elif isinstance(task_feature, int) and -len(names) <= task_feature < len(names):
            position = task_feature % len(names)
        else:
            raise ValueError(f"task_feature={task_feature!r} is not a column of X: {names[:20]}.")
        kept = [j for j in range(len(names)) if j != position]
        if hasattr(X, "iloc"):
            return X.iloc[:, kept], X.iloc[:, position]
        return X[:, kept], X[:, position]
    if not isinstance(task_feature, int | np.integer):
        raise ValueError(
            f"task_feature={task_feature!r} is a name, but X has no column names; give an index."
        )
    X = X.tocsc() if sparse.issparse(X) else np.asarray(X)
    if X.ndim != 2 or not -X.shape[1] <= task_feature < X.shape[1]:
        raise ValueError(f"task_feature={task_feature} is not a column of X with shape {X.shape}.")
    position = task_feature % X.shape[1]
    kept = [j for j in range(X.shape[1]) if j != position]
    column = X[:, [position]]
    column = column.toarray()[:, 0] if sparse.issparse(column) else column[:, 0]
    return X[:, kept], column


def _declare_classes(tasks: list[Task], classes: Any, are_free: Sequence[bool]) -> None:
    """Hand the ``classes`` of `partial_fit` to the tasks; they decide the type of a free one."""
    entries = list(classes) if len(tasks) > 1 else [classes]
    if len(tasks) == 1 and len(classes) == 1 and np.ndim(classes[0]) == 1:
        entries = [classes[0]]
    if len(entries) != len(tasks):
        raise ValueError(f"classes has {len(entries)} entries, but y has {len(tasks)} tasks.")
    for t, (entry, is_free) in enumerate(zip(entries, are_free, strict=True)):
        if entry is not None and is_free:
            tasks[t] = Binary() if len(set(entry)) <= 2 else Multiclass()
        if entry is not None and tasks[t].is_classification:
            tasks[t].set_params(classes=list(entry))


def _observed_weights(columns: list[Column], sample_weight: Any, is_1d: bool) -> list[Array]:
    n_samples = len(columns[0].labels)
    shape = (n_samples,) if is_1d else (n_samples, len(columns))
    weight = read_sample_weight(sample_weight, shape).reshape(n_samples, -1)
    return [np.where(column.observed, weight[:, t], 0.0) for t, column in enumerate(columns)]


def _stack_columns(values: list[Array], weights: list[Array], is_1d: bool) -> tuple[Array, Array]:
    if is_1d:
        return values[0], weights[0]
    return np.column_stack(values), np.column_stack(weights)


def _names_and_index(
    task_column: Any, labels: list[Hashable], has_names: bool
) -> tuple[Array, Array | None]:
    if task_column is None:
        names = np.empty(len(labels), dtype=object if has_names else np.int64)
        names[:] = labels
        return names, None
    column = read_column(task_column, "task feature")
    if not column.observed.all():
        raise ValueError(
            f"The task feature is missing in {int((~column.observed).sum())} rows of X."
        )
    labels_of_rows = column.labels
    if column.is_numeric and np.array_equal(labels_of_rows, np.floor(labels_of_rows)):
        # 3.0 is task 3: a column of numbered tasks is float among float features.
        labels_of_rows = labels_of_rows.astype(np.int64)
    names, index = np.unique(labels_of_rows, return_inverse=True)
    return names, index.astype(np.intp)


def _warn(tasks: TaskSet) -> None:
    """Tell of tasks from which little or nothing can be learned."""
    none = tasks.names[tasks.n_labels == 0].tolist()
    single = tasks.names[tasks.n_labels == 1].tolist()
    constant = [
        name
        for task, name in zip(tasks.tasks, tasks.names.tolist(), strict=False)
        if task.is_classification and task.n_labels_ and not task.n_outputs_
    ]
    for found, text in (
        (none, "no observed label; the prediction is NaN or, for classes, uniform"),
        (single, "one observed label; little can be learned from it"),
        (constant, "one observed class; the prediction is constant"),
    ):
        if found:
            shown = ", ".join(repr(name) for name in found[:8])
            more = f" and {len(found) - 8} more" if len(found) > 8 else ""
            noun = "Task" if len(found) == 1 else f"{len(found)} tasks"
            warnings.warn(f"{noun} {shown}{more}: {text}.", UserWarning, stacklevel=5)
