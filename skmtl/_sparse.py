"""Sparse matrices as everybody's formulas expect them."""

from __future__ import annotations

from typing import Any

import numpy as np
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


def keep_columns(X: Any, original: Any) -> None:
    """Let `by_columns` of X, in CSR, be what it was read from, where that is its CSC."""
    if (
        sparse.issparse(original)
        and original.format == "csc"
        and original.dtype == X.dtype
        and original.has_canonical_format
    ):
        # Compiled code is there for indices like those of X.
        index = X.indices.dtype
        parts = original.data, original.indices.astype(index), original.indptr.astype(index)
        # On this object alone: what is made of it, rows of it for example, has none.
        X._columns = sparse.csc_array(parts, shape=original.shape)


def by_columns(X: Any) -> Any:
    """CSC of X, in CSR with one entry a place."""
    kept = getattr(X, "_columns", None)
    return X.tocsc() if kept is None else kept


def side_by_side(blocks: list[Any]) -> Any:
    """CSR with indices no wider than they must be: trees take no others."""
    X = sparse.hstack(blocks, format="csr")
    if max(X.shape[1], X.nnz) <= np.iinfo(np.int32).max:
        X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X
