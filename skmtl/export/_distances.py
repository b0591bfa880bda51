"""Products and distances of rows, (n, m)."""

from __future__ import annotations

import torch
from torch import Tensor

from skmtl.kernel._pairs import ROUNDING

AT_ONCE = 2**14
"""Differences of a row from rows of the fit, in numbers, that are in memory at a time."""


def products(X: Tensor, Z: Tensor) -> Tensor:
    """X Z'."""
    return X @ Z.transpose(0, 1)


def squared_distances(X: Tensor, Z: Tensor) -> Tensor:
    """Squared Euclidean distances; 0 for what is rounding."""
    left, right = (X * X).sum(-1, keepdim=True), (Z * Z).sum(-1)
    total = left + right
    squares = total - 2.0 * products(X, Z)
    return squares.masked_fill(squares <= ROUNDING * total, 0.0)


def l1_distances(X: Tensor, Z: Tensor) -> Tensor:
    """Sums of absolute differences."""
    size = max(1, AT_ONCE // max(1, Z.shape[1]))
    parts = [(X[:, None] - some).abs().sum(-1) for some in Z.split(size)]
    return torch.cat(parts, 1) if len(parts) > 1 else parts[0]
