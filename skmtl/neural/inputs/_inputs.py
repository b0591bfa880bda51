"""From validated X to what a network reads, fitted once and then only applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone
from sklearn.utils import get_tags

from skmtl.neural.inputs._labels import as_numbers
from skmtl.neural.inputs._scaling import Scaling, fit_scaling
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

# Quantiles of so many rows, drawn at random, are as good as those of all: their standard error
# is half a percent of the distance between quartiles.
SAMPLE = 100_000
# Numbers that are transformed at a time.
CHUNK = 2**18
# A column of an embedding that spreads no more is constant.
TINY = 1e-9
# Columns of an embedding count so much less than those of X (measured: with many bins beside
# each number, the numbers themselves must not go down).
SHARE = 2.0**-0.5


@dataclass(frozen=True, eq=False)
class Inputs:
    """What a network reads: scaled columns of X and, to their right, those of an embedding.

    Parameters
    ----------
    settings : dict
        Parameters of the estimator that decide.
    scaling : Scaling or None
        Puts columns on one scale.
    embedding : transformer or None
        Makes further columns of the scaled ones.
    center, factor : ndarray of shape (n_columns,)
        Standardise these.
    n_inputs : int or tuple of int
        Numbers that the network reads of a row; its shape, if that is no vector.
    """

    settings: dict[str, Any]
    n_inputs: int | tuple[int, ...]
    scaling: Scaling | None = None
    embedding: Any = None
    center: Array = field(default_factory=lambda: np.zeros(0))
    factor: Array = field(default_factory=lambda: np.zeros(0))

    def transform(self, X: Any, rows: Array | None = None, dtype: Any = None) -> Any:
        """What the network reads of all rows, or of some, in some dtype; no copy if it is X.

        ``X`` is left as it is. Rows are transformed some at a time: X itself and what is returned
        are the only large arrays.
        """
        dtype = np.dtype(X.dtype if dtype is None else dtype)
        if self.scaling is None and self.embedding is None:
            return (X if rows is None else X[rows]).astype(dtype, copy=False)
        if sparse.issparse(X) and self._keeps_zeros:
            return self._sparse(X if rows is None else X[rows], dtype)
        n_rows = X.shape[0] if rows is None else len(rows)
        assert isinstance(self.n_inputs, int)
        out = np.empty((n_rows, self.n_inputs), dtype)
        size = max(1, CHUNK // self.n_inputs)
        for start in range(0, n_rows, size):
            some = slice(start, start + size)
            part = X[some] if rows is None else X[rows[some]]
            self._fill(part.toarray() if sparse.issparse(part) else part, out[some])
        return out

    @property
    def _keeps_zeros(self) -> bool:
        """Whether sparse rows stay sparse, as they do where `fit` has seen such."""
        is_centered = self.scaling is not None and self.scaling.center.any()
        return self.embedding is None and not is_centered

    def _fill(self, X: Array, out: Array) -> None:
        Z, beside = out[:, : X.shape[1]], out[:, X.shape[1] :]
        _scale(self.scaling, X, Z)
        if self.embedding is not None:
            np.subtract(_embed(self.embedding, Z), self.center, out=beside, casting="same_kind")
            beside *= self.factor

    def _sparse(self, X: Any, dtype: np.dtype[Any]) -> Any:
        X = X.astype(dtype, copy=True)
        if self.scaling is not None:
            self.scaling.apply_sparse(X)
        return X


def fit_inputs(X: Any, targets: Targets, feature_scaling: str | None, embedding: Any) -> Inputs:
    """What a network reads of rows like these, all of which have labels.

    Parameters
    ----------
    X : ndarray or CSR of shape (n, n_features), or ndarray of shape (n, ...)
        Features.
    targets : Targets
        Labels.
    feature_scaling : {"robust", "standard"} or None
        See `fit_scaling`.
    embedding : transformer or None
        Not fitted yet.

    Raises
    ------
    ValueError
        If rows are no vectors, or are sparse, and more is asked for than they allow.
    """
    settings = settings_of(feature_scaling, embedding)
    _check(X, settings)
    if X.ndim > 2:
        return Inputs(settings, X.shape[1:])
    n_rows, n_features = X.shape
    if not n_rows:
        return Inputs(settings, n_features)
    if n_rows > SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(n_rows, SAMPLE, replace=False))
        X, targets = X[rows], targets.take(rows)
    scaling = fit_scaling(feature_scaling, X)
    if embedding is None:
        return Inputs(settings, n_features, scaling)
    Z = np.empty(X.shape)
    _scale(scaling, X, Z)
    needs_labels = get_tags(embedding).target_tags.required
    fitted = clone(embedding).fit(Z, as_numbers(targets) if needs_labels else None)
    columns = _embed(fitted, Z)
    if not columns.shape[1]:
        return Inputs(settings, n_features, scaling)
    center, spread = columns.mean(axis=0), columns.std(axis=0)
    factor = np.divide(SHARE, spread, out=np.zeros_like(spread), where=spread > TINY)
    n_inputs = n_features + columns.shape[1]
    return Inputs(settings, n_inputs, scaling, fitted, center, factor)


def settings_of(feature_scaling: str | None, embedding: Any) -> dict[str, Any]:
    """What two fits must have in common for their networks to read the same."""
    return {"feature_scaling": feature_scaling, "numeric_embedding": embedding}


def _check(X: Any, settings: dict[str, Any]) -> None:
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


def _scale(scaling: Scaling | None, X: Array, out: Array) -> None:
    if scaling is None:
        out[:] = X
    else:
        scaling.apply(X, out)


def _embed(embedding: Any, Z: Array) -> Array:
    """Columns of a fitted embedding, dense."""
    columns = embedding.transform(Z)
    return np.asarray(columns.toarray() if sparse.issparse(columns) else columns)
