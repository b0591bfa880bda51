"""What members expect of rows that they were not fitted to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.compose._stack_fits import Done, Job, Workshop
from skmtl.compose._stack_members import Member
from skmtl.model_selection._folds import N_SPLITS, is_number, read_folds, spread_folds
from skmtl.model_selection._strata import strata_of
from skmtl.tasks._targets import Targets

Array = NDArray[Any]
Expected = list[Array]


class Fold(NamedTuple):
    """Training and test rows, and the tasks that the training rows have a label of."""

    train: Array
    test: Array
    taught: Array

    @classmethod
    def of(cls, targets: Targets, train: Array, test: Array) -> Fold:
        """In long form the test rows are those of the tasks that are taught."""
        n_tasks, index = targets.tasks.n_tasks, targets.task_index
        observed: Array = targets.weights[train] > 0
        if index is None:
            by_task: Array = observed.reshape(len(train), n_tasks)
            return cls(train, test, np.flatnonzero(by_task.any(axis=0)))
        taught = np.unique(index[train][observed])
        return cls(train, test[np.isin(index[test], taught)], taught)


def make_folds(cv: Any, X: Any, y: Any, targets: Targets) -> list[Fold]:
    """The folds that ``cv`` stands for: a number, a splitter (of X and y as given), or rows.

    A number has at most as many folds as there are rows; of one row there is none.
    """
    if not is_number(cv):
        pairs = read_folds(cv, X, y, strata=lambda: strata_of(targets))
    else:
        n_splits = min(N_SPLITS if cv is None else int(cv), len(targets.weights))
        tasks = targets.tasks
        # A task without labels has no say in the folds.
        seen = targets if tasks.is_long else targets.select(np.flatnonzero(tasks.n_labels > 0))
        pairs = spread_folds(strata_of(seen), n_splits) if n_splits > 1 else []
    folds = [Fold.of(targets, train, test) for train, test in pairs]
    return [fold for fold in folds if len(fold.taught) and len(fold.test)]


def hold_out(
    members: list[Member], folds: list[Fold], workshop: Workshop
) -> tuple[list[Expected], list[Done]]:
    """What each member expects of held-out rows, NaN where it was not asked; and what failed.

    Where a row is held out several times it is the mean.
    """
    is_long = workshop.targets.tasks.is_long
    jobs = []
    for member in members:
        for fold in folds:
            tasks = np.intersect1d(member.tasks, fold.taught)
            if len(tasks):
                jobs.append(Job(member, tasks, fold.train, fold.test))
    done = workshop.do(jobs)
    means = {id(member): _Mean(workshop.targets) for member in members}
    for d in done:
        if d.error is None:
            columns = [0] if is_long else d.job.tasks
            means[id(d.job.member)].add(d.job.test, columns, d.expected)
    return [means[id(member)].value() for member in members], [d for d in done if d.error]


def hold_out_constant(targets: Targets, folds: list[Fold]) -> Expected:
    """The best constant of the training rows, for held-out rows; NaN for all others."""
    mean = _Mean(targets)
    for fold in folds:
        for k, column in enumerate(targets.take(fold.train).columns()):
            used = column.weights > 0
            if used.any():
                prior = column.task.prior(column.values[used], column.weights[used])
                mean.add(fold.test, [k], [prior])
    return mean.value()


def only_held_out(targets: Targets, constant: Expected) -> Targets:
    """The labels of rows that a model was asked of which did not see them."""
    asked = [np.isfinite(c.reshape(len(c), -1)).all(axis=1) for c in constant]
    shape = targets.weights.shape
    return replace(targets, weights=targets.weights * np.column_stack(asked).reshape(shape))


class _Mean:
    """Mean of what is said of the rows, one array per column of y."""

    def __init__(self, targets: Targets) -> None:
        n_rows = len(targets.weights)
        self.sums = [
            np.zeros_like(task.expected_without_labels(n_rows)) for task in targets.tasks.tasks
        ]
        self.times = [np.zeros(n_rows, dtype=np.intp) for _ in self.sums]

    def add(self, rows: Any, columns: Any, expected: Any) -> None:
        for k, found in zip(columns, expected, strict=True):
            self.sums[k][rows] += found
            self.times[k][rows] += 1

    def value(self) -> Expected:
        means = []
        for total, times in zip(self.sums, self.times, strict=True):
            by_row = times.reshape(-1, *[1] * (total.ndim - 1))
            means.append(np.where(by_row > 0, total / np.maximum(by_row, 1), np.nan))
        return means
