"""What there is to score: labels and predictions, task by task."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skmtl.metrics._keys import score_keys
from skmtl.tasks import Task
from skmtl.tasks._reading import read_task_column, split_task_feature
from skmtl.tasks._rows import rows_by_task


@dataclass(frozen=True, eq=False)
class Part:
    """One task in new data.

    ``expected`` are expected values or class probabilities, ``values`` encoded labels, ``labels``
    the same as the user wrote them; ``weight`` is 0 where unobserved; ``rows`` are positions
    in the data. ``decide()`` are the labels that `predict` gives.
    """

    key: str
    name: Hashable
    task: Task
    expected: np.ndarray
    values: np.ndarray
    weight: np.ndarray
    decide: Callable[[], np.ndarray]
    labels: np.ndarray
    rows: np.ndarray

    def take(self, rows, key, name):
        """Some of the rows: those of one task."""
        return Part(
            key,
            name,
            self.task,
            *(a[rows] for a in (self.expected, self.values, self.weight)),
            lambda: self.decide()[rows],
            self.labels[rows],
            self.rows[rows],
        )


def read_parts(estimator, X, y, sample_weight: Any = None):
    """One `Part` for each task of the fitted ``estimator``.

    A label whose class was unknown in `fit` stays: its value is ``UNSEEN``. In long form, tasks
    unknown in `fit` follow the known ones.
    """
    targets, columns = estimator._scored_targets(X, y, sample_weight, unseen="miss")
    labels, rows = _labels(targets.tasks, y, sample_weight), np.arange(len(targets.values))
    if not targets.tasks.is_long:
        names = targets.tasks.names.tolist()
        tasks = zip(score_keys(names), names, columns, labels, strict=True)
        return [Part(key, name, *column, own, rows) for key, name, column, own in tasks]
    everything = Part("y", "y", *columns[0], labels[0], rows)
    names, index = _with_unknown(targets, X, estimator.task_feature)
    tasks = zip(rows_by_task(index, len(names)), score_keys(names), names, strict=True)
    return [everything.take(*task) for task in tasks]


def _labels(tasks, y, sample_weight):
    """Labels as the user wrote them, in the order of the tasks."""
    return [column.labels for column, _ in tasks.columns(y, sample_weight)]


def _with_unknown(targets, X, task_feature):
    """Task names, those unknown in `fit` appended, and the position of each row's."""
    names, index = targets.tasks.names.tolist(), targets.task_index
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
