"""The model of one task in a chain, and what it tells the models that come after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.compose._features import append_columns, as_features, take_rows
from skmtl.compose._single_task import Single
from skmtl.compose._task_labels import TaskLabels

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Told:
    """Features (n, n_columns) that the prediction of one task is for others, and their names."""

    columns: np.ndarray
    names: list


@dataclass(frozen=True, eq=False)
class ChainLink:
    """A fitted model of one task; ``tells`` whether other tasks can learn from it."""

    single: Single
    tells: bool

    @classmethod
    def fit(cls, problem: TaskLabels, X: Any, template: Any) -> Self:
        """Learn the task from the rows that have its label."""
        return cls(Single.fit(template, X, problem), is_learnable(problem))

    def told(self, expected: Array) -> Any:
        """What the expected values say to other tasks."""
        if not self.tells:
            return Told(np.empty((len(expected), 0)), [])
        name = f"prediction of {self.single.name}"
        return Told(*as_features(self.single.task, expected, name))

    def told_in_training(self, problem: TaskLabels, X: Any, template: Any, cv: Any) -> Any:
        """`told` for the rows of `fit`.

        A row with a label has what models say that did not see it, or the label itself (cv is
        None); one without has what this model says, as new rows will.
        """
        if not self.tells:
            return self.told(np.empty(X.shape[0]))
        own = (
            problem.task.certain(problem.values)
            if cv is None
            else out_of_fold(problem, X, template, cv)
        )
        expected = np.empty((X.shape[0], *own.shape[1:]))
        expected[problem.rows] = own
        others = np.setdiff1d(np.arange(X.shape[0]), problem.rows)
        if len(others):
            expected[others] = self.single.expected(take_rows(X, others))
        return self.told(expected)


def is_learnable(problem: TaskLabels) -> bool:
    """Whether predictions differ between rows, and part of the labels can be held out."""
    return problem.constant is None and len(problem.rows) > 1


def out_of_fold(problem: TaskLabels, X: Any, template: Any, cv: Any) -> Any:
    """What is expected of each labelled row by a model fitted to the other `ChainFolds`."""
    expected = np.full_like(problem.task.certain(problem.values), np.nan)
    times = np.zeros(len(problem.rows), dtype=np.intp)
    for train, test in cv.of(problem):
        rows, values, weights = (a[train] for a in (problem.rows, problem.values, problem.weights))
        if not len(rows):
            raise ValueError(f"cv={cv!r} has a fold without labels of task {problem.name!r}.")
        part = TaskLabels(problem.task, problem.name, rows, values, weights)
        held_out = take_rows(X, problem.rows[test])
        expected[test] = Single.fit(template, X, part).expected(held_out)
        times[test] += 1
    if not (times == 1).all():
        raise ValueError(
            f"cv={cv!r} predicts {int((times != 1).sum())} labels of task {problem.name!r} not "
            "exactly once; expected test folds that are a partition, as those of KFold."
        )
    return expected


def augment(X: Any, told: Any) -> Any:
    """Append what earlier models said."""
    told = [part for part in told if part.names]
    if not told:
        return X
    names = [name for part in told for name in part.names]
    return append_columns(X, np.hstack([part.columns for part in told]), names)
