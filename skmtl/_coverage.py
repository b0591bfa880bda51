"""The share of labels that intervals are to hold, and intervals that hold it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Array = NDArray[Any]


def check_coverage(coverage: float) -> float:
    """The same number, between 0 and 1.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not 0.0 < coverage < 1.0:
        raise ValueError(f"coverage must be between 0 and 1, got {coverage!r}.")
    return float(coverage)


def student_interval(mean: Array, std: Array, n_left: Array, coverage: float) -> Array:
    r"""Ends of :math:`\hat y \pm t_{\nu, (1 + c) / 2} \, s`, (..., 2).

    ``n_left`` are the degrees of freedom :math:`\nu` of the variance of the noise; without any
    nothing is known of it, and ends are infinite.
    """
    quantile = np.where(n_left > 0, student.ppf(0.5 + 0.5 * coverage, n_left), np.inf)
    return np.stack([mean - quantile * std, mean + quantile * std], axis=-1)
