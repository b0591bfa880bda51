"""Features as models of this package learn from them: numbers, finite, one row per label."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data

from skmtl._dask_rows import is_dask, refuse_dask
from skmtl._shown import joined
from skmtl._sparse import without_duplicates
from skmtl._warnings import warn
from skmtl.sources._as_source import refuse_as_rows
from skmtl.tasks._by_name import column_names
from skmtl.tasks._features import (
    as_table,
    as_whole_table,
    refuse_data_sets,
    split_task_feature,
    without_mask,
)
from skmtl.tasks._no_numbers import has_unasked, refuse_no_numbers
from skmtl.tasks._targets import Targets


class ValidatesFeatures:
    """Mixin for estimators that learn from numbers.

    ``_allows_nd``: from arrays of any shape; ``_allows_nan``: also where dense X has NaN.
    ``_sparse_formats``: of sparse X that `fit` learns from.
    """

    _allows_nd = False
    _allows_nan = False
    _sparse_formats: tuple[str, ...] = ("csr",)
    _without_text = (
        "Encode it first, in a Pipeline for example: sklearn.preprocessing.OneHotEncoder or "
        "OrdinalEncoder in a ColumnTransformer, or skrub.tabular_pipeline(estimator), which turns "
        "a whole table into numbers. Or give X to MultiTaskMLP, which reads columns of dtype "
        "category."
    )
    task_feature: int | str | None

    def _read_X(self, X: Any, *, reset: bool) -> tuple[Any, Any]:
        """Validated features (float64 or float32) and the task column."""
        refuse_as_rows(X)
        if is_dask(X):
            refuse_dask(self)
        options: dict[str, Any] = {
            "dtype": [np.float64, np.float32],
            "accept_sparse": list(self._sparse_formats) if reset else "csr",
            "ensure_all_finite": False,
            "allow_nd": self._allows_nd,
        }
        if not self._allows_nd:
            refuse_data_sets(X)
        X = as_whole_table(X)
        task_column, has_categories = None, self._has_categories(X, reset=reset)
        if self.task_feature is None and not has_categories:
            with self._naming_text(X):
                X = self._validated(without_mask(X), reset=reset, **options)
            names = getattr(self, "feature_names_in_", None)
        else:
            X = as_table(X)
            if not (type(X) is np.ndarray and X.ndim == 2 and self._takes_plain(X, reset=reset)):
                validate_data(self, X, reset=reset, skip_check_array=True)
            if self.task_feature is not None:
                X, task_column = split_task_feature(X, self.task_feature)
            names = column_names(X)
            X = self._encode(X, reset=reset) if has_categories else X
            # Rows of one task side by side, whatever a table gives: nothing copies them once more.
            options["order"] = "C"
            with self._naming_text(X):
                X = without_mask(X)
                if not _is_read(X, **options):
                    X = check_array(X, input_name="X", estimator=self, **options)
        X = without_duplicates(X)
        check_finite(X, names, allow_nan=self._allows_nan)
        return X, task_column

    def _validated(self, X: Any, *, reset: bool, **options: Any) -> Any:
        """As `validate_data`, which takes longer than to predict a row."""
        if _is_read(X, **options) and self._takes_plain(X, reset=reset):
            return X
        if not reset or type(X) is not np.ndarray:
            return validate_data(self, X, reset=reset, **options)
        X = check_array(X, input_name="X", estimator=self, **options)
        self._takes_plain(X, reset=True)
        return X

    def _takes_plain(self, X: Any, *, reset: bool) -> bool:
        """Whether X, a plain array and so without names, has the columns that `fit` has seen."""
        if reset:
            self.__dict__.pop("feature_names_in_", None)
            self.n_features_in_ = X.shape[1]
            return True
        if hasattr(self, "feature_names_in_"):
            return False
        return bool(X.shape[1] == getattr(self, "n_features_in_", None))

    @contextmanager
    def _naming_text(self, X: Any) -> Iterator[None]:
        """Let errors name the columns of X that hold what is no number, if some do."""
        if has_unasked(X):
            refuse_no_numbers(X, self._without_text)
        try:
            yield
        except (TypeError, ValueError):
            X = as_table(X)
            if not sparse.issparse(X) and len(X.shape) == 2:
                refuse_no_numbers(X, self._without_text)
            raise

    def _has_categories(self, X: Any, *, reset: bool) -> bool:
        """Whether X has columns of categories, that `_encode` makes numbers of."""
        return False

    def _encode(self, X: Any, *, reset: bool) -> Any:
        """X without the task feature, where columns of categories have become numbers."""
        return X


def _is_read(X: Any, *, dtype: Any, order: str = "K", **options: Any) -> bool:
    """Whether X is what `check_array` would return."""
    is_plain = type(X) is np.ndarray and X.ndim == 2 and X.size > 0 and X.dtype in dtype
    return is_plain and (order == "K" or X.flags.c_contiguous)


def check_rows(X: Any, targets: Targets) -> None:
    """Raise unless X and y have the same rows."""
    if X.shape[0] != len(targets.values):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: X has shape {X.shape}, "
            f"y has {len(targets.values)} rows."
        )


def warn_of_other_order(X: Any, y: Any) -> None:
    """Warn of tables whose rows have the same names in different orders: they go by position."""
    if not (hasattr(X, "iloc") and hasattr(y, "iloc")) or len(X) != len(y):
        return
    of_X, of_y = X.index, y.index
    if of_X is of_y or of_X.equals(of_y) or not (of_X.is_unique and of_y.is_unique):
        return
    if of_y.isin(of_X).all():
        warn(
            "The rows of X and y have the same index in different orders, and are matched by "
            "position. If that is not meant, put y in the order of X: y.loc[X.index]."
        )


def refuse_transposed(X: Any, y: Any) -> None:
    """Raise where y has a row per task, before labels of several tasks are read as one column."""
    is_list = isinstance(y, list | tuple)
    if not (is_list or (type(y) is np.ndarray and y.ndim == 2)) or len(y) == X.shape[0]:
        return
    rows, n_rows = y if is_list else y[:1], X.shape[0]
    if len(y) and n_rows > 1 and all(_has_length(row, n_rows) for row in rows):
        raise ValueError(
            f"Found input variables with inconsistent numbers of samples: X has {n_rows} rows, y "
            f"has {len(y)}, of {n_rows} labels each. y is to have a row per sample and a column "
            f"per task: give {'list(zip(*y)), or a dict of columns' if is_list else 'y.T'}."
        )


def _has_length(row: Any, n: int) -> bool:
    return (isinstance(row, list | tuple) or getattr(row, "ndim", 0) == 1) and len(row) == n


def check_finite(X: Any, names: Sequence[Hashable] | None, *, allow_nan: bool = False) -> None:
    """Raise for NaN or infinity in X, naming the columns; dense X may have NaN if allowed."""
    data = X.data if sparse.issparse(X) else X
    # A finite sum, of squares where BLAS has them, proves all entries finite without a mask as
    # large as X.
    with np.errstate(over="ignore", invalid="ignore"):
        flat = data.ravel(order="K") if data.flags.forc else None
        if np.isfinite(data.sum(dtype=np.float64) if flat is None else flat @ flat):
            return
    tests = {"NaN": np.isnan, "infinity": np.isinf}
    if allow_nan and not sparse.issparse(X):
        del tests["NaN"]
    for word, test in tests.items():
        if sparse.issparse(X):
            rows = X.tocsr()
            counts = np.bincount(rows.indices[test(rows.data)], minlength=X.shape[1])
        else:
            counts = test(X).sum(axis=0)
        columns = np.flatnonzero(counts)
        if len(columns):
            found = joined(
                f"{j if names is None else repr(names[j])} ({counts[j]})" for j in columns.tolist()
            )
            raise ValueError(
                f"Input X contains {word} in {len(columns)} column(s) (number of entries): "
                f"{found}. Impute or drop them first, in a Pipeline for example "
                "(sklearn.impute.SimpleImputer)."
            )
