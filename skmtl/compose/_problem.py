"""Labels of one task, for an estimator that learns it by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skmtl._warnings import LabelWarning, name_tasks, warn
from skmtl.tasks._count import Count
from skmtl.tasks._rows import rows_by_task

ALL_TOGETHER = "all tasks together"


@dataclass(frozen=True, eq=False)
class Problem:
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
        if not self.task.is_classification:
            # All counts zero: a log link has no finite coefficients for that.
            only_zeros = isinstance(self.task, Count) and not self.values.any()
            return np.nan if not len(self.rows) else 0.0 if only_zeros else None
        codes = np.unique(self.values)
        if len(codes) == 0:
            return expected_of_constant(self.task, 1)[0]
        return np.eye(len(self.task.classes_))[int(codes[0])] if len(codes) == 1 else None


def expected_of_constant(task, n_rows):
    """What a task without labels predicts: NaN, or all its classes alike."""
    if not task.is_classification:
        return np.full(n_rows, np.nan)
    n_classes = len(task.classes_)
    return np.full((n_rows, n_classes), 1.0 / n_classes)


def split(targets):
    """One `Problem` a task."""
    tasks = targets.tasks
    names = tasks.names.tolist()
    if tasks.is_long:
        return [
            Problem.of_rows(tasks.tasks[0], name, rows, targets.values, targets.weights)
            for name, rows in zip(
                names, rows_by_task(targets.task_index, tasks.n_tasks), strict=True
            )
        ]
    everything = np.arange(len(targets.values))
    values, weights = (a.reshape(len(a), -1).T for a in (targets.values, targets.weights))
    return [
        Problem.of_rows(task, name, everything, values[t], weights[t])
        for t, (task, name) in enumerate(zip(tasks.tasks, names, strict=True))
    ]


def all_rows_together(targets):
    """The `Problem` of all tasks as one (long form)."""
    everything = np.arange(len(targets.values))
    task = targets.tasks.tasks[0]
    return Problem.of_rows(task, ALL_TOGETHER, everything, targets.values, targets.weights)


def warn_of_single_classes(problems):
    """Tell of single classes that reading y could not see: in long form, or declared classes."""
    single = [
        problem.name
        for problem in problems
        if np.ndim(problem.constant) and len(problem.rows) > 1 and problem.task.n_outputs_
    ]
    if single:
        warn(f"{name_tasks(single)}: one observed class; the prediction is constant.", LabelWarning)
