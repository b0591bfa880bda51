"""Predicted intervals beside labels, and how many of the labels are inside."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import ndtri

COVERAGE = 0.9
"""Of the intervals that are drawn where nobody asks for others."""


def intervals_of(estimator: Any, X: Any, coverage: float | None = COVERAGE) -> Any:
    """Intervals (n, 2) of the labels of a task, as a function of its position, or None.

    None where the estimator has none, or ``coverage`` is None.
    """
    if coverage is None or not hasattr(estimator, "predict_interval"):
        return None
    found = np.asarray(estimator.predict_interval(X, coverage), dtype=np.float64)
    return lambda position: found[:, position] if found.ndim == 3 else found


def covered(labels: Any, interval: Any, weight: Any = None) -> tuple[float, int]:
    """Share of the labels inside, of those with an interval, and how many these are."""
    known = ~np.isnan(interval).any(axis=1)
    if not known.any():
        return float("nan"), 0
    low, high = interval[known].T
    values = labels[known].astype(np.float64)
    inside = (low <= values) & (values <= high)
    weight = None if weight is None else weight[known]
    return float(np.average(inside, weights=weight)), int(known.sum())


def wilson(share: Any, n: Any, confidence: float = 0.95) -> tuple[Any, Any]:
    """Interval [1]_ of a share of ``n``; it stays between 0 and 1.

    References
    ----------
    .. [1] E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
       Journal of the American Statistical Association 22, 1927.
    """
    z = float(ndtri(0.5 + confidence / 2))
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return middle - half, middle + half
