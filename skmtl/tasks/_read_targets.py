"""Reading y for the first time, when the tasks are found.

``y`` in any form goes in, a `Targets` of float64 values and weights comes out. A weight of 0
means unobserved, whatever the value beside it; everything behind this door multiplies by it.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import LabelWarning, name_tasks, warn
from skmtl.tasks._base import Task
from skmtl.tasks._class_weight import declare_class_weight
from skmtl.tasks._columns import Column
from skmtl.tasks._declared_classes import declare_classes
from skmtl.tasks._features import read_task_index
from skmtl.tasks._labels import Labels, read_labels, titles_of
from skmtl.tasks._number import NumberTask, fit_beside
from skmtl.tasks._plain_numbers import read_plain_numbers
from skmtl.tasks._resolve import entry_per_task, is_auto
from skmtl.tasks._slips import warn_of_minus_one, warn_of_texts, warn_of_whole_numbers
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet, is_mixed, stack_columns

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
    shape_varies: bool = False,
    classes: Any = None,
    class_weight: Any = None,
    estimator_name: str = "estimator",
) -> Targets:
    """Read y for the first time: find the tasks, their types and classes, and warn.

    ``standardize`` is True, False, or "mixed": regression targets are standardised only where
    there is more than one task type. ``about_zero``: that is, scaled but not moved, for a model
    without intercepts. ``shape_varies``: thresholds and scales of likelihoods are raw scores, too.
    ``classes`` are those of `partial_fit`. ``class_weight`` is for tasks with classes
    that have none of their own.
    """
    if y is None:
        raise ValueError(
            f"This {estimator_name} estimator requires y to be passed, but the target y is None"
        )
    is_long = task_column is not None
    is_plain = not is_long and sample_weight is None and classes is None and class_weight is None
    if is_plain and not standardize and not shape_varies:
        plain = read_plain_numbers(y, declared, kind)
        if plain is not None:
            return plain
    of_y = ["y"] if is_long else None
    labels = read_labels(y, sample_weight, of_y, declared=declared, is_long=is_long)
    if is_long:
        check_long(labels, task_column)
    if not any((weight > 0).any() for weight in labels.weights):
        raise ValueError("y has no observed label: every one is missing or has weight zero.")
    tasks = _types(labels, declared, kind, classes, is_long=is_long)
    declare_class_weight(tasks, class_weight, None if is_long else labels.task_names)
    if standardize == "mixed":
        standardize = is_mixed(tasks)
    standardize = "about_zero" if standardize and about_zero else bool(standardize)
    titles = ["y"] if is_long else titles_of(y, labels.is_1d, labels.task_names)
    values, weights = _fit_tasks(tasks, labels, titles, standardize)
    if not is_long and kind == "any" and any(column.is_string for column in labels.columns):
        declared_of = entry_per_task(declared, labels.task_names)
        warn_of_texts(tasks, labels, [is_auto(entry) for entry in declared_of])
    if shape_varies:
        for task in tasks:
            task.let_shape_vary()
    if is_long:
        names, index = read_task_index(task_column)
        _warn_of_fractions(names)
        n_labels = np.bincount(index, weights[0] > 0, len(names)).astype(np.int64)
    else:
        names, index = names_of_columns(labels), None
        n_labels = np.array([task.n_labels_ for task in tasks])
    task_set = TaskSet(tuple(tasks), names, n_labels, is_long, labels.is_1d)
    warn_of_few(task_set, names.tolist() if is_long else titles)
    return Targets(task_set, *stack_columns(values, weights, labels.is_1d), index)


def _warn_of_fractions(names: Array) -> None:
    """Warn of names of tasks that a scaler or an encoder may have made."""
    if names.dtype.kind == "f" and len(broken := names[names != np.floor(names)]):
        warn(
            f"The task feature holds numbers that are not whole, {broken[0]:g} for example: each "
            "counts as a task. If a step before has scaled or encoded that column, let it through "
            "as it is: ('passthrough', [name]) in a ColumnTransformer."
        )


def check_long(labels: Labels, task_column: Any) -> None:
    """Raise where labels cannot be those of the rows of a task feature."""
    labels.check_long()
    if len(task_column) != labels.n_rows:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: X has "
            f"{len(task_column)} rows, y has {labels.n_rows}."
        )


def _types(labels: Labels, declared: Any, kind: str, classes: Any, *, is_long: bool) -> list[Task]:
    """An unfitted task type for each column, with the classes of `partial_fit`."""
    if is_long:
        _refuse_types_by_task(declared)
    tasks = labels.types(declared, kind, is_long=is_long)
    names = ["y"] if is_long else labels.task_names
    are_free = [is_auto(entry) for entry in entry_per_task(declared, names)]
    if classes is not None:
        are_free = [is_free and kind != "regression" for is_free in are_free]
        declare_classes(tasks, classes, names, are_free)
    elif labels.is_1d and kind == "any" and are_free[0]:
        warn_of_whole_numbers(tasks[0], labels.columns[0], labels.weights[0])
    elif kind == "any":
        warn_of_minus_one(tasks, labels, are_free)
    return tasks


def _refuse_types_by_task(declared: Any) -> None:
    """Raise for types by the names of tasks, which in long form all have one."""
    if isinstance(declared, Mapping) and set(declared) - {"y"}:
        one = next(iter(declared.values()))
        raise ValueError(
            f"tasks={declared!r} names tasks. In long form all tasks have one type, that of y: "
            f"give it by itself, as in tasks={one!r}."
        )


def _fit_tasks(
    tasks: Sequence[Task], labels: Labels, titles: Sequence[Hashable], standardize: bool | str
) -> tuple[list[Array], list[Array]]:
    """Fit the types to their columns: encoded values, and weights with those of the classes."""
    columns, weights = labels.columns, list(labels.weights)
    values: list[Any] = [None] * len(tasks)
    # A hundred tasks of numbers take hardly longer than one.
    beside = [t for t, task in enumerate(tasks) if _fits_beside(task, columns[t], titles[t])]
    if beside:
        some: list[Any] = [[of_all[t] for t in beside] for of_all in (tasks, columns, weights)]
        for t, encoded in zip(beside, fit_beside(*some, standardize=standardize), strict=True):
            values[t] = encoded
    for t, (task, column, name) in enumerate(zip(tasks, columns, titles, strict=True)):
        if values[t] is None:
            task.fit(column, weights[t], name, standardize=standardize)
            values[t] = task.encode(column, name)
            weights[t] = weights[t] * task.label_weight(values[t])
    return values, weights


def _fits_beside(task: Any, column: Column, name: Hashable) -> bool:
    """Whether a task, its options checked, is fitted with others in one go."""
    if not isinstance(task, NumberTask) or not column.is_numeric or not task.fits_beside_others:
        return False
    task._check_options(name)
    return True


def names_of_columns(labels: Labels) -> Array:
    """Names as an array: of objects where y has any, else 0, 1, ..."""
    names = np.empty(len(labels.columns), dtype=np.int64 if labels.names is None else object)
    names[:] = labels.task_names
    return names


def warn_of_few(tasks: TaskSet, names: Sequence[Hashable]) -> None:
    """Warn of tasks from which little or nothing can be learned."""
    counts = tasks.n_labels.tolist()
    none, single = (
        [name for name, count in zip(names, counts, strict=True) if count == n] for n in (0, 1)
    )
    if tasks.is_long:
        # What the tasks share is there for those of few rows.
        single = []
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
