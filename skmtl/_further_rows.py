"""Rows of a stream after the first: their labels, for tasks that are known, or may become so."""

from __future__ import annotations

import copy
from collections.abc import Hashable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._features import check_rows
from skmtl._shown import shown
from skmtl.tasks import Task, UnseenLabelError
from skmtl.tasks._columns import Column
from skmtl.tasks._features import read_task_index
from skmtl.tasks._survival_task import SurvivalTask
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


def read_more(
    estimator: Any,
    X: Any,
    y: Any,
    task_column: Array | None,
    sample_weight: Any,
    *,
    tasks: TaskSet | None = None,
    standardize: bool | str = True,
    admits_tasks: bool = False,
) -> Targets:
    """Labels of further rows as `Targets` of the estimator's tasks.

    Parameters
    ----------
    estimator : estimator
        After its first call.
    X, y, task_column, sample_weight
        Further rows, with the column of X that names their tasks in long form.
    tasks : TaskSet, default=None
        Tasks as they were after the call before, by default those that the estimator predicts.
    standardize : bool or str, default=True
        How the labels of a task that had none are standardised; see `read_targets`.
    admits_tasks : bool, default=False
        Whether in long form there may be tasks that were not there before.

    Raises
    ------
    ValueError
        If y has other tasks, or a label or a task that the first fit did not know.
    """
    tasks = estimator._task_set if tasks is None else tasks
    if task_column is not None:
        if admits_tasks:
            tasks = with_tasks_of(tasks, task_column)
        else:
            _refuse_unknown(estimator, estimator._task_index(task_column))
    try:
        targets = tasks.read(y, task_column=task_column, sample_weight=sample_weight)
    except UnseenLabelError as error:
        raise UnseenLabelError(
            f"{error} The first call decides: declare all classes there, "
            "partial_fit(X, y, classes=...), or in tasks=[Multiclass(classes=...)]."
        ) from None
    check_rows(X, targets)
    return admit(targets, standardize=standardize)


def with_tasks_of(tasks: TaskSet, task_column: Array) -> TaskSet:
    """Long form: the tasks, and those that a task feature names beside them, without labels."""
    names, _ = read_task_index(task_column)
    if (names.dtype.kind == "O") != (tasks.names.dtype.kind == "O"):
        raise ValueError(
            f"The task feature names tasks {shown(names.tolist())}, but those so far are "
            f"{shown(tasks.names.tolist())}: write all of them as numbers, or as strings."
        )
    return with_names(tasks, names)


def with_names(tasks: TaskSet, names: Array) -> TaskSet:
    """Long form: the tasks, and others with these names, without labels; sorted by name."""
    every = np.unique(np.concatenate([tasks.names, names]))
    if len(every) == tasks.n_tasks:
        return tasks
    n_labels = np.zeros(len(every), dtype=tasks.n_labels.dtype)
    n_labels[np.searchsorted(every, tasks.names)] = tasks.n_labels
    return replace(tasks, names=every, n_labels=n_labels)


def _refuse_unknown(estimator: Any, index: Array) -> None:
    if (index < 0).any():
        raise ValueError(
            f"The task feature names tasks that the first call did not have, in "
            f"{int((index < 0).sum())} rows; it had {estimator._task_set.n_tasks} tasks."
        )


def admit(targets: Targets, *, standardize: bool | str = True) -> Targets:
    """Count the new labels, weigh classes, and meet tasks that had no label before."""
    tasks = targets.tasks
    # Copies that are written to column by column.
    targets = replace(targets, values=targets.values.copy(), weights=targets.weights.copy())
    known = []
    for name, (task, values, weights) in zip(tasks._column_names, targets.columns(), strict=True):
        column = Column(values, weights > 0)
        _refuse_first_event(task, name, values[weights > 0])
        task = copy.copy(task)
        if not task.n_labels_ and not task.is_classification:
            # Location and scale are those of the first labels that arrive.
            task.fit(column, weights, name, standardize=standardize)
            values[:] = task.encode(column, name)
        else:
            task.n_labels_ += int(column.observed.sum())
        weights *= task.label_weight(values)
        known.append(task)
    new = targets.sum_by_task((targets.weights > 0).astype(float))
    n_labels = tasks.n_labels + new.astype(tasks.n_labels.dtype)
    return replace(targets, tasks=replace(tasks, tasks=tuple(known), n_labels=n_labels))


def _refuse_first_event(task: Task, name: Hashable, labels: Array) -> None:
    """Raise for an event of a task that had none before: its prediction would stay NaN."""
    if isinstance(task, SurvivalTask) and not task.n_outputs_ and task.has_event(labels):
        raise ValueError(
            f"Task {name!r} is {task!r} and had no event in the calls before, from which it could "
            "have been learned: it has no place in the model. Begin with rows that have an event "
            "of every such task, a label > 0, or call fit with all rows."
        )


def refuse_chunks(tasks: TaskSet) -> None:
    """Raise for losses that want to see all rows at once."""
    for task, name in zip(tasks.tasks, tasks.names.tolist(), strict=False):
        if task.sees_rows:
            raise ValueError(
                f"Task {name!r} is {task}: who is at risk in the rows of other calls partial_fit "
                "does not know. Call fit with all rows, or declare Survival('weibull') or "
                "DiscreteHazards()."
            )
