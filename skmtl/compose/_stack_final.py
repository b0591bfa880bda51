"""What makes one prediction of those of the members: shares, or an estimator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.compose._features import append_columns, as_features, take_rows
from skmtl.compose._single_task import Single
from skmtl.compose._tags import kind_of
from skmtl.compose._task_labels import ALL_TOGETHER, TaskLabels
from skmtl.tasks import Task
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Final:
    """An estimator of one column of y that learns from what the ``members`` expect of it."""

    single: Single
    members: list[str]

    @classmethod
    def fit(cls, template: Any, task: Task, name: Any, said: dict[str, Array], data: Any) -> Self:
        """Learn from the labelled rows of ``said``; ``data`` are X or None, labels and weights."""
        X, values, weights = data
        known = {member: column for member, column in said.items() if _is_whole(column, weights)}
        problem = TaskLabels.of_rows(task, name, np.arange(len(values)), values, weights)
        features = _features(task, known, list(known), X)
        return cls(Single.fit(template, features, problem), list(known))

    def expected(self, said: dict[str, Array], X: Any) -> Array:
        """Expected values or probabilities of new rows; NaN where a member expects NaN."""
        task = self.single.task
        features = _features(task, said, self.members, X)
        used = [said[member].reshape(len(said[member]), -1) for member in self.members]
        is_known = np.isfinite(np.hstack(used)).all(axis=1)
        if is_known.all():
            return np.asarray(self.single.expected(features))
        found = task.expected_without_labels(len(is_known)).astype(np.float64)
        rows = np.flatnonzero(is_known)
        if len(rows):
            found[rows] = self.single.expected(take_rows(features, rows))
        return found


def fit_finals(
    template: Any, said: dict[str, list[Array]], targets: Targets, X: Any
) -> list[Final | None]:
    """A `Final` for each column of y that the template is for; X is seen where it is not None."""
    finals: list[Final | None] = []
    names = [ALL_TOGETHER] if targets.tasks.is_long else targets.tasks.names.tolist()
    other = {"regressor": True, "classifier": False}.get(kind_of(template))
    for k, (task, values, weights) in enumerate(targets.columns()):
        if task.is_classification is other or not weights.any():
            finals.append(None)
            continue
        of_column = {member: columns[k] for member, columns in said.items()}
        finals.append(Final.fit(template, task, names[k], of_column, (X, values, weights)))
    return finals


def _is_whole(column: Array, weights: Array) -> bool:
    return bool(np.isfinite(column[weights > 0]).all())


def _features(task: Task, said: dict[str, Array], members: list[str], X: Any) -> Any:
    """One column per member, or one per class but the first of two; appended to X if there is."""
    told = [as_features(task, said[member], f"prediction of {member}") for member in members]
    added = np.hstack([columns for columns, _ in told])
    return added if X is None else append_columns(X, added, [n for _, names in told for n in names])
