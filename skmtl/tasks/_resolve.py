"""From what the user says of the tasks to one task type per column."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._aliases import did_you_mean, how_to_take, registry
from skmtl._shown import shown
from skmtl.tasks._base import Task
from skmtl.tasks._by_name import by_task
from skmtl.tasks._class_labels import look_like_classes
from skmtl.tasks._columns import Column
from skmtl.tasks._event_columns import hold_event


def resolve_tasks(
    declared: Any,
    columns: Sequence[Column],
    weights: Sequence[NDArray[Any]],
    names: Sequence[Hashable],
    kind: str = "any",
) -> list[Task]:
    """One unfitted task type for each column.

    ``declared`` is "auto", an alias or `Task` for all columns, a sequence with one entry per
    column, or a mapping from names; "auto" entries and names left out are inferred.
    """
    tasks = []
    for entry, column, weight, name in zip(
        entry_per_task(declared, names), columns, weights, names, strict=True
    ):
        task = _infer(column, weight, kind) if is_auto(entry) else _as_task(entry, name)
        check_times(task, column, name)
        hold_event(task, column, name)
        if kind == "regression" and task.is_classification:
            raise ValueError(
                f"Task {name!r} is declared {task.alias}, but this estimator reads every task "
                "as regression; use the estimator for any task types instead."
            )
        if kind == "classification" and not task.is_classification:
            raise ValueError(
                f"Task {name!r} is declared {task.alias}, but this estimator reads every task "
                "as classification; use the estimator for any task types instead."
            )
        tasks.append(task)
    return tasks


def check_times(task: Task, column: Column, name: Hashable) -> None:
    """Raise where labels are pairs of event and time, and the task is of another type."""
    if column.are_times and not task.has_times:
        raise ValueError(
            f"Task {name!r} is {task.alias}, but its labels are pairs of an event (bool) and a "
            "time. Declare it 'survival' in tasks=, or give the two fields as columns of their own."
        )


def entry_per_task(declared: Any, names: Sequence[Hashable]) -> list[Any]:
    """What is declared of each task."""
    if isinstance(declared, str | Task):
        return [declared] * len(names)
    declared = by_task(declared, names, "tasks", default="auto")
    if hasattr(declared, "to_list") or isinstance(declared, Sequence | np.ndarray):
        if len(declared) != len(names):
            raise ValueError(
                f"tasks declares {len(declared)} tasks, but y has {len(names)}: {shown(names)}."
            )
        return list(declared)
    raise ValueError(
        f"tasks={declared!r}; expected 'auto', a task type, a list with one entry per task, "
        f"or a dict {{task name: type}}.{how_to_take('tasks', declared)}"
    )


def is_auto(entry: Any) -> bool:
    """Whether the labels decide the type."""
    return isinstance(entry, str) and entry == "auto"


def _as_task(entry: Any, name: Hashable) -> Task:
    if isinstance(entry, Task):
        return clone(entry)
    types = registry("tasks")
    if isinstance(entry, str) and entry in types:
        return types[entry]()
    raise ValueError(
        f"Task {name!r}: unknown task type {entry!r}; expected one of "
        f"{['auto', *types]} or an object such as Regression(loss='huber')."
        f"{did_you_mean(entry, ['auto', *types])}{how_to_take('tasks', entry)}"
    )


def _infer(column: Column, weight: NDArray[Any], kind: str) -> Task:
    """Pairs of event and time: survival. Bool, string, category or all in {0, 1}: classes."""
    used, types = weight > 0, registry("tasks").values()
    labels = column.labels if used.all() else column.labels[used]
    if column.are_times:
        return next(t for t in types if t.has_times)()
    are_classes = kind != "regression" and (
        kind == "classification" or look_like_classes(column, labels)
    )
    return next(t for t in types if t.suits(column, labels, are_classes))()
