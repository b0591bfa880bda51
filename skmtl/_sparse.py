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


def side_by_side(blocks: list[Any]) -> Any:
    """CSR with indices no wider than they must be: trees take no others."""
    X = sparse.hstack(blocks, format="csr")
    if max(X.shape[1], X.nnz) <= np.iinfo(np.int32).max:
        X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X
