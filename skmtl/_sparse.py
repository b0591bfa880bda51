"""Sparse matrices as everybody's formulas expect them."""

from __future__ import annotations

from typing import Any

from scipy import sparse


def without_duplicates(X: Any) -> Any:
    """Sparse X with one entry a place, in order; what is stored twice counts as its sum.

    Products with vectors add duplicates up, but sums of squares of the entries do not. X itself
    stays as it is.
    """
    if sparse.issparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X
