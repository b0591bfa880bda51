"""Calibration of the columns of y: those that can learn from each other share a map."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._cross_fitting import each_part
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet
from skmtl.uncertainty._calibration_map import CalibrationMap, Held
from skmtl.uncertainty._choices import Choices
from skmtl.uncertainty._held_out import only_known

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Pool:
    """Columns of y with the same choices, and their map."""

    columns: list[int]
    choices: list[Choices]
    map: CalibrationMap

    def apply(self, expected: Array, column: int, task_index: Array | None) -> Array:
        """Calibrated class probabilities of rows."""
        at = self.columns.index(column)
        choices = self.choices[at]
        task = np.full(len(expected), at) if task_index is None else task_index
        of_rows = np.repeat(task, choices.per_row)
        return choices.join(self.map(choices.split(expected), of_rows))


@dataclass(frozen=True, eq=False)
class Calibration:
    """Maps of the columns of y with classes; the others stay."""

    pools: list[Pool]

    def slopes(self, tasks: TaskSet) -> Array:
        """Slopes of the tasks (n_tasks,), NaN for those that stay as they are."""
        found = np.full(tasks.n_tasks, np.nan)
        for pool in self.pools:
            found[slice(None) if tasks.is_long else pool.columns] = pool.map.scaling.slopes
        return found

    def __call__(self, expected: list[Array], task_index: Array | None) -> list[Array]:
        """What becomes of predictions."""
        found = list(expected)
        for pool in self.pools:
            for k in pool.columns:
                found[k] = pool.apply(expected[k], k, task_index)
        return found


def fit_calibration(
    expected: list[Array], targets: Targets, counts: Array, part: Array, method: str
) -> tuple[Calibration, list[Array]]:
    """The maps, and what maps that did not see a row make of it, for every column of y.

    ``expected`` is that of held-out rows, ``counts`` (n_samples, n_columns) are how many labels
    each weight stands for. Rows of a ``part`` (n_samples,) stay together: a map has to hold for a
    model that it was not learned of.
    """
    calibrated = [column.copy() for column in expected]
    pools = []
    for columns in _alike(targets, counts):
        choices = [Choices.of(targets.tasks.tasks[k]) for k in columns]
        held = _gather(columns, choices, expected, targets, counts, part)
        n_tasks = targets.tasks.n_tasks if targets.tasks.is_long else len(columns)
        pool = Pool(columns, choices, CalibrationMap.fit(held, n_tasks, method))
        pools.append(pool)
        for mine, _ in each_part(part):
            without = replace(pool, map=pool.map.without_part(held, part[mine[0]]))
            index = None if targets.task_index is None else targets.task_index[mine]
            for k in columns:
                calibrated[k][mine] = without.apply(expected[k][mine], k, index)
    return Calibration(pools), calibrated


def _alike(targets: Targets, counts: Array) -> list[list[int]]:
    """Columns of y with classes, those together that can have maps that are alike."""
    by_key: dict[Any, list[int]] = {}
    for k, (task, values, _) in enumerate(targets.columns()):
        # Of one class there is nothing to tell it from.
        if task.is_classification and len(np.unique(values[counts[:, k] > 0])) > 1:
            by_key.setdefault(Choices.of(task).key, []).append(k)
    return list(by_key.values())


def _gather(
    columns: list[int],
    choices: list[Choices],
    expected: list[Array],
    targets: Targets,
    counts: Array,
    part: Array,
) -> Held:
    """The labels of all columns, one below the other."""
    found = []
    of_columns = targets.columns()
    for at, (k, of_task) in enumerate(zip(columns, choices, strict=True)):
        rows, n = only_known(expected[k], counts[:, k]), of_task.per_row
        index = np.full(len(rows), at) if targets.task_index is None else targets.task_index[rows]
        found.append(
            (
                of_task.split(expected[k][rows]),
                of_task.codes(of_columns[k].values[rows]),
                np.repeat(counts[rows, k] / n, n),
                np.repeat(index, n),
                np.repeat(part[rows], n),
            )
        )
    return Held(*(np.concatenate(of_all) for of_all in zip(*found, strict=True)))
