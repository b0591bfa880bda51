"""Columns of X on one scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis, min_max_axis

from skmtl._rounding import varies

Array = NDArray[Any]

# Scaled values end here. Holzmueller et al. have 3, which saturates heavy tails (measured:
# benchmarks/accuracy, sarcos).
LIMIT = 5.0
# Difference of the quartiles of a normal distribution with standard deviation 1.
NORMAL = 1.3489795
# A standard deviation so many times what the quartiles say is that of outliers (measured as well).
OUTLIERS = 3.0
# Beyond it the smooth clip is LIMIT to eleven digits, and the square of it fits into float32.
FAR = 1e6
# Quantiles at a time, in numbers: bounds the memory they take.
BLOCK = 2**24


@dataclass(frozen=True)
class Scaling:
    """An affine map of each column, and a smooth clip; what is missing is in the centre.

    Parameters
    ----------
    center : ndarray of shape (n_features,)
        What is subtracted.
    factor : ndarray of shape (n_features,) or None
        What is then multiplied with; None for columns that stay as they are.
    clips : bool
        Whether `smooth_clip` follows.
    """

    center: Array
    factor: Array | None
    clips: bool

    def apply(self, X: Array, out: Array) -> None:
        """Rows (n, n_features), scaled, into ``out``."""
        middle: Any = 0.0
        if self.factor is None:
            out[:], middle = X, self.center
        else:
            with np.errstate(over="ignore"):
                np.subtract(X, self.center, out=out, casting="same_kind")
                np.multiply(out, self.factor, out=out, casting="same_kind")
        if self.clips:
            smooth_clip(out)
        is_missing = np.isnan(out)
        if is_missing.any():
            np.copyto(out, middle, where=is_missing, casting="same_kind")

    def apply_sparse(self, X: Any) -> None:
        """The same for sparse rows, in place, without a centre and nothing missing."""
        if self.factor is None:
            return
        with np.errstate(over="ignore"):
            X.data *= self.factor[X.indices].astype(X.dtype)
        if self.clips:
            smooth_clip(X.data)


def smooth_clip(Z: Array) -> None:
    r""":math:`z / \sqrt{1 + (z / 5)^2}`, in place: between -5 and 5, and about z near 0."""
    np.clip(Z, -FAR, FAR, out=Z)
    Z /= np.sqrt(1.0 + (Z / LIMIT) ** 2)


def fit_scaling(kind: str | None, X: Any) -> Scaling:
    r"""The scaling of a kind, for rows (n, n_features); columns that are constant become 0.

    What is missing, NaN, does not count.

    "robust" subtracts the median and ends in a smooth clip. In between it divides by the standard
    deviation or, where that is less, three times the one that a normal distribution with these
    quartiles has; by half the range where the quartiles are equal. Scale by quartiles, half the
    range and clip are those of [1]_. "standard" takes mean and standard deviation, and clips
    nothing. Sparse columns are not centred.

    References
    ----------
    .. [1] D. Holzmueller, L. Grinsztajn and I. Steinwart, "Better by default: strong pre-tuned
       MLPs and boosted trees on tabular data", NeurIPS 2024, section 3.
    """
    measure = _robust if kind == "robust" else _standard
    if sparse.issparse(X):
        center, spread, largest = measure(X)
        center = np.zeros_like(center)
    else:
        center, spread, largest = _measured(measure, X)
    if kind is None:
        return Scaling(center, None, clips=False)
    has_spread = varies(spread, largest, X.dtype)
    factor = np.divide(1.0, spread, out=np.zeros_like(spread), where=has_spread)
    return Scaling(center, factor, clips=kind == "robust")


def with_missing(X: Array) -> Array:
    """Indices of the columns in which a value is missing."""
    return np.flatnonzero(np.isnan(X.min(axis=0)))


def _measured(measure: Any, X: Array) -> Array:
    """What is measured of every column by the values that are there; 0 where none is."""
    gaps = with_missing(X)
    if not len(gaps):
        return np.array(measure(X))
    found = np.zeros((3, X.shape[1]))
    whole = np.setdiff1d(np.arange(X.shape[1]), gaps)
    if len(whole):
        found[:, whole] = measure(X[:, whole])
    for j in gaps:
        seen = X[~np.isnan(X[:, j]), j]
        if len(seen):
            found[:, [j]] = measure(seen[:, None])
    return found


def _standard(X: Any) -> tuple[Array, Array, Array]:
    """Mean, standard deviation and largest size of every column, in float64."""
    lowest, highest = _extremes(X)
    largest = np.maximum(np.abs(lowest), np.abs(highest))
    # Squares of what is huge would be infinite.
    unit = np.where(largest > 0, largest, 1.0)
    if sparse.issparse(X):
        scaled = X.astype(np.float64)
        scaled.data /= unit[scaled.indices]
        mean, variance = mean_variance_axis(scaled, axis=0)
        return mean * unit, np.sqrt(variance) * unit, largest
    mean, deviation = np.empty_like(unit), np.empty_like(unit)
    for some in _blocks(*X.shape):
        part = X[:, some] / unit[some]
        mean[some] = part.mean(axis=0) * unit[some]
        deviation[some] = part.std(axis=0) * unit[some]
    return mean, deviation, largest


def _robust(X: Any) -> tuple[Array, Array, Array]:
    """Median, spread that no outlier decides, and largest size of every column."""
    _, deviation, largest = _standard(X)
    lowest, highest = _extremes(X)
    # Halves first: the range of what is huge would be infinite.
    center, spread = np.zeros_like(lowest), highest / 2 - lowest / 2
    columns = _dense_columns(X) if sparse.issparse(X) else np.arange(X.shape[1])
    by_column = X.tocsc() if sparse.issparse(X) and len(columns) else X
    for some in _blocks(X.shape[0], len(columns)):
        index = columns[some]
        part = by_column[:, index] if len(index) < X.shape[1] else by_column
        part = part.toarray() if sparse.issparse(part) else part
        lower, center[index], upper = np.quantile(part, [0.25, 0.5, 0.75], axis=0)
        most = 2 * OUTLIERS / NORMAL * (upper / 2 - lower / 2)
        found = np.minimum(deviation[index], most)
        spread[index] = np.where(varies(most, largest[index], X.dtype), found, spread[index])
    return center, spread, largest


def _dense_columns(X: Any) -> Array:
    """Columns in which a quartile may differ from 0; in all others most values are 0."""
    n_rows, n_columns = X.shape
    positive, negative = (
        np.bincount(X.indices[is_used], minlength=n_columns) for is_used in (X.data > 0, X.data < 0)
    )
    return np.flatnonzero(4 * np.maximum(positive, negative) >= n_rows)


def _extremes(X: Any) -> tuple[Array, Array]:
    """Least and largest value of every column, as float64."""
    found = min_max_axis(X, axis=0) if sparse.issparse(X) else (X.min(axis=0), X.max(axis=0))
    return found[0].astype(np.float64), found[1].astype(np.float64)


def _blocks(n_rows: int, n_columns: int) -> list[slice]:
    size = max(1, BLOCK // max(1, n_rows))
    return [slice(start, start + size) for start in range(0, n_columns, size)]
