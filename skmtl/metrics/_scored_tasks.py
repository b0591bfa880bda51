"""What there is to score in new data: labels and predictions of every task."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skmtl._scored_columns import ScoredColumn, scored_columns
from skmtl.metrics._keys import score_keys
from skmtl.metrics._views import UNKNOWN
from skmtl.tasks._class_labels import look_like_classes
from skmtl.tasks._features import read_task_column, split_task_feature
from skmtl.tasks._resolve import is_auto
from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._targets import Targets


@dataclass(frozen=True, eq=False)
class ScoredTask:
    """One task in new data.

    ``column`` are its labels beside what is predicted, ``labels`` the labels as the user wrote
    them, ``rows`` the positions of both in the data. ``guessed`` is for a task whose type was to
    be read from labels, of which `fit` had none: the family that those here are of.
    """

    key: str
    name: Hashable
    column: ScoredColumn
    labels: np.ndarray
    rows: np.ndarray
    guessed: str | None = None

    @property
    def weight(self) -> Any:
        """Weight of each label, 0 where unobserved."""
        return self.column.weight

    @property
    def task_type(self) -> Any:
        """Class of the task."""
        return type(self.column.task)


def read_scored_tasks(estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> list[Any]:
    """One `ScoredTask` for each task of the fitted ``estimator``.

    A label whose class was unknown in `fit` stays: its value is ``UNSEEN``. In long form, tasks
    unknown in `fit` follow the known ones.
    """
    return read_scored_targets(estimator, X, y, sample_weight)[1]


def read_scored_targets(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None
) -> tuple[Targets, list[ScoredTask]]:
    """The `Targets` of y, too, of which `rescored` predicts again."""
    targets, columns = estimator._scored_targets(X, y, sample_weight, unseen="miss")
    return targets, _scored_tasks(estimator, X, y, sample_weight, targets, columns)


def rescored(estimator: Any, X: Any, targets: Targets, tasks: list[ScoredTask]) -> list[ScoredTask]:
    """The same labels beside what is predicted for other features, of the same tasks."""
    X, _ = estimator._read_X(X, reset=False)
    columns = scored_columns(estimator, X, targets)
    if targets.tasks.is_long:
        return [replace(task, column=columns[0].take(task.rows)) for task in tasks]
    return [replace(task, column=own) for task, own in zip(tasks, columns, strict=True)]


def _scored_tasks(
    estimator: Any, X: Any, y: Any, sample_weight: Any, targets: Targets, columns: Any
) -> list[ScoredTask]:
    read = targets.tasks.labels_in(y, sample_weight)
    labels, rows = [column.labels for column, _ in read], np.arange(len(targets.values))
    if not targets.tasks.is_long:
        names, guesses = targets.tasks.names.tolist(), _guess(estimator, targets.tasks, read)
        tasks = zip(score_keys(names), names, columns, labels, guesses, strict=True)
        return [
            ScoredTask(key, name, column, own, rows, guess)
            for key, name, column, own, guess in tasks
        ]
    names, index = _with_unknown(targets, X, estimator.task_feature)
    return [
        ScoredTask(key, name, columns[0].take(own), labels[0][own], rows[own])
        for key, name, own in zip(
            score_keys(names), names, rows_by_task(index, len(names)), strict=True
        )
    ]


def _guess(estimator: Any, tasks: Any, read: Any) -> list[str | None]:
    """What family tasks without labels in `fit` would be of, by their columns and weights here."""
    guesses: list[str | None] = [None] * tasks.n_tasks
    for t in np.flatnonzero(tasks.n_labels == 0).tolist():
        if estimator._kind == "any" and is_auto(_declared(estimator, t, tasks.names[t])):
            column, weight = read[t]
            labels = column.labels[weight > 0]
            is_class = look_like_classes(column, labels)
            guesses[t] = "classification" if is_class else "regression" if len(labels) else UNKNOWN
    return guesses


def _declared(estimator: Any, position: int, name: Hashable) -> Any:
    declared = getattr(estimator, "tasks", "auto")
    if isinstance(declared, Mapping):
        return declared.get(name, "auto")
    if isinstance(declared, list | tuple):
        return declared[position] if position < len(declared) else None
    return declared


def _with_unknown(targets: Targets, X: Any, task_feature: Any) -> Any:
    """Task names, those unknown in `fit` appended, and the position of each row's."""
    index: Any = targets.task_index
    names = targets.tasks.names.tolist()
    unknown = index < 0
    if not unknown.any():
        return names, index
    column = read_task_column(split_task_feature(X, task_feature)[1])
    # A row whose task is missing belongs to no task: it stays at -1.
    unknown = unknown & column.observed
    new, position = np.unique(column.labels[unknown], return_inverse=True)
    index = index.copy()
    index[unknown] = len(names) + position
    return names + new.tolist(), index
