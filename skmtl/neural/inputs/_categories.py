"""Columns of categories in X: which they are, and the numbers that stand for them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._shown import shown
from skmtl._warnings import warn
from skmtl.tasks._by_name import column_names, columns_of
from skmtl.tasks._columns import Column, match, read_column
from skmtl.tasks._no_numbers import named_columns, numbers_of, refuse_no_numbers

Array = NDArray[Any]

CATEGORICAL = ("category", "categorical", "enum", "dictionary")
"""How the names of such dtypes begin, in pandas, polars and Arrow."""


def find_categorical(X: Any, categorical_features: Any) -> list[int]:
    """Positions of the columns of categories.

    Parameters
    ----------
    X : array, DataFrame or Arrow table of shape (n, n_features)
        As the user gives it.
    categorical_features : "from_dtype", array-like of bool, int or str, or None
        The parameter.

    Raises
    ------
    ValueError
        If it names a column that X does not have, or X has no columns to name.
    """
    if categorical_features is None:
        return []
    names = column_names(X)
    if isinstance(categorical_features, str):
        columns = [] if names is None else columns_of(X)
        return [j for j, column in enumerate(columns) if _is_categorical(column)]
    wanted = np.asarray(categorical_features)
    what = f"categorical_features={shown(wanted.tolist(), 20)}"
    if sparse.issparse(X) or len(X.shape) != 2:
        raise ValueError(f"{what} needs a dense table, but X is none.")
    n_features = X.shape[1]
    if wanted.size == 0:
        return []
    if wanted.dtype.kind == "b":
        if wanted.shape != (n_features,):
            raise ValueError(
                f"{what} is a mask of shape {wanted.shape}, but X has {n_features} columns."
            )
        return np.flatnonzero(wanted).tolist()
    if wanted.dtype.kind in "iu":
        outside = wanted[(wanted < -n_features) | (wanted >= n_features)]
        if len(outside):
            raise ValueError(f"{what}: {outside[0]} is no column of X, which has {n_features}.")
        return np.unique(wanted % n_features).tolist()
    if names is None:
        raise ValueError(f"{what}: X has no column names; give indices or a mask.")
    unknown = [name for name in wanted.tolist() if name not in names]
    if unknown:
        raise ValueError(f"{what}: {unknown[0]!r} is no column of X: {shown(names, 20)}.")
    return sorted({names.index(name) for name in wanted.tolist()})


def _is_categorical(column: Any) -> bool:
    dtype = getattr(column, "dtype", getattr(column, "type", ""))
    return str(dtype).lower().startswith(CATEGORICAL)


def fit_categories(X: Any, positions: Sequence[int]) -> dict[int, Array]:
    """Categories of each of these columns, sorted."""
    columns = named_columns(X)
    found = {}
    for j in positions:
        column = _read(*columns[j])
        found[j] = np.unique(column.labels[column.observed])
    return found


def encode(X: Any, categories: dict[int, Array], advice: str) -> Array:
    """X as numbers: in columns of categories their positions, NaN where missing or unknown.

    Raises
    ------
    TypeError, ValueError
        If another column holds what is no number; what to do about it is the ``advice``.
    """
    columns = named_columns(X)
    if column_names(X) is None and X.dtype.kind in "biuf":
        out = X.astype(X.dtype if X.dtype in (np.float32, np.float64) else np.float64)
    else:
        out = np.empty(X.shape)
        for j, (_, values) in enumerate(columns):
            if j not in categories:
                try:
                    out[:, j] = numbers_of(values)
                except (TypeError, ValueError):
                    refuse_no_numbers(X, advice, leaving=categories)
                    raise
    for j, known in categories.items():
        name, values = columns[j]
        column = _read(name, values)
        code = np.where(column.observed, match(known, column.labels), -1)
        if column.observed.any() and (code < 0).all():
            warn(
                f"Column {name!r} of X has none of the categories that fit has seen, "
                f"{shown(known.tolist(), 5)}; they count as missing."
            )
        out[:, j] = np.where(code < 0, np.nan, code)
    return out


def _read(name: Hashable, values: Any) -> Column:
    try:
        return read_column(values, name)
    except ValueError as error:
        message = str(error).replace(f"Task {name!r}: ", "", 1)
        raise ValueError(f"Column {name!r} of X: {message}") from None
