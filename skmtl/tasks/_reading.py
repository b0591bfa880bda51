"""Taking y, and the task feature of X, apart: the only code that knows their containers."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.tasks._columns import Column, read_column
from skmtl.tasks._weights import read_sample_weight

Array = NDArray[Any]


def read_y(y: Any) -> tuple[list[Column], list[Hashable] | None, bool]:
    """Columns of y, their names where it has any, and whether it is 1-D."""
    if sparse.issparse(y):
        raise ValueError("y is sparse; give a dense array (a missing label is NaN, not 0).")
    names: list[Hashable] | None = None
    if hasattr(y, "columns") and hasattr(y, "shape"):
        names = list(y.columns)
        parts = [y.iloc[:, j] if hasattr(y, "iloc") else y[:, j] for j in range(y.shape[1])]
        is_1d = False
    elif getattr(getattr(y, "dtype", None), "names", None):
        names, is_1d = list(y.dtype.names), False
        parts = [y[name] for name in names]
    elif hasattr(y, "to_list") and len(getattr(y, "shape", ())) == 1:
        parts, is_1d = [y], True
    else:
        parts, is_1d = _split_array(y)
    if not parts:
        raise ValueError("y has no task: its shape has zero columns.")
    labels: list[Hashable] = names if names is not None else list(range(len(parts)))
    if len(set(labels)) < len(labels):
        twice = next(name for name in labels if labels.count(name) > 1)
        raise ValueError(f"Duplicate task name in y: {twice!r}.")
    return [read_column(part, name) for part, name in zip(parts, labels, strict=True)], names, is_1d


def _split_array(y: Any) -> tuple[list[Any], bool]:
    if isinstance(y, np.ma.MaskedArray):
        array: Any = y
    elif isinstance(y, list | tuple):
        # Through object, so that numpy does not turn numbers beside strings into strings.
        if any(isinstance(row, np.ma.MaskedArray) and row.ndim for row in y):
            array = np.ma.stack(y)
        else:
            array = np.array(y, dtype=object)
        if array.ndim == 1 and any(np.ndim(row) > 0 for row in array):
            lengths = sorted({np.size(row) for row in array})
            raise ValueError(f"y is ragged: its rows have lengths {lengths}.")
    else:
        array = np.asarray(y)
    if array.ndim == 1:
        return [array], True
    if array.ndim != 2:
        raise ValueError(
            f"y has shape {array.shape}; expected (n_samples,) or (n_samples, n_tasks)."
        )
    return [array[:, j] for j in range(array.shape[1])], False


def split_task_feature(X: Any, task_feature: int | str) -> tuple[Any, Any]:
    """Take the column that names the task out of X."""
    if hasattr(X, "columns"):
        names = list(X.columns)
        if task_feature in names:
            position = names.index(task_feature)
        elif isinstance(task_feature, int) and -len(names) <= task_feature < len(names):
            position = task_feature % len(names)
        else:
            raise ValueError(f"task_feature={task_feature!r} is not a column of X: {names[:20]}.")
        kept = [j for j in range(len(names)) if j != position]
        if hasattr(X, "iloc"):
            return X.iloc[:, kept], X.iloc[:, position]
        return X[:, kept], X[:, position]
    if not isinstance(task_feature, int | np.integer):
        raise ValueError(
            f"task_feature={task_feature!r} is a name, but X has no column names; give an index."
        )
    X = X.tocsc() if sparse.issparse(X) else np.asarray(X)
    if X.ndim != 2 or not -X.shape[1] <= task_feature < X.shape[1]:
        raise ValueError(f"task_feature={task_feature} is not a column of X with shape {X.shape}.")
    position = task_feature % X.shape[1]
    kept = [j for j in range(X.shape[1]) if j != position]
    column = X[:, [position]]
    column = column.toarray()[:, 0] if sparse.issparse(column) else column[:, 0]
    return X[:, kept], column


def observed_weights(columns: list[Column], sample_weight: Any, is_1d: bool) -> list[Array]:
    n_samples = len(columns[0].labels)
    if sample_weight is None:
        return [column.observed.astype(np.float64) for column in columns]
    shape = (n_samples,) if is_1d else (n_samples, len(columns))
    weight = read_sample_weight(sample_weight, shape).reshape(n_samples, -1)
    return [np.where(column.observed, weight[:, t], 0.0) for t, column in enumerate(columns)]


def stack_columns(values: list[Array], weights: list[Array], is_1d: bool) -> tuple[Array, Array]:
    if is_1d:
        return values[0], weights[0]
    return np.column_stack(values), np.column_stack(weights)
