"""X as users give it: its columns, and the one that says which task a row belongs to."""

from __future__ import annotations

import sys
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._shown import shown
from skmtl.tasks._by_name import column_names, columns_of
from skmtl.tasks._columns import EXACT_INTEGERS, Column, is_arrow, read_column

Array = NDArray[Any]

KEPT = (
    "Steps of a Pipeline before it have to leave that column as it is: as the last one of a "
    "ColumnTransformer, ('passthrough', [name]), it is task_feature=-1; with "
    "set_output(transform='pandas') it keeps its name."
)


def as_table(X: Any) -> Any:
    """X with columns: a list of rows becomes an array, through object so that all stays exact."""
    if hasattr(X, "shape"):
        return X
    if isinstance(X, Mapping):
        raise TypeError("X is a dict; expected rows and columns, as of pandas.DataFrame(X).")
    if any(isinstance(row, np.ma.MaskedArray) and row.ndim for row in X):
        return np.ma.stack(X)
    return np.asarray(X, dtype=object)


def as_whole_table(X: Any) -> Any:
    """A batch of Arrow's as a table, which others know how to take columns of; all else as it is.

    By its home: pyarrow is there where such a batch is.
    """
    if not (is_arrow(X) and type(X).__name__ == "RecordBatch"):
        return X
    return sys.modules["pyarrow"].Table.from_batches([X])


def find_task_feature(X: Any, task_feature: int | str) -> int:
    """Position of the column that names the task in a table."""
    names = column_names(X)
    if names is not None:
        position = position_of_task(names, task_feature)
        if position is None:
            raise ValueError(
                f"task_feature={task_feature!r} is not a column of X: {shown(names, 20)}. {KEPT}"
            )
        return position
    if not isinstance(task_feature, int | np.integer):
        raise ValueError(
            f"task_feature={task_feature!r} is a name, but X has no column names; give an index. "
            f"{KEPT}"
        )
    shape = X.shape
    if len(shape) != 2 or not -shape[1] <= task_feature < shape[1]:
        raise ValueError(f"task_feature={task_feature} is not a column of X with shape {shape}.")
    return int(task_feature % shape[1])


def position_of_task(names: Sequence[Hashable], task_feature: int | str) -> int | None:
    """Position of the column that names the task among columns with names; None if there is none.

    A ColumnTransformer calls "school" "remainder__school": that is found as well, where it is the
    only column so called.
    """
    if task_feature in names:
        return names.index(task_feature)
    if isinstance(task_feature, int | np.integer):
        inside = -len(names) <= task_feature < len(names)
        return int(task_feature % len(names)) if inside else None
    ends = f"__{task_feature}"
    renamed = [j for j, name in enumerate(names) if isinstance(name, str) and name.endswith(ends)]
    return renamed[0] if len(renamed) == 1 else None


def split_task_feature(X: Any, task_feature: int | str) -> tuple[Any, Any]:
    """Take the column that names the task out of X."""
    X = as_table(X)
    names, position = column_names(X), find_task_feature(X, task_feature)
    if names is not None:
        column = columns_of(X)[position]
        kept = [j for j in range(len(names)) if j != position]
        if is_arrow(X):
            return X.select(kept), column
        return (X.iloc if hasattr(X, "iloc") else X)[:, kept], column
    X = X.tocsc() if sparse.issparse(X) else np.asanyarray(X)
    kept = [j for j in range(X.shape[1]) if j != position]
    if sparse.issparse(X):
        return X[:, kept], X[:, [position]].toarray()[:, 0]
    # Row by row as it was: X[:, kept] is column by column.
    return X.take(kept, axis=1), X[:, position]


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


def read_task_index(task_column: Any) -> tuple[Array, Array]:
    """Names of the tasks, sorted, and the position among them of the task of each row.

    Raises
    ------
    ValueError
        If a row has no task.
    """
    column = read_task_column(task_column)
    if not column.observed.all():
        raise ValueError(
            f"The task feature is missing in {int((~column.observed).sum())} rows of X."
        )
    names, index = np.unique(column.labels, return_inverse=True)
    return names, index.astype(np.intp)


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
