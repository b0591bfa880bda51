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
from skmtl.tasks._columns import Column
from skmtl.tasks._declared_classes import declare_classes
from skmtl.tasks._reading import read_task_column, read_weighted, stack_columns, titles_of
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
    is_long = task_column is not None
    columns, names, is_1d, weights = read_weighted(y, sample_weight, ["y"] if is_long else None)
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
    if not any((weight > 0).any() for weight in weights):
        raise ValueError("y has no observed label: every one is missing or has weight zero.")
    task_names: list[Hashable] = ["y"] if is_long else labels
    tasks = resolve_tasks(declared, columns, weights, task_names, kind)
    if classes is not None:
        are_free = [
            is_auto(entry) and kind != "regression" for entry in spread(declared, task_names)
        ]
        declare_classes(tasks, classes, task_names, are_free)
    elif is_1d and kind == "any" and is_auto(spread(declared, task_names)[0]):
        _warn_of_whole_numbers(tasks[0], columns[0], weights[0])
    if standardize == "mixed":
        standardize = len({type(task) for task in tasks}) > 1
    standardize = "about_zero" if standardize and about_zero else bool(standardize)
    values = []
    titles = task_names if is_long else titles_of(y, is_1d, labels)
    for t, (task, column, name) in enumerate(zip(tasks, columns, titles, strict=True)):
        task.fit(column, weights[t], name, standardize=standardize)
        values.append(task.encode(column, name))
        weights[t] = weights[t] * task.label_weight(values[-1])
    array, index = _names_and_index(task_column, labels, names is not None)
    if index is None:
        n_labels = np.array([task.n_labels_ for task in tasks])
    else:
        n_labels = np.bincount(index, weights[0] > 0, len(array)).astype(np.int64)
    task_set = TaskSet(tuple(tasks), array, n_labels, is_long, is_1d)
    _warn(task_set, array.tolist() if is_long else titles)
    return Targets(task_set, *stack_columns(values, weights, is_1d), index)


def _names_and_index(
    task_column: Any, labels: list[Hashable], has_names: bool
) -> tuple[Array, Array | None]:
    if task_column is None:
        names = np.empty(len(labels), dtype=object if has_names else np.int64)
        names[:] = labels
        return names, None
    column = read_task_column(task_column)
    if not column.observed.all():
        raise ValueError(
            f"The task feature is missing in {int((~column.observed).sum())} rows of X."
        )
    names, index = np.unique(column.labels, return_inverse=True)
    return names, index.astype(np.intp)


# As many labels of a kind as digits, grades or ratings have, each more often than by chance.
MOST_CLASSES, FEWEST_OF_EACH, FEWEST_ON_AVERAGE = 20, 2, 5


def _warn_of_whole_numbers(task: Task, column: Column, weight: Array) -> None:
    """Tell of labels read as numbers that may be meant as classes."""
    labels = column.labels[weight > 0]
    if task.is_classification or (labels != np.floor(labels)).any():
        return
    counts = np.unique(labels, return_counts=True)[1]
    if (
        2 <= len(counts) <= MOST_CLASSES
        and counts.min() >= FEWEST_OF_EACH
        and counts.mean() >= FEWEST_ON_AVERAGE
    ):
        warn(
            f"y has {len(counts)} different labels, all of them whole numbers, and is read as "
            "regression. If they are classes, say so: tasks='multiclass', or the estimator for "
            "classes only (...Classifier). tasks='regression' says that they are numbers."
        )


def _warn(tasks: TaskSet, names: Sequence[Hashable]) -> None:
    """Tell of tasks from which little or nothing can be learned."""
    counts = tasks.n_labels.tolist()
    none, single = (
        [name for name, count in zip(names, counts, strict=True) if count == n] for n in (0, 1)
    )
    # In long form all tasks have the classes of one column.
    types = tasks.tasks * tasks.n_tasks if tasks.is_long else tasks.tasks
    constant = [
        name
        for task, name, count in zip(types, names, counts, strict=True)
        if task.is_classification and count and not task.n_outputs_
    ]
    for found, text in (
        (none, "no observed label; the prediction is NaN or, for classes, uniform"),
        (single, "one observed label; little can be learned from it"),
        (constant, "one observed class; the prediction is constant"),
    ):
        if found:
            warn(f"{name_tasks(found)}: {text}.", LabelWarning)
