"""What a model says of the observed labels of every task."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skmtl._innermost import unwrap
from skmtl.inspection._intervals import intervals_of
from skmtl.metrics._scored_tasks import read_scored_tasks
from skmtl.tasks import Task
from skmtl.tasks._columns import match


@dataclass(frozen=True, eq=False)
class TaskPredictions:
    """Predictions of one task for n of its labels.

    ``rows`` are positions in the data, ``labels`` as the user wrote them, ``expected`` expected
    values (n,) or class probabilities (n, n_classes), ``loss`` the deviance of each, ``decided``
    the labels that `predict` gives, ``interval`` (n, 2) those of `COVERAGE` where the estimator has
    them.
    """

    task: Task
    rows: np.ndarray
    labels: np.ndarray
    weight: np.ndarray
    expected: np.ndarray
    loss: np.ndarray
    decided: np.ndarray
    interval: np.ndarray | None = None


def read_predictions(estimator, X, y, sample_weight: Any = None):
    """`TaskPredictions` by name of the task, without labels that have no weight."""
    final, X = unwrap(estimator, X)
    tasks = read_scored_tasks(final, X, y, sample_weight)
    intervals = intervals_of(final, X)
    return {
        scored.name: _read(scored, scored.weight > 0, intervals and intervals(position))
        for position, scored in enumerate(tasks)
    }


def _read(scored, used, intervals):
    task, expected, values, weight, decide = scored.column.take(used)
    loss, rows = task.deviance(expected, values), scored.rows[used]
    has_some = intervals is not None and not (task.is_classification or task.has_times)
    interval = intervals[rows] if has_some else None
    return TaskPredictions(
        task, rows, scored.labels[used], weight, expected, loss, decide(), interval
    )


def join_folds(folds, task):
    """Those of several folds as one, sorted by row; a row that was met twice counts once.

    Probabilities have a column for each class of ``task``: 0 for one that a fold did not see.
    """
    rows, first = np.unique(np.concatenate([fold.rows for fold in folds]), return_index=True)
    by_fold = [
        _with_classes(fold, task) if task.is_classification else fold.expected for fold in folds
    ]
    labels, weight, expected, loss, decided = (
        np.concatenate(parts)[first]
        for parts in (
            [fold.labels for fold in folds],
            [fold.weight for fold in folds],
            by_fold,
            [fold.loss for fold in folds],
            [fold.decided for fold in folds],
        )
    )
    intervals = [fold.interval for fold in folds if fold.interval is not None]
    has_all = len(intervals) == len(folds)
    interval = np.concatenate(intervals)[first] if has_all else None
    return TaskPredictions(task, rows, labels, weight, expected, loss, decided, interval)


def _with_classes(fold, task):
    expected = np.zeros((len(fold.rows), len(task.classes_)))
    column = match(task.classes_, fold.task.classes_)
    expected[:, column[column >= 0]] = fold.expected[:, column >= 0]
    return expected
