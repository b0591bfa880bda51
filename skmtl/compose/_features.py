"""X as it came: whoever holds other estimators looks at its rows and columns, not at its values."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils.validation import validate_data

from skmtl._dask_rows import is_dask, refuse_dask
from skmtl._sparse import side_by_side
from skmtl.sources._as_source import refuse_as_rows
from skmtl.tasks._features import (
    as_table,
    as_whole_table,
    refuse_data_sets,
    split_task_feature,
)
from skmtl.tasks._rows import some_rows


def read_features(X: Any) -> Any:
    """Something that rows can be taken of.

    Lists become arrays, sparse matrices CSR. What a mask hides is missing: NaN, or None.
    """
    if sparse.issparse(X):
        return X.tocsr()
    if isinstance(X, list | tuple) and any(np.ma.isMaskedArray(row) for row in X):
        X = np.ma.stack(X)
    if isinstance(X, np.ma.MaskedArray):
        X = X if X.dtype.kind in "fO" else X.astype(np.float64 if X.dtype.kind in "biu" else object)
        return X.filled(np.nan if X.dtype.kind == "f" else None)
    if hasattr(X, "shape") or isinstance(X, Mapping):
        return as_table(X)
    array = np.asarray(X)
    # Through object: numpy would turn numbers beside strings into strings.
    return np.array(X, dtype=object) if array.dtype.kind in "US" else array


class KeepsFeatures:
    """Mixin for estimators that hand X on as it came, the task feature taken out of it.

    Names and number of the columns are those of `fit` where there are any; what the values may be
    is for the estimators inside to say.
    """

    task_feature: int | str | None

    def _read_X(self, X: Any, *, reset: bool) -> Any:
        refuse_as_rows(X)
        if is_dask(X):
            refuse_dask(self)
        refuse_data_sets(X)
        X = as_whole_table(X)
        is_list = not hasattr(X, "shape")
        # The task feature is taken out first, so that large whole numbers stay exact.
        X = read_features(X) if self.task_feature is None else as_table(X)
        if reset:
            # Not set below where X has no second axis.
            self.__dict__.pop("n_features_in_", None)
        elif len(X.shape) == 1 and hasattr(self, "n_features_in_"):
            raise ValueError(
                f"Expected an X with {self.n_features_in_} columns, got shape {X.shape}. Reshape "
                "your data: one row is X.reshape(1, -1), one column X.reshape(-1, 1)."
            )
        validate_data(self, X, reset=reset, skip_check_array=True)
        task_column = None
        if self.task_feature is not None:
            X, task_column = split_task_feature(X, self.task_feature)
            is_list = is_list and not isinstance(X, np.ma.MaskedArray)
            X = read_features(X.tolist() if is_list else X)
        for axis, what in enumerate(("sample", "feature")[: len(X.shape)]):
            if X.shape[axis] == 0:
                raise ValueError(
                    f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum of 1 is "
                    f"required by {type(self).__name__}."
                )
        return X, task_column


def take_rows(X: Any, rows: Any) -> Any:
    """Some rows, in this order; X itself where they are all of them."""
    if len(rows) == X.shape[0] and (rows == np.arange(len(rows))).all():
        return X
    return some_rows(X, rows)


def as_features(task: Any, expected: Any, name: str) -> tuple[Any, list[str]]:
    """What is expected of a task as features (n, n_columns), of numpy or torch, and their names."""
    if not task.is_classification:
        # A quantile has an axis of levels; there is one.
        return expected.reshape(-1, 1), [name]
    # Of two probabilities one is enough.
    first = 1 if expected.shape[1] == 2 else 0
    return expected[:, first:], [f"{name}: {label}" for label in task.classes_[first:]]


def append_columns(X: Any, added: Any, names: Any) -> Any:
    """X with further columns of numbers.

    In a DataFrame they have ``names``, changed where X has such a column. They are in double
    precision unless X is in single precision; sparse where X or ``added`` is. Numbers whose square
    is none are brought within range: a model of counts may expect as many, far from its rows.
    """
    if len(X.shape) != 2:
        raise ValueError(
            f"Columns are appended to X, which then has to have two axes; got shape {X.shape}. "
            "Make a DataFrame with a column of what is one-dimensional."
        )
    if not sparse.issparse(added):
        largest = np.sqrt(np.finfo(number_type(X)).max)
        added = np.clip(added, -largest, largest)
    if sparse.issparse(X) or sparse.issparse(added):
        return side_by_side([as_numbers(X), added.astype(number_type(X))])
    if hasattr(X, "columns"):
        return _with_columns(X, added.astype(number_type(X)), names)
    if X.dtype.kind in "USO":
        return np.hstack([X.astype(object), added.astype(object)])
    return np.hstack([X, added.astype(number_type(X))])


def number_type(X: Any) -> Any:
    """Type of the numbers that are put beside those of X."""
    return np.float32 if getattr(X, "dtype", None) == np.float32 else np.float64


def as_numbers(X: Any) -> Any:
    """Features as a matrix of numbers, dense or sparse."""
    if sparse.issparse(X):
        return X
    try:
        return np.asarray(X, dtype=number_type(X))
    except (TypeError, ValueError) as error:
        error.add_note("Raised where X is made a sparse matrix of numbers, for task columns.")
        raise


def _with_columns(X: Any, added: Any, names: Any) -> Any:
    """A table of the same library; X is not changed."""
    if hasattr(X, "append_column"):  # pyarrow
        for name, column in zip(_free_names(X.column_names, names), added.T, strict=True):
            X = X.append_column(name, [column])
        return X
    names = _free_names(X.columns, names)
    module = sys.modules[type(X).__module__.split(".")[0]]
    if hasattr(X, "iloc"):
        more = module.DataFrame(added, index=X.index, columns=names)
        return module.concat([X, more], axis=1)
    return X.hstack(module.DataFrame(added, schema=names))


def _free_names(columns: Any, names: Any) -> Any:
    """Names that no column has: numbers where no name is a string, which is not to be mixed."""
    taken = set(columns)
    if not any(isinstance(name, str) for name in taken):
        first = max((n for n in taken if isinstance(n, int | np.integer)), default=-1) + 1
        return list(range(first, first + len(names)))
    free = []
    for name in names:
        while name in taken:
            name += "_"
        taken.add(name)
        free.append(name)
    return free
