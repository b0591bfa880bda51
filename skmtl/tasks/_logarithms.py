"""Logarithms as losses have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def softplus(x: Array) -> Array:
    """log(1 + e^x), NaN where x is."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def times_log(p: Array) -> Array:
    """p log p for p >= 0, which is 0 at 0; several times faster than `scipy.special.xlogy`."""
    return p * np.log(np.maximum(p, np.finfo(np.float64).tiny))
