"""Positions that can be taken without a copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray


def as_slice(index: NDArray[Any]) -> NDArray[Any] | slice:
    """A slice where the index is contiguous, so that taking it makes no copy; else the index."""
    n = len(index)
    if n and index[-1] - index[0] == n - 1 and (n == 1 or (index[1:] > index[:-1]).all()):
        return slice(int(index[0]), int(index[-1]) + 1)
    return index


def batches(n: int, size: int) -> Iterator[slice]:
    """Slices of ``size`` positions, of n in all."""
    return (slice(start, min(start + size, n)) for start in range(0, n, size))
