"""What is predicted beside each label: what scores are made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing

from skmtl._warnings import UNSCORED, LabelWarning, warn_once
from skmtl.tasks._base import Array, Task
from skmtl.tasks._targets import Targets


class ScoredColumn(NamedTuple):
    """One column of y beside what is predicted for it.

    ``expected`` are expected values (n,) or class probabilities (n, n_classes), ``values`` encoded
    labels, ``weight`` is 0 where unobserved; ``decide()`` are the labels that `predict` gives.
    """

    task: Task
    expected: Array
    values: Array
    weight: Array
    decide: Callable[[], Array] | None = None

    def take(self, rows: Array) -> ScoredColumn:
        """Some of the rows."""
        decide = self.decide
        return ScoredColumn(
            self.task,
            self.expected[rows],
            self.values[rows],
            self.weight[rows],
            None if decide is None else (lambda: decide()[rows]),
        )


def scored_columns(estimator: Any, X: Any, targets: Targets) -> list[ScoredColumn]:
    """A `ScoredColumn` for each column of y; what cannot be predicted has weight 0."""
    expected, decisions = _predicted(estimator, X, targets)
    columns = []
    for t, ((task, values, weight), of_task) in enumerate(
        zip(targets.columns(), expected, strict=True)
    ):
        # A task without labels in fit predicts NaN: there is nothing to score.
        is_silent = np.isnan(of_task.reshape(len(of_task), -1)).any(axis=1)
        weight = np.where(is_silent, 0.0, weight)
        columns.append(ScoredColumn(task, of_task, values, weight, partial(_of_task, decisions, t)))
    return columns


def _of_task(decisions: Callable[[], Any], t: int) -> Array:
    found: Array = decisions()[t]
    return found


def _predicted(estimator: Any, X: Any, targets: Targets) -> tuple[list[Array], Callable[[], Any]]:
    """Expected values, and what gives the decisions; NaN, and any, for tasks unknown to `fit`."""
    index = targets.task_index
    if index is None or estimator.unknown_task == "shared" or (index >= 0).all():
        expected = estimator._expected(X, index)
        return expected, cache(lambda: estimator._decisions(X, index, expected))
    warn_of_unknown(index < 0, targets.weights > 0, estimator.task_feature)
    n_rows, rows, task = len(index), np.flatnonzero(index >= 0), targets.tasks.tasks[0]
    if not len(rows):
        nothing = np.full_like(task.expected_without_labels(n_rows), np.nan)
        return [nothing], lambda: [np.full(n_rows, np.nan)]
    X, index = _safe_indexing(X, rows), index[rows]
    known = estimator._expected(X, index)

    def decisions() -> list[Array]:
        found = estimator._decisions(X, index, known)
        return [_to_all_rows(column, rows, n_rows, column[0]) for column in found]

    expected = [_to_all_rows(of_task.astype(float), rows, n_rows, np.nan) for of_task in known]
    return expected, cache(decisions)


def _to_all_rows(found: Array, rows: Array, n_rows: int, fill: Any) -> Array:
    """What some rows have, for all; ``fill`` for the others."""
    whole = np.full((n_rows, *found.shape[1:]), fill, dtype=found.dtype)
    whole[rows] = found
    return whole


def warn_of_unknown(is_unknown: Array, is_label: Array, task_feature: Any) -> None:
    """Warn, once in a search, that labels of tasks without a row in `fit` do not count."""
    n_unknown, n_labels = int((is_unknown & is_label).sum()), int(is_label.sum())
    if not n_unknown:
        return
    told = (
        f"{n_unknown} of {n_labels} labels to score ({n_unknown / n_labels:.1%}) do not count: "
        "their tasks had no row in fit. "
    )
    shared = "unknown_task='shared' to score such rows by what the tasks share."
    place = "" if isinstance(task_feature, str) else " (its place in the X that is split)"
    blocks = (
        "Where rows are sorted by task, folds in their order hold whole tasks out: in a "
        f"cross-validation, give cv=MultiTaskKFold(5, task_feature={task_feature!r}){place}; or set"
    )
    # Of tasks that are new, or have few rows, some labels: nothing is wrong with the folds.
    is_much = 2 * n_unknown > n_labels
    category = UserWarning if is_much else LabelWarning
    warn_once(f"{told}{blocks if is_much else 'Set'} {shared}", category, key=UNSCORED)


def mean_scores(scores: Array) -> Array:
    """`mean_score` of each column of scores (n_tasks, m)."""
    defined = ~np.isnan(scores)
    total = np.where(defined, scores, 0.0).sum(axis=0)
    counts = defined.sum(axis=0)
    return np.divide(total, counts, out=np.full(len(total), np.nan), where=counts > 0)


def mean_score(scores: Any) -> float:
    """Mean over the tasks that have a score; NaN if none has."""
    scores = np.asarray(scores, dtype=float)
    defined = scores[~np.isnan(scores)]
    return float(defined.mean()) if len(defined) else float("nan")
