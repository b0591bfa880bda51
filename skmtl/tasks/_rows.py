"""Rows: some of them, and which belong to which task."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import _safe_indexing

from skmtl.tasks._columns import is_arrow
from skmtl.tasks._named_labels import with_rows


def takeable(array: Any) -> Any:
    """The same with rows that can be taken."""
    if sparse.issparse(array):
        return array.tocsr()
    array = with_rows(array)
    return array if hasattr(array, "__getitem__") else np.asarray(array)


def some_rows(data: Any, rows: Any) -> Any:
    """Rows of an array, a list or a table, in this order; ``rows`` are positions or a mask."""
    if is_arrow(data):
        # Scikit-learn takes tables of pyarrow from 1.7 on only.
        rows = np.asarray(rows)
        return data.take(np.flatnonzero(rows) if rows.dtype == bool else rows)
    return _safe_indexing(data, rows)


def rows_by_task(task_index: NDArray[Any], n_tasks: int) -> list[NDArray[np.intp]]:
    """Rows of every task in long form, ascending; rows of unknown tasks (-1) are in none.

    One sort, so that the cost does not grow with n_samples times n_tasks.
    """
    order = np.argsort(task_index, kind="stable")
    ends = np.searchsorted(task_index[order], np.arange(n_tasks), side="right")
    starts = np.searchsorted(task_index[order], np.arange(n_tasks), side="left")
    return [order[start:end] for start, end in zip(starts, ends, strict=True)]
