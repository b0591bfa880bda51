"""Which tasks one estimator can learn as one, and how their labels and rows become one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from skmtl.compose._features import take_rows
from skmtl.compose._single_task import Single
from skmtl.compose._task_columns import TaskColumns
from skmtl.compose._task_labels import ALL_TOGETHER, TaskLabels
from skmtl.tasks import TASK_TYPES, Multiclass, Task
from skmtl.tasks._columns import match


@dataclass(eq=False)
class Pool:
    """Tasks learned as one: their positions, their common type, what was learned.

    ``task`` has the classes of all of them; ``priors`` are the class shares of each.
    """

    positions: np.ndarray
    task: Any
    columns: TaskColumns
    priors: list
    single: Any = None

    @classmethod
    def of(cls, positions: Any, problems: list[TaskLabels], how: Any) -> Self:
        """Pool the tasks at these positions."""
        members = [problems[t] for t in positions]
        task, priors = members[0].task, []
        if task.is_classification:
            priors = [p.task.prior(p.values, p.weights) for p in members]
            labels = np.unique(np.concatenate([p.task.classes_ for p in members]))
            if len(labels) > len(task.classes_):
                task = Multiclass()
                task.classes_ = labels
        columns = TaskColumns([p.name for p in members], how)
        return cls(np.array(positions, dtype=np.intp), task, columns, priors)

    def fit(self, X: Any, problems: list[TaskLabels], estimator: Any) -> Self:
        """Learn from all labels below each other."""
        members = [problems[t] for t in self.positions]
        values = [p.values for p in members]
        if self.task.is_classification:
            values = [self._places(p.task)[p.values.astype(np.intp)] for p in members]
        rows = np.concatenate([p.rows for p in members])
        index = np.repeat(np.arange(len(members)), [len(p.rows) for p in members])
        stacked = TaskLabels(
            self.task,
            members[0].name if len(members) == 1 else ALL_TOGETHER,
            np.arange(len(rows)),
            np.concatenate(values).astype(np.float64),
            np.concatenate([p.weights for p in members]),
        )
        if stacked.constant is None:
            X = self.columns.fit_append(take_rows(X, rows), index, estimator)
        self.single = Single.fit(estimator, X, stacked)
        return self

    def ask(self, question: Any, X: Any, index: Any) -> Any:
        """`Single.expected` or `Single.decide` of rows of the tasks ``index``."""
        if self.single.estimator is not None:
            X = self.columns.append(X, index)
        return question(self.single, X)

    def expected(self, X: Any, tasks: Any) -> Any:
        """Expected values or probabilities per task (wide), with the classes of that task only."""
        expected = self._ask_each(Single.expected, X)
        if not self.task.is_classification:
            return expected
        return [
            _restrict(of_task, self._places(task), prior)
            for of_task, task, prior in zip(expected, tasks, self.priors, strict=True)
        ]

    def decisions(self, X: Any, tasks: Any, expected: Any = None) -> Any:
        """One prediction per task (wide): what the estimator says, if the task has such a class."""
        if not self.task.is_classification:
            expected = self.expected(X, tasks) if expected is None else expected
            return [task.decode(of_task) for task, of_task in zip(tasks, expected, strict=True)]
        decided = self._ask_each(Single.decide, X)
        is_own = [
            match(task.classes_, found) >= 0 for task, found in zip(tasks, decided, strict=True)
        ]
        decided = [
            found.astype(task.classes_.dtype) for task, found in zip(tasks, decided, strict=True)
        ]
        if all(own.all() for own in is_own):
            return decided
        expected = self.expected(X, tasks) if expected is None else expected
        return [
            np.where(own, found, task.decode(of_task))
            for own, found, task, of_task in zip(is_own, decided, tasks, expected, strict=True)
        ]

    def _ask_each(self, question: Any, X: Any) -> Any:
        n_tasks = len(self.positions)
        if self.columns.how is None:
            return [self.ask(question, X, None)] * n_tasks
        return [self.ask(question, X, np.full(X.shape[0], k)) for k in range(n_tasks)]

    def _places(self, task: Task) -> Any:
        """Positions of the classes of one task among those of all."""
        return np.searchsorted(self.task.classes_, task.classes_)


def _restrict(probability: Any, columns: Any, prior: Any) -> Any:
    """Probabilities given that the class is one of ``columns``; ``prior`` where none is likely."""
    if len(columns) == probability.shape[1]:
        return probability
    probability = probability[:, columns]
    total = probability.sum(axis=1, keepdims=True)
    return np.where(total > 0, probability / np.where(total > 0, total, 1.0), prior)


def find_pools(problems: list[TaskLabels]) -> Any:
    """Positions of tasks that one model can learn: the same type and, for classes, shared ones.

    Numbers come first, in the order of the registry. Tasks without labels are in none.
    """
    numbers: dict[Any, list[int]] = {}
    classes: dict[Any, list[int]] = {}
    for t, problem in enumerate(problems):
        if len(problem.rows):
            kind = classes if problem.task.is_classification else numbers
            kind.setdefault(problem.task.pool_key, []).append(t)
    place = {alias: position for position, alias in enumerate(TASK_TYPES)}
    parts = sorted(
        numbers.values(), key=lambda part: place.get(problems[part[0]].task.alias, len(place))
    )
    shared = [_sharing_classes(part, problems) for part in classes.values()]
    return parts + [part for of_key in shared for part in of_key]


def _sharing_classes(positions: Any, problems: list[TaskLabels]) -> Any:
    """Parts of the tasks that are linked by common classes."""
    parts: list[tuple[set[Any], list[int]]] = []
    for t in positions:
        labels, members = set(problems[t].task.classes_.tolist()), [t]
        apart = []
        for other_labels, others in parts:
            if labels & other_labels:
                labels, members = labels | other_labels, others + members
            else:
                apart.append((other_labels, others))
        parts = [*apart, (labels, members)]
    return sorted(sorted(members) for _, members in parts)
