"""Products of a large X with few columns, by blocks of rows.

Such a product takes about as long as reading X, unless it goes through kernels that were made for
square matrices and copy X to suit these. OpenBLAS has others for products of at most a million
multiplications (``dgemm_small_kernel_permit``): blocks of rows are as small as that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

BLOCK = 2**19
"""Multiplications of a block."""

FEW_COLUMNS = 128
"""Columns up to which blocks are faster: by six times for 2, a third for 100."""


def times(X: Any, W: Array) -> Array:
    """X W for W (n_features, n_columns)."""
    if not _is_by_blocks(X, W.shape[1]) or not X.flags.c_contiguous:
        return np.asarray(X @ W)
    # The order that the kernels are made for.
    W, product = np.ascontiguousarray(W), np.empty((len(X), W.shape[1]))
    for rows in _blocks(X, W.shape[1]):
        np.matmul(X[rows], W, out=product[rows])
    return product


def transposed_times(X: Any, U: Array) -> Array:
    """X' U for U (n_samples, n_columns)."""
    if not _is_by_blocks(X, U.shape[1]):
        return np.asarray(X.T @ U)
    if not X.flags.c_contiguous:
        product = np.zeros((X.shape[1], U.shape[1]))
        for rows in _blocks(X, U.shape[1]):
            product += X[rows].T @ U[rows]
        return product
    U, product = np.ascontiguousarray(U), np.zeros((U.shape[1], X.shape[1]))
    for rows in _blocks(X, U.shape[1]):
        product += U[rows].T @ X[rows]
    return np.ascontiguousarray(product.T)


def _is_by_blocks(X: Any, n_columns: int) -> bool:
    """Whether there are several columns, few enough, of X that is one piece of memory."""
    if sparse.issparse(X) or not 1 < n_columns <= FEW_COLUMNS:
        return False
    return bool(X.size * n_columns > 2 * BLOCK and X.flags.forc)


def _blocks(X: Array, n_columns: int) -> Iterator[slice]:
    size = max(BLOCK // (X.shape[1] * n_columns), 1)
    return (slice(start, start + size) for start in range(0, len(X), size))
