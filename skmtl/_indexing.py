"""Positions that can be taken without a copy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_slice(index: NDArray[Any]) -> NDArray[Any] | slice:
    """A slice where the index is contiguous, so that taking it makes no copy; else the index."""
    if len(index) and np.array_equal(index, np.arange(index[0], index[0] + len(index))):
        return slice(int(index[0]), int(index[-1]) + 1)
    return index
