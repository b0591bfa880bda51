"""Labels of one task, for an estimator that learns it by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skmtl._warnings import LabelWarning, name_tasks, warn
from skmtl.tasks._rows import rows_by_task

ALL_TOGETHER = "all tasks together"


@dataclass(frozen=True, eq=False)
class TaskLabels:
    """Labels of one task: ``values`` are encoded, every weight is positive."""

    task: object
    name: object
    rows: np.ndarray
    values: np.ndarray
    weights: np.ndarray

    @classmethod
    def of_rows(cls, task, name, rows, values, weights):
        """Keep the observed ones of ``rows``."""
        rows = rows[weights[rows] > 0]
        return cls(task, name, rows, values[rows], weights[rows])

    @property
    def constant(self):
        """The only possible expected value; None where there is something to learn."""
        return self.task.only_expected(self.values)


def split(targets):
    """The `TaskLabels` of each task."""
    tasks = targets.tasks
    names = tasks.names.tolist()
    if tasks.is_long:
        return [
            TaskLabels.of_rows(tasks.tasks[0], name, rows, targets.values, targets.weights)
            for name, rows in zip(
                names, rows_by_task(targets.task_index, tasks.n_tasks), strict=True
            )
        ]
    everything = np.arange(len(targets.values))
    return [
        TaskLabels.of_rows(task, name, everything, values, weights)
        for name, (task, values, weights) in zip(names, targets.columns(), strict=True)
    ]


def all_rows_together(targets):
    """The `TaskLabels` of all tasks as one (long form)."""
    everything = np.arange(len(targets.values))
    task = targets.tasks.tasks[0]
    return TaskLabels.of_rows(task, ALL_TOGETHER, everything, targets.values, targets.weights)


def warn_of_single_classes(labels):
    """Warn of single classes that reading y could not see: in long form, or declared classes."""
    single = [
        of_task.name
        for of_task in labels
        if np.ndim(of_task.constant) and len(of_task.rows) > 1 and of_task.task.n_outputs_
    ]
    if single:
        warn(f"{name_tasks(single)}: one observed class; the prediction is constant.", LabelWarning)
