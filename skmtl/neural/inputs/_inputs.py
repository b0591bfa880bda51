"""From validated X to what a network reads, fitted once and then only applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import get_tags

from skmtl.neural.inputs._base import TrainedEmbedding
from skmtl.neural.inputs._labels import as_numbers
from skmtl.neural.inputs._parts import (
    Codes,
    Missing,
    OneHot,
    Part,
    fit_categories,
    fit_embedded,
)
from skmtl.neural.inputs._scaling import Scaling, fit_scaling, with_missing
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

# Quantiles of so many rows, drawn at random, are as good as those of all: their standard error
# is half a percent of the distance between quartiles.
SAMPLE = 100_000
# Numbers that stand for one of many categories (Holzmueller et al., "Better by default",
# NeurIPS 2024, table A.1).
TABLE_WIDTH = 8
# Numbers that are transformed at a time.
CHUNK = 2**18


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a network reads: the numbers of X, scaled, and further columns to their right.

    Parameters
    ----------
    settings : dict
        Parameters of the estimator that decide.
    row_shape : tuple of int
        Shape of a row of X.
    numbers : ndarray of int or None
        Columns of X that are numbers; None for all.
    scaling : Scaling or None
        Of the numbers; None for rows that are no vectors, which are read as they are.
    parts : sequence of Part
        The further columns.
    numeric : TrainedEmbedding or None
        What makes more columns in the network.
    """

    settings: dict[str, Any]
    row_shape: tuple[int, ...]
    numbers: Array | None = None
    scaling: Scaling | None = None
    parts: Sequence[Part] = ()
    numeric: TrainedEmbedding | None = None

    @property
    def n_inputs(self) -> int | tuple[int, ...]:
        """Numbers that the network reads of a row; its shape, if that is no vector."""
        if len(self.row_shape) > 1:
            return self.row_shape
        return self._n_numbers + sum(part.n_columns for part in self.parts)

    @property
    def n_plain(self) -> int:
        """How many of them are read as they are; to their right are numbers of categories."""
        assert isinstance(self.n_inputs, int)
        return self.n_inputs - sum(isinstance(part, Codes) for part in self.parts)

    @property
    def embedding(self) -> dict[str, Any] | None:
        """What is trained before the network, in the words of `NetworkSpec`."""
        tables = tuple(part.n_rows for part in self.parts if isinstance(part, Codes))
        numeric = self.numeric if self._n_numbers else None
        if numeric is None and not tables:
            return None
        return {
            "n_numbers": self._n_numbers,
            "numeric": numeric,
            "tables": tables,
            "width": TABLE_WIDTH,
        }

    @property
    def one_hot(self) -> Inputs:
        """The same with a column for each category of a table, so that distances mean something."""
        parts = [
            OneHot(part.column, part.place) if isinstance(part, Codes) else part
            for part in self.parts
        ]
        return replace(self, parts=parts)

    @property
    def _n_numbers(self) -> int:
        return self.row_shape[0] if self.numbers is None else len(self.numbers)

    def reads_as(self, other: Inputs) -> bool:
        """Whether what is read of a row is known to be the same: numbers, scaled alike."""
        some, others = (None if one.parts else one.scaling for one in (self, other))
        if some is None or others is None or self.numbers is not None or other.numbers is not None:
            return self is other
        pairs: Any = (some.center, others.center), (some.factor, others.factor)
        return some.clips == others.clips and all(np.array_equal(*pair) for pair in pairs)

    def transform(self, X: Any, rows: Array | None = None, dtype: Any = None) -> Any:
        """What the network reads of all rows, or of some, in some dtype; no copy if it is X.

        ``X`` is left as it is. Rows are transformed some at a time: X itself and what is returned
        are the only large arrays.
        """
        dtype = np.dtype(X.dtype if dtype is None else dtype)
        if self.scaling is None or self._leaves(X):
            return (X if rows is None else X[rows]).astype(dtype, copy=False)
        if sparse.issparse(X) and not self.parts and not self.scaling.center.any():
            # As `fit` has seen them. After a fit to dense X they become dense.
            X = (X if rows is None else X[rows]).astype(dtype, copy=True)
            self.scaling.apply_sparse(X)
            return X
        n_rows, n_inputs = X.shape[0] if rows is None else len(rows), self.n_inputs
        assert isinstance(n_inputs, int)
        out = np.empty((n_rows, n_inputs), dtype)
        size = max(1, CHUNK // n_inputs)
        for start in range(0, n_rows, size):
            some = slice(start, start + size)
            part = X[some] if rows is None else X[rows[some]]
            self._write(part.toarray() if sparse.issparse(part) else part, out[some])
        return out

    def _leaves(self, X: Any) -> bool:
        """Whether the network reads X as it is."""
        assert self.scaling is not None
        if self.scaling.factor is not None or self.parts or self.numbers is not None:
            return False
        return sparse.issparse(X) or not np.isnan(X.min(initial=0.0))

    def _write(self, X: Array, out: Array) -> None:
        assert self.scaling is not None
        start = self._n_numbers
        Z = out[:, :start]
        self.scaling.apply(X if self.numbers is None else X[:, self.numbers], Z)
        for part in self.parts:
            stop = start + part.n_columns
            part.write(X, Z, out[:, start:stop])
            start = stop


def fit_inputs(
    X: Any,
    targets: Targets,
    *,
    feature_scaling: str | None = None,
    numeric_embedding: Any = None,
    categories: Mapping[int, int] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Inputs:
    """What a network reads of rows like these, all of which have labels.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, n_features), or ndarray of shape (n, ...)
        Features; NaN where missing, if dense.
    targets : Targets
        Labels.
    feature_scaling : {"robust", "standard"} or None
        See `fit_scaling`.
    numeric_embedding : transformer, TrainedEmbedding or None
        Not fitted yet.
    categories : dict of int, default=None
        For each column of categories how many there are: it holds their numbers.
    settings : dict, default=None
        What is kept as settings.

    Raises
    ------
    ValueError
        If rows are no vectors, or are sparse, and more is asked for than they allow.
    """
    settings = dict(settings or {})
    _check(X, feature_scaling=feature_scaling, numeric_embedding=numeric_embedding)
    if X.ndim > 2 or not X.shape[0]:
        return Inputs(settings, X.shape[1:])
    numbers: Array | None = None
    parts: list[Part] = []
    tables: list[Any] = []
    if categories:
        numbers = np.setdiff1d(np.arange(X.shape[1]), list(categories))
    if not sparse.issparse(X):
        gaps = np.setdiff1d(with_missing(X), list(categories or ()))
        parts += [Missing(gaps)] if len(gaps) else []
        tables = fit_categories(X, categories or {})
    rows = rows_of_a_sample(X)
    if len(rows) < X.shape[0]:
        X, targets = X[rows], targets.take(rows)
    row_shape = X.shape[1:]
    X = X if numbers is None else X[:, numbers]
    scaling = fit_scaling(feature_scaling, X)
    trained = numeric_embedding if hasattr(numeric_embedding, "layer") else None
    if numeric_embedding is not None and trained is None and X.shape[1]:
        Z = np.empty(X.shape)
        scaling.apply(X, Z)
        needs_labels = get_tags(numeric_embedding).target_tags.required
        y = as_numbers(targets) if needs_labels else None
        embedded = fit_embedded(clone(numeric_embedding), Z, y)
        parts += [embedded] if embedded.n_columns else []
    return Inputs(settings, row_shape, numbers, scaling, [*parts, *tables], trained)


def rows_of_a_sample(X: Any) -> Array:
    """Rows whose quantiles are as good as those of all; fewer where a source has wide ones."""
    n_rows, size = X.shape[0], min(SAMPLE, getattr(X, "most_rows", SAMPLE))
    if n_rows <= size:
        return np.arange(n_rows)
    return np.sort(np.random.default_rng(0).choice(n_rows, size, replace=False))


def _check(X: Any, **settings: Any) -> None:
    """Raise for rows that are no vectors, and for sparse ones with an embedding."""
    for name, value in settings.items():
        if value is None:
            continue
        if X.ndim > 2:
            raise ValueError(
                f"{name}={value!r}: rows of X have shape {X.shape[1:]}; expected vectors. Set "
                f"{name}=None."
            )
        if name == "numeric_embedding" and sparse.issparse(X):
            raise ValueError(
                f"{name}={value!r} needs dense X, but X is sparse: most of its numbers are 0. "
                f"Set {name}=None, or give X.toarray()."
            )
