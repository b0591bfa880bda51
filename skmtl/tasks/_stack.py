"""Per-task data sets to long form and back."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array

from skmtl._shown import shown
from skmtl.tasks._columns import EXACT_INTEGERS
from skmtl.tasks._features import read_task_column, split_task_feature, without_mask
from skmtl.tasks._rows import rows_by_task


def stack_tasks(
    X_list: Sequence[Any], y_list: Sequence[Any], names: Sequence[Hashable] | None = None
) -> tuple[Any, np.ndarray]:
    """Put the data sets of several tasks below each other, in long form.

    Parameters
    ----------
    X_list : list of array-like of shape (n_samples_t, n_features)
        Features of each task; the columns mean the same in all of them. DataFrames of
        pandas or polars stay a DataFrame.
    y_list : list of array-like of shape (n_samples_t,)
        Labels of each task.
    names : list of length n_tasks, default=None
        Value of the task feature for each task; 0, 1, ... by default. Arrays need numbers.

    Returns
    -------
    X : ndarray or DataFrame of shape (sum of n_samples_t, 1 + n_features)
        Column 0, named "task" in a DataFrame, says which task a row belongs to: pass
        ``task_feature=0`` (or ``"task"``) to an estimator.
    y : ndarray of shape (sum of n_samples_t,)
        Labels, in the order of the rows.

    Raises
    ------
    ValueError
        If the lists differ in length, a task's X and y differ in rows, the tasks differ in
        features, or ``names`` repeats a value.

    Examples
    --------
    >>> from skmtl.tasks import stack_tasks, unstack_tasks
    >>> X, y = stack_tasks([[[1.0], [2.0]], [[3.0]]], [[10.0, 20.0], [30.0]])
    >>> X
    array([[0., 1.],
           [0., 2.],
           [1., 3.]])
    >>> X_list, y_list, names = unstack_tasks(X, y)
    >>> names.tolist()
    [0, 1]
    """
    names = list(range(len(X_list))) if names is None else list(names)
    if not len(X_list) == len(y_list) == len(names) or not names:
        raise ValueError(
            f"stack_tasks got {len(X_list)} X, {len(y_list)} y and {len(names)} names; expected "
            "one of each for every task, and at least one task."
        )
    if len(set(names)) < len(names):
        raise ValueError(f"names repeats a value: {names}.")
    if len({type(X) for X in X_list}) == 1 and hasattr(X_list[0], "columns"):
        return _stack_frames(X_list, y_list, names)
    arrays = [
        check_array(without_mask(X), ensure_all_finite="allow-nan", accept_sparse=False)
        for X in X_list
    ]
    if len({X.shape[1] for X in arrays}) > 1:
        raise ValueError(f"The tasks have different features: shapes {[X.shape for X in arrays]}.")
    labels = _labels(arrays, y_list, names)
    try:
        codes = np.asarray(names, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"names must be numbers when X are arrays, got {names}; use DataFrames for strings."
        ) from error
    if (np.abs(codes) >= EXACT_INTEGERS).any():
        raise ValueError(
            f"names {shown(names)} are too large to be a column of floats; use DataFrames for them."
        )
    task = np.repeat(codes, [len(X) for X in arrays])
    return np.column_stack([task, np.concatenate(arrays)]), labels


def _stack_frames(
    X_list: Sequence[Any], y_list: Sequence[Any], names: list[Hashable]
) -> tuple[Any, np.ndarray]:
    for X, name in zip(X_list, names, strict=True):
        if list(X.columns) != list(X_list[0].columns):
            raise ValueError(
                f"The tasks have different features: {list(X_list[0].columns)}, and "
                f"{list(X.columns)} in task {name!r}."
            )
        if "task" in X.columns:
            raise ValueError("X has a column 'task' already; rename it.")
    labels = _labels(X_list, y_list, names)
    task = [name for X, name in zip(X_list, names, strict=True) for _ in range(len(X))]
    if not hasattr(X_list[0], "iloc"):
        import polars as pl

        return pl.concat(list(X_list)).insert_column(0, pl.Series("task", task)), labels
    import pandas as pd

    stacked = pd.concat(list(X_list), ignore_index=True)
    stacked.insert(0, "task", task)
    return stacked, labels


def _labels(X_list: Sequence[Any], y_list: Sequence[Any], names: list[Hashable]) -> np.ndarray:
    columns = [_as_labels(y) for y in y_list]
    for X, y, name in zip(X_list, columns, names, strict=True):
        if y.shape != (X.shape[0],):
            raise ValueError(f"Task {name!r}: X has {X.shape[0]} rows, y has shape {y.shape}.")
    # numpy would write numbers beside strings as strings.
    kinds = {y.dtype.kind for y in columns}
    if kinds & set("UST") and kinds - set("USTO"):
        raise ValueError(
            "Some tasks have strings as labels and some numbers: in long form all tasks have one "
            "type. Give them as columns of a wide y."
        )
    return np.concatenate(columns)


def _as_labels(y: Any) -> Any:
    if isinstance(y, np.ma.MaskedArray):
        # np.asarray would forget the mask.
        is_float = y.dtype.kind == "f"
        labels = np.ma.getdata(y).astype(y.dtype if is_float else object)
        labels[np.ma.getmaskarray(y)] = np.nan if is_float else None
        return labels
    return np.asarray(y)


def unstack_tasks(
    X: Any, y: Any, task_feature: int | str | None = None
) -> tuple[list[Any], list[np.ndarray], np.ndarray]:
    """Split long form into one data set a task: the inverse of `stack_tasks`.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n_samples, 1 + n_features)
        Features in long form.
    y : array-like of shape (n_samples,)
        Labels.
    task_feature : int or str, default=None
        Column of X that names the task. By default "task" in a DataFrame that has it,
        column 0 otherwise.

    Returns
    -------
    X_list : list of ndarray or DataFrame of shape (n_samples_t, n_features)
        Features of each task, in the order of ``names``.
    y_list : list of ndarray of shape (n_samples_t,)
        Labels of each task.
    names : ndarray of shape (n_tasks,)
        Values of the task feature, sorted.

    Examples
    --------
    >>> from skmtl.tasks import unstack_tasks
    >>> X_list, y_list, names = unstack_tasks([[7, 1.0], [5, 2.0], [7, 3.0]], [1, 2, 3])
    >>> names.tolist(), [y.tolist() for y in y_list]
    ([5, 7], [[2], [1, 3]])
    """
    if task_feature is None:
        task_feature = "task" if "task" in list(getattr(X, "columns", [])) else 0
    X = X if hasattr(X, "shape") else np.asarray(X)
    features, task = split_task_feature(X, task_feature)
    column, y = read_task_column(task), _as_labels(y)
    if y.shape != column.labels.shape:
        raise ValueError(f"X has {len(column.labels)} rows, y has shape {y.shape}.")
    if not column.observed.all():
        missing = int((~column.observed).sum())
        raise ValueError(f"The task feature is missing in {missing} rows of X.")
    names, index = np.unique(column.labels, return_inverse=True)
    rows = rows_by_task(index, len(names))
    if hasattr(features, "iloc"):
        parts = [features.iloc[r].reset_index(drop=True) for r in rows]
    else:
        features = features.tocsr() if sparse.issparse(features) else features
        parts = [features[r] for r in rows]
    return parts, [y[r] for r in rows], names
