"""Alphas to try, from the smallest one at which nothing is learned."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def alpha_grid(alpha_max: float, *, eps: float, n_alphas: int, size: float) -> NDArray[Any]:
    """Geometric grid from ``alpha_max`` to ``eps`` times it; ``size`` is that of X' y.

    Where ``alpha_max`` is what rounding leaves of nothing, one tiny alpha many times.
    """
    tiny = np.finfo(np.float64).resolution
    # In the units of X and y.
    if alpha_max <= tiny * min(size, 1.0):
        return np.full(n_alphas, tiny)
    return np.geomspace(alpha_max, alpha_max * eps, n_alphas)
