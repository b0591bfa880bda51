"""Fitted models, and what they say of rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.compose._features import take_rows
from skmtl.compose._meta import expected_of
from skmtl.tasks._task_set import TaskSet
from skmtl.uncertainty._bands import FIELDS, Band, band_of, scale_of
from skmtl.uncertainty._learned_scale import LearnedScale

Array = NDArray[Any]

LevelsAndScore = tuple[float, str]


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted estimator, and the tasks that it was taught.

    ``style`` is the coverage by which levels of quantiles are chosen, and what scores go by.
    """

    tasks: TaskSet
    taught: Array
    estimator: Any
    style: LevelsAndScore
    scale: LearnedScale | None = None

    def say(self, X: Any, task_index: Array | None, expected: Any = None) -> list[Any]:
        """For each column of y a `Band`, or probabilities; NaN, or None, for tasks not known."""
        if task_index is None:
            columns = self.taught.tolist()
            said: list[Any] = [None] * len(self.tasks.tasks)
            for t, answer in zip(columns, self._ask(X, columns, expected), strict=True):
                said[t] = answer
            return said
        known = np.flatnonzero(np.isin(task_index, self.taught))
        task, n_rows = self.tasks.tasks[0], len(task_index)
        nothing = np.full(task.expected_without_labels(n_rows).shape, np.nan)
        whole = self._judge(task, nothing, None)
        if len(known):
            put_rows(whole, known, self._ask(take_rows(X, known), [0], expected)[0])
        return [whole]

    def guess(self, X: Any, expected: Any = None) -> Any:
        """What is said of rows whatever their tasks (long form)."""
        return self._ask(X, [0], expected)[0]

    def _ask(self, X: Any, columns: list[int], expected: Any) -> list[Any]:
        """What is said of columns of y that are known."""
        types = [self.tasks.tasks[k] for k in columns]
        if expected is None:
            expected = expected_of(self.estimator, X, types, is_long=self.tasks.is_long)
        if self.scale is None:
            scales = scale_of(self.estimator, X, len(types), self.style[1])
        else:
            scales = self.scale.of(X, columns)
        return [self._judge(*parts) for parts in zip(types, expected, scales, strict=True)]

    def _judge(self, task: Any, expected: Array, scale: Any) -> Any:
        return expected if task.is_classification else band_of(task, expected, scale, *self.style)


@dataclass(frozen=True, eq=False)
class FittedModels:
    """What predicts, ``final``, and the models that held labels out; of "split" they are one."""

    final: Model
    models: list[Model]

    def predict(self, X: Any, ask: Any) -> list[Any]:
        """What predicts answers for each column of y; None for tasks that it was not taught.

        ``ask`` gets the estimator, X and the task types.
        """
        tasks, estimator = self.final.tasks, self.final.estimator
        if tasks.is_long:
            return list(ask(estimator, X, tasks.tasks))
        found: list[Any] = [None] * tasks.n_tasks
        types = [tasks.tasks[t] for t in self.final.taught]
        for t, answer in zip(self.final.taught, ask(estimator, X, types), strict=True):
            found[t] = answer
        return found

    def say(self, X: Any, task_index: Array | None) -> list[list[Any]]:
        """What each model says of each column of y."""
        return [model.say(X, task_index) for model in self.models]

    @cached_property
    def _knows(self) -> Array:
        n_tasks = self.final.tasks.n_tasks
        return np.array([np.isin(np.arange(n_tasks), model.taught) for model in self.models])

    def that_know(self, task: int) -> Array:
        """Positions of the models that were taught a task; of an unknown one, -1, none."""
        if task < 0 or not self.models:
            return np.zeros(0, dtype=np.intp)
        return np.flatnonzero(self._knows[:, task])


def put_rows(whole: Any, rows: Array, part: Any) -> None:
    """Write what is said of some rows into what is said of all."""
    if isinstance(whole, Band):
        for name in FIELDS:
            getattr(whole, name)[rows] = getattr(part, name)
    else:
        whole[rows] = part
