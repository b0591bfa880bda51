"""Models that did not see some of the labels, and what they say of those."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.compose._features import take_rows
from skmtl.compose._meta import expected_of
from skmtl.compose._stack_fits import Job, Workshop
from skmtl.compose._stack_folds import Fold
from skmtl.compose._stack_members import read_members
from skmtl.tasks._counts import numbers_of_labels
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet
from skmtl.uncertainty._bands import Band, band_of, scale_of

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

    def say(self, X: Any, task_index: Array | None, expected: Any = None) -> list[Any]:
        """For each column of y a `Band`, or probabilities; NaN, or None, for tasks not known."""
        if task_index is None:
            types = [self.tasks.tasks[t] for t in self.taught]
            said: list[Any] = [None] * len(self.tasks.tasks)
            for t, answer in zip(self.taught, self._ask(X, types, expected), strict=True):
                said[t] = answer
            return said
        known = np.flatnonzero(np.isin(task_index, self.taught))
        task, n_rows = self.tasks.tasks[0], len(task_index)
        nothing = np.full(task.expected_without_labels(n_rows).shape, np.nan)
        whole = self._judge(task, nothing, None)
        if len(known):
            put_rows(whole, known, self._ask(take_rows(X, known), [task], expected)[0])
        return [whole]

    def _ask(self, X: Any, types: list[Any], expected: Any) -> list[Any]:
        """What is said of the tasks that are known, of these types."""
        if expected is None:
            expected = expected_of(self.estimator, X, types, is_long=self.tasks.is_long)
        scales = scale_of(self.estimator, X, len(types), self.style[1])
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


def fit_models(
    given: Any, workshop: Workshop, folds: Sequence[Fold | None], style: LevelsAndScore
) -> list[tuple[Model, Any]]:
    """A model for each fold, with what is expected of its test rows; None stands for all rows."""
    tasks = workshop.targets.tasks
    # One that fails for a task raises, whichever it is.
    member = replace(read_members([("estimator", given)], tasks)[0], is_apart=False)
    jobs = [
        Job(member, member.tasks)
        if fold is None
        else Job(member, np.intersect1d(member.tasks, fold.taught), fold.train, fold.test)
        for fold in folds
    ]
    found = []
    for done in workshop.do(jobs):
        if done.error is not None:
            raise done.error
        found.append((Model(tasks, done.job.tasks, done.estimator, style), done.expected))
    return found


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The labels of a column of y by models that did not see them.

    Attributes
    ----------
    rows, of_task, model : ndarray of shape (n,)
        Row and task of each label, and the model that speaks of it.
    values, weights : ndarray of shape (n,)
        Numbers in the units of y, or codes of classes; and how many labels each stands for.
    said : Band or ndarray of shape (n, n_classes)
        What the models say.
    factor : ndarray of shape (n_tasks,)
        How many labels a weight of 1 stands for.
    """

    rows: Array
    of_task: Array
    model: Array
    values: Array
    weights: Array
    said: Any
    factor: Array


def fit_and_hold_out(
    given: Any, workshop: Workshop, folds: list[Fold], style: LevelsAndScore, *, is_split: bool
) -> tuple[FittedModels, list[HeldOut]]:
    """The models of all folds and what predicts, and the labels that were held out."""
    # With a fold that is the only one, its model is all there is.
    alone = [] if is_split and folds else [None]
    # All rows first: what is wrong with them is said of all.
    fitted = fit_models(given, workshop, [*alone, *folds], style)
    of_folds = fitted[len(alone) :]
    models = FittedModels(fitted[0][0], [model for model, _ in of_folds])
    return models, hold_out(workshop.X, workshop.targets, folds, of_folds)


def hold_out(
    X: Any, targets: Targets, folds: Sequence[Fold], fitted: Sequence[tuple[Model, Any]]
) -> list[HeldOut]:
    """What models say of the labels of their folds: an entry for each column of y."""
    heard = [
        model.say(take_rows(X, fold.test), _index_of(targets, fold.test), expected)
        for fold, (model, expected) in zip(folds, fitted, strict=True)
    ]
    counted, factor = _count(targets, folds)
    found = []
    for k, (task, values, weights) in enumerate(counted.columns()):
        parts = []
        for m, (fold, said) in enumerate(zip(folds, heard, strict=True)):
            used = np.flatnonzero(weights[fold.test] > 0)
            if said[k] is not None and len(used):
                parts.append((fold.test[used], np.full(len(used), m), some_rows(said[k], used)))
        rows = np.concatenate([np.zeros(0, dtype=np.intp), *(part[0] for part in parts)])
        index = targets.task_index
        found.append(
            HeldOut(
                rows,
                np.full(len(rows), k) if index is None else index[rows],
                np.concatenate([np.zeros(0, dtype=np.intp), *(part[1] for part in parts)]),
                task.labels(values[rows]) if not task.is_classification else values[rows],
                weights[rows],
                _joined([part[2] for part in parts], task),
                factor,
            )
        )
    return found


def _count(targets: Targets, folds: Sequence[Fold]) -> tuple[Targets, Array]:
    """Targets of the held-out labels, weighted by how many each stands for; and the factor.

    Weights of classes are for what is learned: what a set covers are labels as they come.
    """
    held_out = np.zeros(len(targets.weights), dtype=bool)
    for fold in folds:
        held_out[fold.test] = True
    weights = np.zeros_like(targets.weights)
    by_column = weights.reshape(len(weights), -1)
    for k, (task, values, of_column) in enumerate(targets.columns()):
        own = of_column / np.where(of_column > 0, task.label_weight(values), 1.0)
        by_column[:, k] = np.where(held_out, own, 0.0)
    given = replace(targets, weights=weights)
    counted = replace(targets, weights=numbers_of_labels(given).reshape(weights.shape))
    total = given.sum_by_task(weights)
    factor = counted.sum_by_task(counted.weights) / np.where(total > 0, total, 1.0)
    return counted, factor


def _index_of(targets: Targets, rows: Array) -> Array | None:
    return None if targets.task_index is None else targets.task_index[rows]


FIELDS = "low", "high", "scale"


def put_rows(whole: Any, rows: Array, part: Any) -> None:
    """Write what is said of some rows into what is said of all."""
    if isinstance(whole, Band):
        for name in FIELDS:
            getattr(whole, name)[rows] = getattr(part, name)
    else:
        whole[rows] = part


def some_rows(said: Any, rows: Array) -> Any:
    """What is said of some of the rows."""
    return said.take(rows) if isinstance(said, Band) else said[rows]


def _joined(said: list[Any], task: Any) -> Any:
    if task.is_classification:
        return np.concatenate(said) if said else np.zeros((0, len(task.classes_)))
    parts = [[getattr(part, name) for part in said] for name in FIELDS]
    return Band(*(np.concatenate([np.zeros(0), *part]) for part in parts))
