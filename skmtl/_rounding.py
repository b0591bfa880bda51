"""Numbers that are the same but for rounding."""

from __future__ import annotations

from typing import Any

import numpy as np

ROUNDING = 10.0
"""Relative errors of one number that sums and means of many may have."""


def varies(spread: Any, largest: Any, dtype: Any = np.float64) -> Any:
    """Whether a spread is more than the rounding error of numbers of at most some magnitude.

    ``spread`` is whatever measures it (range, standard deviation, largest deviation), of one set
    of numbers or, in an array, of several; ``dtype`` is what the numbers were stored in.
    """
    return spread > ROUNDING * np.finfo(dtype).eps * largest
