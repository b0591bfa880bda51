"""From what the user says of the tasks to one task type a column."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._aliases import did_you_mean
from skmtl._shown import shown
from skmtl.tasks._base import Task
from skmtl.tasks._binary import Binary
from skmtl.tasks._by_name import by_task
from skmtl.tasks._columns import Column
from skmtl.tasks._count import Count
from skmtl.tasks._multiclass import Multiclass
from skmtl.tasks._regression import Regression

TASK_TYPES: dict[str, type[Task]] = {
    task.alias: task for task in (Regression, Binary, Multiclass, Count)
}
KINDS = ("any", "regression", "classification")


def resolve_tasks(
    declared: Any,
    columns: Sequence[Column],
    weights: Sequence[NDArray[Any]],
    names: Sequence[Hashable],
    kind: str = "any",
) -> list[Task]:
    """One unfitted task type for each column.

    ``declared`` is "auto", an alias or `Task` for all columns, a sequence with one entry a
    column, or a mapping from names; "auto" entries and names left out are inferred.
    """
    tasks = []
    for entry, column, weight, name in zip(
        spread(declared, names), columns, weights, names, strict=True
    ):
        task = _infer(column, weight, kind) if is_auto(entry) else _as_task(entry, name)
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


def spread(declared: Any, names: Sequence[Hashable]) -> list[Any]:
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
        f"tasks={declared!r}; expected 'auto', a task type, a list with one entry a task, "
        "or a dict {task name: type}."
    )


def is_auto(entry: Any) -> bool:
    """Whether the labels decide the type."""
    return isinstance(entry, str) and entry == "auto"


def _as_task(entry: Any, name: Hashable) -> Task:
    if isinstance(entry, Task):
        return clone(entry)
    if isinstance(entry, str) and entry in TASK_TYPES:
        return TASK_TYPES[entry]()
    raise ValueError(
        f"Task {name!r}: unknown task type {entry!r}; expected one of "
        f"{['auto', *TASK_TYPES]} or an object such as Regression(loss='huber')."
        f"{did_you_mean(entry, ['auto', *TASK_TYPES])}"
    )


def _infer(column: Column, weight: NDArray[Any], kind: str) -> Task:
    """Bool, string, category or all in {0, 1}: classes. Other numbers: regression."""
    labels = column.labels[weight > 0]
    if kind == "regression":
        return Regression()
    are_classes = (
        kind == "classification"
        or column.is_categorical
        or (len(labels) > 0 and not column.is_numeric)
        or (len(labels) > 0 and bool(np.isin(labels, (0, 1)).all()))
        or (len(labels) == 0 and column.labels.dtype.kind == "b")
    )
    if not are_classes:
        return Regression()
    n_classes = len(np.unique(labels)) if len(labels) else len(column.categories)
    return Binary() if n_classes <= 2 else Multiclass()
