"""Reading labels for a fit that goes on: the tasks are those of the first one."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np

from skmtl._features import check_rows
from skmtl.tasks import UnseenLabelError
from skmtl.tasks._columns import Column


def read_more(estimator, X, y, task_column, sample_weight):
    """Labels of further rows as `Targets` of the estimator's tasks.

    Raises
    ------
    ValueError
        If y has other tasks, or a label or a task that the first fit did not know.
    """
    tasks = estimator._task_set
    if task_column is not None:
        _refuse_unknown(estimator, estimator._task_index(task_column))
    try:
        targets = tasks.read(y, task_column=task_column, sample_weight=sample_weight)
    except UnseenLabelError as error:
        raise UnseenLabelError(
            f"{error} The first call decides: declare all classes there, "
            "partial_fit(X, y, classes=...), or in tasks=[Multiclass(classes=...)]."
        ) from None
    check_rows(X, targets)
    return _admit(targets)


def _refuse_unknown(estimator, index):
    if (index < 0).any():
        raise ValueError(
            f"The task feature names tasks that the first call did not have, in "
            f"{int((index < 0).sum())} rows; it had {estimator._task_set.n_tasks} tasks."
        )


def _admit(targets):
    """Count the new labels, weigh classes, and meet tasks that had no label before."""
    tasks = targets.tasks
    values = targets.values.reshape(len(targets.values), -1).copy()
    weights = targets.weights.reshape(values.shape).copy()
    members = []
    for t, task in enumerate(tasks.tasks):
        column = Column(values[:, t], weights[:, t] > 0)
        member = copy.copy(task)
        if not task.n_labels_ and not task.is_classification:
            # Location and scale are those of the first labels that arrive.
            name = tasks._column_names[t]
            member.fit(column, weights[:, t], name, standardize=True)
            values[:, t] = member.encode(column, name)
        else:
            member.n_labels_ = task.n_labels_ + int(column.observed.sum())
        weights[:, t] *= member.label_weight(values[:, t])
        members.append(member)
    shape = targets.values.shape
    weights = weights.reshape(shape)
    counted = (weights > 0).astype(float)
    if targets.task_index is None:
        new = counted.reshape(len(counted), -1).sum(axis=0)
    else:
        new = np.bincount(targets.task_index, counted, tasks.n_tasks)
    task_set = replace(
        tasks, tasks=tuple(members), n_labels=tasks.n_labels + new.astype(tasks.n_labels.dtype)
    )
    return replace(targets, tasks=task_set, values=values.reshape(shape), weights=weights)
