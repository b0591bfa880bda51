"""Taking y, and the task feature of X, apart: the only code that knows their containers."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._shown import shown
from skmtl.tasks._by_name import column_names, columns_of, find_twice
from skmtl.tasks._columns import EXACT_INTEGERS, Column, is_arrow, read_column
from skmtl.tasks._weights import check_sample_weight, read_sample_weight

Array = NDArray[Any]


def read_y(y: Any) -> tuple[list[Column], list[Hashable] | None, bool]:
    """Columns of y, their names where it has any, and whether it is 1-D."""
    return read_weighted(y, None)[:3]


def read_weighted(
    y: Any, sample_weight: Any, names_of_y: Sequence[Hashable] | None = None
) -> tuple[list[Column], list[Hashable] | None, bool, list[Array]]:
    """`read_y`, and the weight of every label, 0 where unobserved.

    What stands under weight 0 is not read. Columns of ``sample_weight`` that have names go to
    those of y; ``names_of_y`` are these where y has none.
    """
    parts, names, is_1d = _take_apart(y)
    labels = names if names is not None else names_of_y
    if labels is None or len(labels) != len(parts):
        labels = titles_of(y, is_1d, range(len(parts)))
    n_rows = {_length(part) for part in parts}
    if len(n_rows) > 1:
        raise ValueError(f"y is ragged: its columns have lengths {sorted(n_rows)}.")
    weight = None
    if sample_weight is not None:
        shape = (min(n_rows),) if is_1d else (min(n_rows), len(parts))
        weight = read_sample_weight(sample_weight, shape, labels).reshape(shape[0], -1)
    columns, weights = [], []
    for t, (part, name) in enumerate(zip(parts, labels, strict=True)):
        used = None if weight is None else weight[:, t] > 0
        columns.append(read_column(part, name, used))
        observed = columns[-1].observed
        weights.append(
            observed.astype(np.float64) if weight is None else np.where(observed, weight[:, t], 0.0)
        )
    return columns, names, is_1d, weights


def titles_of(y: Any, is_1d: bool, names: Sequence[Hashable]) -> Sequence[Hashable]:
    """What messages call the tasks: a Series by its own name, others as they are called."""
    name = getattr(y, "name", None) if is_1d else None
    return names if name is None or name == "" else [name]


def weights_as_array(sample_weight: Any, y: Any) -> Any:
    """Weights in the order of the columns of y, for whoever takes rows or columns of both."""
    if sample_weight is None:
        return None
    parts, names, is_1d = _take_apart(y)
    shape = (_length(parts[0]),) if is_1d else (_length(parts[0]), len(parts))
    return check_sample_weight(sample_weight, shape, names or range(len(parts)))


def _take_apart(y: Any) -> tuple[list[Any], list[Hashable] | None, bool]:
    """Columns of y as they are, their names, and whether it is 1-D."""
    if sparse.issparse(y):
        raise ValueError("y is sparse; give a dense array (a missing label is NaN, not 0).")
    names = column_names(y)
    if names is not None:
        parts, is_1d = columns_of(y), False
        for part, name in zip(parts, names, strict=True):
            if not hasattr(part, "__len__") or isinstance(part, str):
                raise ValueError(f"y has {part!r} as labels of task {name!r}; expected a column.")
        # One object for every NaN: what is found by name finds it.
        names = [np.nan if isinstance(name, float) and np.isnan(name) else name for name in names]
        if twice := find_twice(names):
            raise ValueError(f"Duplicate task name in y: {twice[0]!r}.")
    elif is_arrow(y) or (hasattr(y, "to_list") and len(getattr(y, "shape", ())) == 1):
        parts, is_1d = [y], True
    else:
        parts, is_1d = _split_array(y)
    if not parts:
        raise ValueError("y has no task: its shape has zero columns.")
    return parts, names, is_1d


def _length(part: Any) -> int:
    return part.shape[0] if hasattr(part, "shape") else len(part)


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


def as_table(X: Any) -> Any:
    """X with columns: a list of rows becomes an array, through object so that all stays exact."""
    if hasattr(X, "shape"):
        return X
    if any(isinstance(row, np.ma.MaskedArray) and row.ndim for row in X):
        return np.ma.stack(X)
    return np.asarray(X, dtype=object)


def split_task_feature(X: Any, task_feature: int | str) -> tuple[Any, Any]:
    """Take the column that names the task out of X."""
    X = as_table(X)
    names = column_names(X)
    if names is not None:
        if task_feature in names:
            position = names.index(task_feature)
        elif isinstance(task_feature, int) and -len(names) <= task_feature < len(names):
            position = task_feature % len(names)
        else:
            raise ValueError(
                f"task_feature={task_feature!r} is not a column of X: {shown(names, 20)}."
            )
        column = columns_of(X)[position]
        kept = [j for j in range(len(names)) if j != position]
        if is_arrow(X):
            return X.select(kept), column
        return (X.iloc if hasattr(X, "iloc") else X)[:, kept], column
    if not isinstance(task_feature, int | np.integer):
        raise ValueError(
            f"task_feature={task_feature!r} is a name, but X has no column names; give an index."
        )
    X = X.tocsc() if sparse.issparse(X) else np.asanyarray(X)
    if X.ndim != 2 or not -X.shape[1] <= task_feature < X.shape[1]:
        raise ValueError(f"task_feature={task_feature} is not a column of X with shape {X.shape}.")
    position = task_feature % X.shape[1]
    kept = [j for j in range(X.shape[1]) if j != position]
    column = X[:, [position]]
    column = column.toarray()[:, 0] if sparse.issparse(column) else column[:, 0]
    return X[:, kept], column


def read_task_column(task_column: Any, what: str = "task feature") -> Column:
    """The column that names the task of each row; 3.0 is task 3.

    Raises
    ------
    ValueError
        If numbers come as floats and are so large that neighbours are one.
    """
    column = read_column(task_column, what)
    labels = column.labels
    if labels.dtype.kind != "f" or not np.array_equal(labels, np.floor(labels)):
        return column
    large = column.observed & (np.abs(labels) >= EXACT_INTEGERS)
    if large.any():
        raise ValueError(
            f"The {what} holds {labels[large][0]:.0f} as a float: from 2**53 on neighbouring "
            "numbers are the same float, so that tasks could not be told apart. Give integers (a "
            "column of a DataFrame, or an integer array) or strings."
        )
    return replace(column, labels=labels.astype(np.int64))


def refuse_data_sets(X: Any) -> None:
    """Raise for a list with an X per task, as other libraries of multi-task learning take it."""
    if not isinstance(X, list | tuple):
        return
    shapes = [_shape(part) for part in X]
    if len(X) and all(len(shape) == 2 for shape in shapes):
        raise ValueError(
            f"X is a list of {len(X)} tables of shapes {shapes[:3]}, one for each task it seems; "
            "skmtl.tasks.stack_tasks(X, y) puts them below each other, in long form: fit that "
            "with task_feature=0."
        )


def _shape(part: Any) -> tuple[int, ...]:
    """Shape of an array or a list of rows; () of what is none."""
    if hasattr(part, "shape"):
        return tuple(part.shape)
    is_table = isinstance(part, list | tuple) and len(part) > 0
    is_table = is_table and all(isinstance(row, list | tuple | np.ndarray) for row in part)
    return (len(part), len(part[0])) if is_table else ()


def without_mask(X: Any) -> Any:
    """X with NaN where it is masked."""
    if isinstance(X, list | tuple) and any(np.ma.isMaskedArray(row) for row in X):
        X = np.ma.stack(X)
    if not isinstance(X, np.ma.MaskedArray):
        return X
    if X.dtype.kind not in "fO" and np.ma.is_masked(X):
        X = X.astype(np.float64)
    return X.filled(np.nan) if np.ma.is_masked(X) else X.data


def stack_columns(values: list[Array], weights: list[Array], is_1d: bool) -> tuple[Array, Array]:
    if is_1d:
        return values[0], weights[0]
    return np.column_stack(values), np.column_stack(weights)
