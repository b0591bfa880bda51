"""Labels that are read as they stand, but are likely to mean something else: warnings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import name_tasks, warn
from skmtl.tasks._base import Task
from skmtl.tasks._columns import Column
from skmtl.tasks._labels import Labels

Array = NDArray[Any]

# As many labels of a kind as digits, grades or ratings have, each more often than by chance.
MOST_CLASSES, FEWEST_OF_EACH, FEWEST_ON_AVERAGE = 20, 2, 5

# Labels that are no, yes, and perhaps unknown.
KINDS = (-1, 0, 1)


def warn_of_whole_numbers(task: Task, column: Column, weight: Array) -> None:
    """Warn of labels read as numbers that may be meant as classes."""
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


def warn_of_minus_one(tasks: Sequence[Task], labels: Labels, are_free: Sequence[bool]) -> None:
    """Warn of -1, 0 and 1 that are read as numbers: -1 is often no number, but a gap or a class."""
    found = [
        name
        for task, name, column, weight, is_free in zip(
            tasks, labels.task_names, labels.columns, labels.weights, are_free, strict=True
        )
        if is_free
        and not (task.is_classification or task.has_times)
        and _has_minus_one(column, weight)
    ]
    if found:
        warn(
            f"{name_tasks(found)}: every label is -1, 0 or 1, and is read as a number. If -1 means "
            "missing, write NaN in its place. If they are classes, say so: "
            f"tasks={{{found[0]!r}: 'multiclass'}}. 'regression' there says that they are numbers."
        )


def _has_minus_one(column: Column, weight: Array) -> bool:
    """Whether labels are -1 and others of 0 and 1; of most columns the first few tell."""
    few = column.labels[:50][weight[:50] > 0]
    if len(few) and (few[0] not in KINDS or not np.isin(few, KINDS).all()):
        return False
    labels = column.labels[weight > 0]
    if not len(labels) or not np.isin(labels, KINDS).all():
        return False
    return bool(labels.min() == -1 < labels.max())


# As many classes as no task has that is meant to be learned, but names and numbers have.
MANY_CLASSES = 20


def warn_of_texts(tasks: Sequence[Task], labels: Labels, are_free: Sequence[bool]) -> None:
    """Warn of text that is read as classes, but is different in most rows, or numbers."""
    for task, name, column, is_free in zip(
        tasks, labels.task_names, labels.columns, are_free, strict=True
    ):
        classes: Sequence[Any] = getattr(task, "classes_", [])
        if not is_free or not column.is_string or len(classes) < MANY_CLASSES:
            continue
        told = f"Task {name!r}: {len(classes)} different labels are read as classes, such as "
        told += f"{classes[0]!r} and {classes[-1]!r}"
        if _are_numbers(classes):
            meant = "'multiclass'" if labels.is_1d else f"{{{name!r}: 'multiclass'}}"
            warn(
                f"{told}. If they are numbers, make them so, with pandas.to_numeric. tasks={meant} "
                "says that they are classes."
            )
        elif 2 * len(classes) > task.n_labels_:
            warn(
                f"{told}, of fewer than two rows each on average: little can be learned from that."
            )


def _are_numbers(texts: Sequence[str]) -> bool:
    try:
        return all(np.isfinite(float(text)) for text in texts)
    except ValueError:
        return False
