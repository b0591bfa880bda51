"""How well rows of a stream are predicted before anything is learned from them.

A model that is asked first and taught afterwards is tested on data that it has never seen, all of
them, in their order: where the relations drift, its errors rise (A. P. Dawid, "Statistical theory:
the prequential approach", JRSS A 147, 1984; J. Gama, R. Sebastiao and P. P. Rodrigues, "On
evaluating stream learning algorithms", Machine Learning 90, 2013).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import _safe_indexing

from skmtl.tasks._columns import match
from skmtl.tasks._targets import Targets

Array = NDArray[Any]
History = dict[str, Array]

FIRST = ("deviance", "score")
"""What is known of a chunk from the second on."""

OF_STREAMS = ("n_rows", "n_labels", *FIRST)
"""What there is of every chunk."""


def history_of(estimator: Any, X: Any, targets: Targets, before: History) -> History:
    """The history with one more chunk, that the estimator has not learned from.

    Parameters
    ----------
    estimator : estimator
        As it was before the chunk; without a fit it predicts nothing.
    X : ndarray or sparse matrix
        Features of the chunk.
    targets : Targets
        Its labels; in long form maybe of tasks that the estimator does not know.
    before : dict of ndarray
        History so far.

    Returns
    -------
    history : dict of ndarray
        "n_rows" (n_calls,), and of shape (n_calls, n_tasks) "n_labels", the mean "deviance" of
        the labels from what was predicted, and the "score" of that; NaN where there is none.
    """
    counts = targets.sum_by_task((targets.weights > 0).astype(float)).astype(np.int64)
    found = {name: np.full(len(counts), np.nan) for name in FIRST}
    if hasattr(estimator, "_task_set") and counts.any():
        _judge(estimator, X, targets, found)
    row = {"n_labels": counts, **found}
    history = {
        name: np.vstack([_with_places(before[name], estimator, targets), values])
        if before
        else values[None]
        for name, values in row.items()
    }
    n_rows = np.array([len(targets.values)])
    history["n_rows"] = np.concatenate([before["n_rows"], n_rows]) if before else n_rows
    return history


def _judge(estimator: Any, X: Any, targets: Targets, found: dict[str, Array]) -> None:
    """Write what is found into the places of the tasks."""
    known, index = estimator._task_set, targets.task_index
    rows = np.arange(len(targets.values))
    if index is not None:
        index = match(known.names, targets.tasks.names)[index]
        if estimator.unknown_task != "shared":
            rows = np.flatnonzero(index >= 0)
            X, index, targets = _safe_indexing(X, rows), index[rows], targets.take(rows)
    if not len(rows):
        return
    expected = estimator._expected(X, index)
    for t, ((task, values, weights), of_task) in enumerate(
        zip(targets.columns(), expected, strict=True)
    ):
        is_silent = np.isnan(of_task.reshape(len(of_task), -1)).any(axis=1)
        used = np.flatnonzero((weights > 0) & ~is_silent)
        if not len(used):
            continue
        of_rows = np.full(len(used), t) if index is None else targets.task_index[used]  # type: ignore[index]
        order = np.argsort(of_rows, kind="stable")
        ends = np.flatnonzero(np.diff(of_rows[order])) + 1
        for some in np.split(used[order], ends):
            place = t if index is None else targets.task_index[some[0]]  # type: ignore[index]
            labels, predicted, w = values[some], of_task[some], weights[some]
            found["deviance"][place] = np.average(task.deviance(predicted, labels), weights=w)
            if len(some) > 1:
                found["score"][place] = estimator._task_score(task, predicted, labels, w)


def _with_places(table: Array, estimator: Any, targets: Targets) -> Array:
    """Earlier calls, with a place for tasks that have come since."""
    names = targets.tasks.names
    if table.shape[1] == len(names):
        return table
    fill = 0 if table.dtype.kind == "i" else np.nan
    wider = np.full((len(table), len(names)), fill, dtype=table.dtype)
    wider[:, match(names, estimator._task_set.names.astype(names.dtype))] = table
    return wider
