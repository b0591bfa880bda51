"""What training is judged by: which rows are held out, and which loss decides."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._shown import shown
from skmtl.tasks._by_name import name_key
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

# Names of tasks that an error lists.
SHOWN = 10

NO_ROW = (
    "early_stopping=True needs rows for validation, but every one of the {} rows "
    "with labels holds the only label of a task or class that is left for training. "
    "Set early_stopping=False or give more rows."
)


def validation_split(
    targets: Targets, fraction: float, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Indices of training and of validation rows.

    One row with a label of each task (and of each class of a classification task) always
    stays in training; a task with a single label is therefore not validated.

    Raises
    ------
    ValueError
        If no row is left for validation.
    """
    n_rows = len(targets.values)
    order = rng.permutation(n_rows)
    needed = np.zeros(n_rows, dtype=bool)
    for labels in _groups(targets.take(order)):
        needed[order[_first_of_each(labels)]] = True
    free = order[~needed[order]]
    validation = free[: int(np.ceil(fraction * n_rows))]
    if not len(validation):
        raise ValueError(NO_ROW.format(n_rows))
    is_training = np.ones(n_rows, dtype=bool)
    is_training[validation] = False
    return np.flatnonzero(is_training), np.sort(validation)


def may_be_held_out(targets: Targets) -> Array:
    """Mask of `spare_rows`.

    Raises
    ------
    ValueError
        If there is none.
    """
    found = spare_rows(targets)
    if not found.any():
        raise ValueError(NO_ROW.format(len(found)))
    return found


def spare_rows(targets: Targets) -> Array:
    """Mask of the rows that hold the only label of no task or class."""
    found = np.ones(len(targets.values), dtype=bool)
    for labels in _groups(targets):
        group, first, counts = np.unique(labels, return_index=True, return_counts=True)
        found[first[(group >= 0) & (counts == 1)]] = False
    return found


def _groups(targets: Targets) -> Iterator[Array]:
    """For each column of y: a number for its task or class in each row, -1 where unobserved."""
    for task, values, weights in targets.columns():
        group = np.zeros(len(values)) if targets.task_index is None else targets.task_index
        if task.is_classification:
            group = group * len(task.classes_) + values
        yield np.where(weights > 0, group, -1)


def _first_of_each(labels: Array) -> Array:
    found, first = np.unique(labels, return_index=True)
    return first[found >= 0]


@dataclass
class Monitor:
    """One loss for each model from those of its tasks.

    Parameters
    ----------
    counts : ndarray of shape (n_tasks,)
        Weights of the tasks; those of weight 0, and NaN losses, are left out.
    takes_worst : bool
        The largest of the losses, whatever their weights, instead of the weighted mean.
    """

    counts: Array
    takes_worst: bool = False

    def __post_init__(self) -> None:
        self.total = self.counts.sum()
        self.takes_all = bool((self.counts > 0).all()) and not self.takes_worst

    def __call__(self, losses: Array) -> Array:
        """From (n_models, n_tasks) to (n_models,)."""
        if self.takes_all and not np.isnan(losses).any():
            mean: Array = losses @ self.counts / self.total
            return mean
        used = ~np.isnan(losses) & (self.counts > 0)
        if self.takes_worst:
            worst: Array = np.where(used, losses, -np.inf).max(axis=1)
            return worst
        total = (used * self.counts).sum(axis=1)
        weighted = np.where(used, losses, 0.0) @ self.counts
        return np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)


def read_monitor(
    monitor: Hashable, names: Array, counts: Array, can_judge: Array, *, rows: str = "in y"
) -> Monitor:
    """The `Monitor` of a parameter.

    Parameters
    ----------
    monitor : "mean", "worst" or name of a task
        The parameter.
    names : ndarray of shape (n_tasks,)
        Names of the tasks.
    counts : ndarray of shape (n_tasks,)
        Weights of the tasks in the mean.
    can_judge : ndarray of bool, shape (n_tasks,)
        Tasks with a loss that training can lower.
    rows : str, default="in y"
        Where the labels that judge are, in words.

    Raises
    ------
    ValueError
        If it names no task, or one that has nothing to judge by.
    """
    if isinstance(monitor, str) and monitor in {"mean", "worst"}:
        return Monitor(counts, takes_worst=monitor == "worst")
    place = {name_key(name): t for t, name in enumerate(names.tolist())}
    if name_key(monitor) not in place:
        raise ValueError(
            f"monitor={monitor!r}; expected 'mean', 'worst' or the name of a task, one of "
            f"{shown(names.tolist(), SHOWN)}."
        )
    task = place[name_key(monitor)]
    if not can_judge[task]:
        raise ValueError(
            f"monitor={monitor!r}: this task has no label {rows}, or one class only, so that its "
            f"loss says nothing; expected 'mean', 'worst' or one of "
            f"{shown(names[can_judge].tolist(), SHOWN)}."
        )
    alone = np.zeros(len(names))
    alone[task] = 1.0
    return Monitor(alone)
