"""Tasks that come after `fit`, and tasks that go."""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy
from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from skmtl._features import check_rows
from skmtl._grown import AddedTask, Grown
from skmtl._later_task import LaterTask, read_later_task, with_task_column
from skmtl._likely_strengths import Labels
from skmtl._new_head import Head, fit_head
from skmtl._one_of_many import is_one_of_many, learn_one_of_many
from skmtl._shown import shown
from skmtl.tasks._base import Task
from skmtl.tasks._by_name import name_key
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

N_TURNS = 8
"""How often a head and what its likelihood learns beside it are found by turns: each halves what is
left of the error (measured: tests/oracles/references.json)."""

MOST_TASKS = 32
"""Tasks of long form whose functions a task that comes later is compared with: evenly spread."""


class GrowsTasks:
    """Mixin for estimators whose tasks have functions that a task that comes later may resemble."""

    _of_tasks: tuple[str, ...] = ("_task_set",)
    """Attributes of a fit that change with its tasks."""

    _has_units_of_y = True
    """Whether raw scores of numbers are in the units of y, not standardised."""

    _task_set: Any
    _read_X: Any
    _publish: Any
    task_feature: Any
    tasks: Any

    def add_task(
        self,
        X: Any,
        y: Any,
        name: Hashable | None = None,
        *,
        task: Any = "auto",
        sample_weight: Any = None,
    ) -> Self:
        """Learn a further task from few rows, and from what the tasks of `fit` have found.

        The functions of the other tasks are the prior of the new one: Gaussian, with their mean
        and their covariance, and as strong as the labels make likely. Nothing that was fitted
        changes, so that all other predictions stay the same, to the bit.

        Parameters
        ----------
        X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
            Features of rows of the new task. In long form with its name in the column of the task
            feature, or without that column.
        y : array-like of shape (n_samples,), or DataFrame with one column
            Labels of the new task; any may be missing.
        name : hashable, default=None
            Name of the task. By default that of the column or Series y, the value of the task
            feature, or the next number where tasks have no names.
        task : "auto" or task type, default="auto"
            Type of the task, as in the parameter ``tasks``, which it goes by if "auto". In long
            form all tasks have one type.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the labels.

        Returns
        -------
        self : object
            The estimator with one task more: the last column of predictions.

        Raises
        ------
        ValueError
            If there is a task of this name, no label, or a label that does not fit the type.

        Notes
        -----
        Attributes that speak of tasks have one more; those that tell of the fit, such as losses
        and scores of folds, stay as they are. ``fit`` and `clone` forget added tasks.
        """
        check_is_fitted(self)
        if self.task_feature is not None:
            X = with_task_column(self, X, name)
        X, task_column = self._read_X(X, reset=False)
        later = read_later_task(self, y, name, task, task_column, sample_weight)
        check_rows(X, later.targets)
        self._add(*self._learned(later, X))
        return self

    def drop_task(self, name: Hashable) -> Self:
        """Forget a task.

        Parameters
        ----------
        name : hashable
            Its name.

        Returns
        -------
        self : object
            The estimator with one task less. Predictions of the others stay the same, to the bit.

        Raises
        ------
        ValueError
            If there is no such task, or no other.
        """
        check_is_fitted(self)
        names = self._task_set.names.tolist()
        position = find_name(name, names)
        if position is None:
            raise ValueError(f"There is no task {name!r}; the tasks are {shown(names)}.")
        if len(names) == 1:
            raise ValueError(
                f"Task {name!r} is the only one, and an estimator has a task at least."
            )
        kept = np.delete(np.arange(len(names)), position)
        grown = self._grown_so_far()
        sources = tuple(grown.sources[t] for t in kept)
        tasks = self._task_set.take(kept)
        if tasks.is_long:
            of_all = copy(tasks.tasks[0])
            of_all.n_labels_ -= int(self._task_set.n_labels[position])
            tasks = replace(tasks, tasks=(of_all,))
        self._drop_rows(position)
        self._take_over(replace(grown, sources=sources), tasks)
        return self

    # What estimators say of themselves.

    def _scores(self, X: Any, task_index: Array | None) -> Array:
        """Raw scores (n, n_outputs) of the tasks of the fit."""
        raw: Array = self._raw(X, task_index)  # type: ignore[attr-defined]
        return raw

    def _representations(self, X: Any) -> list[Any]:
        """What coefficients of a task may be on, each (n, d)."""
        return []

    def _learn_head(self, labels: Labels, X: Any) -> Head:
        """The head of a task, by an estimator without added tasks.

        What the known tasks are to each other says nothing of it: what was learned for them serves
        them better than a task that it was not learned for. (Tox21, 20 labels: ROC-AUC rises from
        63.8 to 66.3 % without, and with ten of each class from 73.2 to 73.9 %; digits, 20 labels:
        from 91.4 to 92.4 %.)
        """
        scores, mean, _ = self._scores_of_tasks(X, labels.task)
        parts = [scores, *self._representations(X)]
        if is_one_of_many(self._task_set, labels):
            return self._in_span(labels, parts)
        return fit_head(labels, mean, parts)

    def _in_span(self, labels: Labels, parts: list[Any]) -> Head:
        """A task whose function is one more of those of the known tasks, whose scores come first.

        What a task has for itself, few labels do not tell from noise.
        """
        scale, n = self._scale_of_scores(labels.task), parts[0].shape[1]
        location = getattr(labels.task, "location_", 0.0) if self._has_units_of_y else 0.0
        coef, intercept = learn_one_of_many(
            labels, parts[0], scale * np.eye(n), np.full(n, -scale * location), has_own=False
        )
        nothing = [np.zeros((part.shape[1], 1)) for part in parts[1:]]
        return Head([coef[:, None], *nothing], np.array([intercept]), np.zeros(0))

    def _raw_of_heads(self, heads: list[Head], X: Any) -> list[Array]:
        """Raw scores (n, n_outputs) of each head, by an estimator without added tasks."""
        parts = [self._scores_of_tasks(X, None)[0], *self._representations(X)]
        return [head(parts) for head in heads]

    def _add_rows(self, position: int, head: Head) -> None:
        """Add to attributes with an entry for each task."""

    def _drop_rows(self, position: int) -> None:
        """Remove from attributes with an entry for each task."""

    # The rest.

    def _head_of(self, later: LaterTask, X: Any) -> Head:
        """What is learned from the rows with labels; nothing of a single class."""
        task, values, weights = later.targets.columns()[0]
        rows = np.flatnonzero(weights > 0)
        grown = vars(self).get("_grown")
        fitted = self if grown is None else grown.as_fitted(self)
        if not task.n_outputs_:
            return Head([], np.zeros(0), np.zeros(0))
        has_intercept = getattr(self, "fit_intercept", True)
        labels = Labels(task, values[rows], later.counts[rows], has_intercept)
        head: Head = fitted._learn_head(labels, X[rows])
        return head

    def _learned(self, later: LaterTask, X: Any) -> tuple[LaterTask, Head]:
        """The task with what its likelihood learns beside raw scores, and its head, by turns."""
        head, tasks = self._head_of(later, X), later.targets.tasks
        if self._task_set.is_long or not any(task.sees_rows for task in tasks.tasks):
            return later, head
        grown = vars(self).get("_grown")
        fitted = self if grown is None else grown.as_fitted(self)
        for turn in range(N_TURNS):
            (raw,) = fitted._raw_of_heads([head], X)
            targets = replace(later.targets, tasks=tasks.settled(raw, later.targets))
            later = replace(later, targets=targets)
            if turn < N_TURNS - 1:
                head = self._head_of(later, X)
        return later, head

    def _scores_of_tasks(self, X: Any, task: Task | None) -> tuple[Array, Array | None, Array]:
        """Raw scores (n, m) of the tasks of the fit, their mean (m, n_outputs), and whose they are.

        Only tasks of the same type as ``task`` have a mean, and classes only where they are the
        same.
        """
        tasks: TaskSet = self._task_set
        if tasks.is_long:
            return self._scores_long(X, task)
        scores = self._scores(X, None)
        columns: list[int] = []
        owners: list[int] = []
        alike: list[int] = []
        for t in self._tasks_of_scores():
            known, of_task = tasks.tasks[t], tasks.slices[t]
            is_alike = task is not None and known.loss_key == task.loss_key
            if is_alike and known.n_outputs_ - known.n_shapes <= 1:
                alike.append(len(columns))
            columns += range(of_task.start, of_task.stop)
            owners += [t] * known.n_outputs_
        mean = None
        if alike:
            mean = np.zeros((len(columns), 1))
            mean[alike] = self._scale_of_scores(task) / len(alike)
        return scores[:, np.array(columns, dtype=np.intp)], mean, np.array(owners)

    def _tasks_of_scores(self) -> Array:
        """Tasks from which something has been learned; of many in long form, some of them."""
        tasks: TaskSet = self._task_set
        known = np.flatnonzero(tasks.n_labels)
        if not tasks.is_long:
            return known[[tasks.tasks[t].n_outputs_ > 0 for t in known]]
        if len(known) > MOST_TASKS:
            known = known[np.linspace(0, len(known) - 1, MOST_TASKS).round().astype(int)]
        return known

    def _scores_long(self, X: Any, task: Task | None) -> tuple[Array, Array, Array]:
        """The same for tasks of one type, some of them if there are many."""
        tasks: TaskSet = self._task_set
        known = self._tasks_of_scores()
        n_rows, n_outputs = X.shape[0], tasks.n_outputs
        rows, index = np.repeat(np.arange(n_rows), len(known)), np.tile(known, n_rows)
        scores = self._scores(X[rows], index).reshape(n_rows, -1)
        n_scores = n_outputs - tasks.tasks[0].n_shapes if task is not None else n_outputs
        mean = np.tile(np.eye(n_outputs)[:, : max(n_scores, 1)], (len(known), 1)) / len(known)
        return scores, mean * self._scale_of_scores(task), np.repeat(known, n_outputs)

    def _scale_of_scores(self, task: Task | None) -> float:
        """Raw scores of a new task for those of others: theirs may be in the units of y."""
        return 1.0 / float(getattr(task, "scale_", 1.0)) if self._has_units_of_y else 1.0

    def _grown_so_far(self) -> Grown:
        grown: Grown | None = vars(self).get("_grown")
        if grown is not None:
            return grown
        state = {name: vars(self)[name] for name in self._of_tasks if name in vars(self)}
        return Grown(state, tuple(range(self._task_set.n_tasks)))

    def _add(self, later: LaterTask, head: Head) -> None:
        grown, tasks = self._grown_so_far(), self._task_set
        position = tasks.n_tasks
        if tasks.is_long:
            name = np.array(later.name, dtype=tasks.names.dtype)
            position = int(np.searchsorted(tasks.names, name))
        self._add_rows(position, head)
        sources = list(grown.sources)
        sources.insert(position, AddedTask(later.targets.tasks.tasks[0], head))
        self._take_over(replace(grown, sources=tuple(sources)), later.beside(tasks, position))

    def _take_over(self, grown: Grown, tasks: TaskSet) -> None:
        self._grown = grown
        self._publish(tasks)


def find_name(name: Hashable, names: list[Hashable]) -> int | None:
    """Position of a name; None if it is not there."""
    keys = [name_key(known) for known in names]
    key = name_key(name)
    return keys.index(key) if key in keys else None
