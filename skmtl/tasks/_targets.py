"""Reading y for the first time, when the tasks are found.

``y`` in any form goes in, a `Targets` of float64 values and weights comes out. A weight of 0
means unobserved, whatever the value beside it; everything behind this door multiplies by it.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import LabelWarning, name_tasks, warn
from skmtl.tasks._base import Task
from skmtl.tasks._binary import Binary
from skmtl.tasks._columns import read_column
from skmtl.tasks._multiclass import Multiclass
from skmtl.tasks._reading import observed_weights, read_y, stack_columns
from skmtl.tasks._resolve import is_auto, resolve_tasks, spread
from skmtl.tasks._task_set import Targets, TaskSet

Array = NDArray[Any]


def read_targets(
    y: Any,
    *,
    declared: Any = "auto",
    kind: str = "any",
    task_column: Any = None,
    sample_weight: Any = None,
    standardize: bool | str = False,
    about_zero: bool = False,
    classes: Any = None,
    estimator_name: str = "estimator",
) -> Targets:
    """Read y for the first time: find the tasks, their types and classes, and warn.

    ``standardize`` is True, False, or "mixed": regression targets are standardised only where
    there is more than one task type. ``about_zero``: that is, scaled but not moved, for a model
    without intercepts. ``classes`` are those of `partial_fit`.
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
    if is_long and len(task_column) != len(columns[0].labels):
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: X has "
            f"{len(task_column)} rows, y has {len(columns[0].labels)}."
        )
    labels: list[Hashable] = list(range(len(columns)))
    if names is not None and not is_long:
        labels = names
    weights = observed_weights(columns, sample_weight, is_1d)
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
    standardize = "about_zero" if standardize and about_zero else bool(standardize)
    values = []
    for t, (task, column, name) in enumerate(zip(tasks, columns, task_names, strict=True)):
        task.fit(column, weights[t], name, standardize=standardize)
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
    return Targets(task_set, *stack_columns(values, weights, is_1d), index)


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
            warn(f"{name_tasks(found)}: {text}.", LabelWarning)
