"""Labels of one task, for an estimator that learns it by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import LabelWarning, name_tasks, warn
from skmtl.tasks import Task
from skmtl.tasks._rows import rows_by_task
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

ALL_TOGETHER = "all tasks together"


@dataclass(frozen=True, eq=False)
class TaskLabels:
    """Labels of one task: ``values`` are encoded, every weight is positive."""

    task: Any
    name: Any
    rows: np.ndarray
    values: np.ndarray
    weights: np.ndarray

    @classmethod
    def of_rows(cls, task: Task, name: Any, rows: Any, values: Array, weights: Array) -> Self:
        """Keep the observed ones of ``rows``."""
        rows = rows[weights[rows] > 0]
        return cls(task, name, rows, values[rows], weights[rows])

    @property
    def constant(self) -> Any:
        """The only possible expected value; None where there is something to learn."""
        return self.task.only_expected(self.values)


def split(targets: Targets) -> list[Any]:
    """The `TaskLabels` of each task."""
    tasks = targets.tasks
    names = tasks.names.tolist()
    if targets.task_index is not None:
        by_task = rows_by_task(targets.task_index, tasks.n_tasks)
        return [
            TaskLabels.of_rows(tasks.tasks[0], name, rows, targets.values, targets.weights)
            for name, rows in zip(names, by_task, strict=True)
        ]
    everything = np.arange(len(targets.values))
    return [
        TaskLabels.of_rows(task, name, everything, values, weights)
        for name, (task, values, weights) in zip(names, targets.columns(), strict=True)
    ]


def all_rows_together(targets: Targets) -> Any:
    """The `TaskLabels` of all tasks as one (long form)."""
    everything = np.arange(len(targets.values))
    task = targets.tasks.tasks[0]
    return TaskLabels.of_rows(task, ALL_TOGETHER, everything, targets.values, targets.weights)


def check_single_numbers(names: Any, tasks: Any, what: str) -> None:
    """Raise for a task whose prediction is several numbers, where estimators predict one."""
    for name, task in zip(names, tasks, strict=False):
        if not task.is_classification and task.expected_shape not in ((), (1,)):
            raise ValueError(
                f"Task {name!r} is {task.alias} with {task.expected_shape[0]} levels, but "
                f"{what} takes one number as what is predicted of a task. Declare one level, such "
                "as Quantile(0.5), or use MultiTaskLinear or MultiTaskMLP."
            )


def warn_of_single_classes(labels: list[TaskLabels]) -> None:
    """Warn of single classes that reading y could not see: in long form, or declared classes."""
    single = [
        of_task.name
        for of_task in labels
        if np.ndim(of_task.constant) and len(of_task.rows) > 1 and of_task.task.n_outputs_
    ]
    if single:
        warn(f"{name_tasks(single)}: one observed class; the prediction is constant.", LabelWarning)
