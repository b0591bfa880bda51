"""Numbers whose squares would leave the range of float64."""

from __future__ import annotations

import numpy as np

LARGEST, SMALLEST = 2.0**332, 2.0**-332
"""About 1e100 and 1e-100: sums of squares, and squares of these times data, stay in range."""


def power_of_two(magnitude: float) -> float:
    """What to divide by, so that squares of numbers of this magnitude stay in range.

    1 where they do anyway, and for 0, infinity and NaN; else a power of two, so that nothing is
    rounded.
    """
    if magnitude == 0.0 or SMALLEST <= magnitude <= LARGEST or not np.isfinite(magnitude):
        return 1.0
    return float(np.ldexp(1.0, int(np.frexp(magnitude)[1]) - 1))
