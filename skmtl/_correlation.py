"""How much the columns of two matrices go together."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# A correlation over two rows is always 1 or -1.
FEWEST_ROWS = 3


def cosine(A: Array, B: Array) -> float:
    r"""Cosine of two columns; of several, :math:`\|A'B\|_F / \sqrt{\|A'A\|_F \|B'B\|_F}`.

    That has no sign. NaN where one is zero.
    """
    product = A.T @ B
    size = np.sqrt(np.linalg.norm(A.T @ A) * np.linalg.norm(B.T @ B))
    if not product.size or not size:
        return float("nan")
    return (product.item() if product.size == 1 else float(np.linalg.norm(product))) / float(size)


def correlation(A: Array, B: Array, weight: Array) -> float:
    """`cosine` of columns around their weighted means; NaN for fewer than three rows."""
    if len(weight) < FEWEST_ROWS:
        return float("nan")
    root = np.sqrt(weight)[:, None]
    return cosine(*((M - np.average(M, axis=0, weights=weight)) * root for M in (A, B)))
