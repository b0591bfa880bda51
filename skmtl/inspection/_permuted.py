"""Tables in which some columns are in another order of rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import sparse

from skmtl._aliases import did_you_mean
from skmtl._shown import shown
from skmtl.tasks._by_name import column_names
from skmtl.tasks._columns import is_arrow


def read_features(features, X, task_column):
    """Positions of the columns of every feature, by its name.

    Parameters
    ----------
    features : None, list or dict
        The columns that are asked for: all, some, or groups of them.
    X : table
        With columns.
    task_column : int or None
        Long form: the column that says which task a row belongs to; it is no feature.
    """
    names = column_names(X)
    if features is None:
        own = [j for j in range(X.shape[1]) if j != task_column]
        return {j if names is None else names[j]: [j] for j in own}
    if not isinstance(features, Mapping):
        features = {feature: [feature] for feature in np.asarray(features, dtype=object).tolist()}
    found = {}
    for name, columns in features.items():
        columns = columns if isinstance(columns, list | tuple | np.ndarray) else [columns]
        found[name] = [_position(column, names, X.shape[1]) for column in columns]
        if task_column in found[name]:
            raise ValueError(
                f"features={name!r} has the column that says which task a row belongs to; it is "
                "no feature of a task."
            )
        if not found[name]:
            raise ValueError(f"features={name!r} has no columns.")
    return found


def _position(column, names, n_columns):
    if names is not None and column in names:
        return names.index(column)
    if isinstance(column, int | np.integer) and -n_columns <= column < n_columns:
        return int(column) % n_columns
    known = f"there are {n_columns}" if names is None else shown(names, 20)
    raise ValueError(
        f"features names {column!r}, which is no column of X: {known}."
        f"{did_you_mean(column, names or [])}"
    )


def permuted(X, columns, order):
    """A copy of X in which these columns have the rows in this order."""
    if sparse.issparse(X):
        return _permuted_sparse(X.tocsc(copy=True), columns, order)
    if is_arrow(X):
        for j in columns:
            X = X.set_column(j, X.schema.field(j), X.column(j).take(order))
        return X
    if hasattr(X, "isetitem"):  # pandas
        X = X.copy(deep=False)
        for j in columns:
            X.isetitem(j, X.iloc[:, j].array[order])
        return X
    if hasattr(X, "with_columns"):  # polars
        return X.with_columns([X.to_series(j)[order] for j in columns])
    X = np.array(X, copy=True, subok=True)
    X[:, columns] = X[np.ix_(order, columns)]
    return X


def _permuted_sparse(X, columns, order):
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    for j in columns:
        entries = slice(X.indptr[j], X.indptr[j + 1])
        X.indices[entries] = place[X.indices[entries]]
    X.has_sorted_indices = False
    X.sort_indices()
    return X.tocsr()
