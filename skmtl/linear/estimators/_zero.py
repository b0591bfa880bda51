"""All coefficients are 0: nothing was learned, though there was something to learn."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import ZeroCoefficientsWarning, warn
from skmtl.linear.objective._stream_statistics import StreamStatistics

NOISE = 1e-12
"""Gradient, relative to the data, that is rounding: X or y is constant."""
HARDLY = 0.99
"""Part of alpha_max from which on ``tol`` may well end a fit before its first step."""


def warn_of_zero(
    alpha: float, largest: float, X: Any, values: NDArray[Any], *, tol: float, chooser: str
) -> None:
    """Warn of a fit whose coefficients are all 0, if a smaller alpha would learn something.

    ``largest`` is alpha_max, ``chooser`` the estimator that chooses alpha.
    """
    if isinstance(X, StreamStatistics):
        size = X.largest
    else:
        data = X.data if hasattr(X, "indptr") else X
        size = np.abs(data).max(initial=0.0) * np.abs(values).max(initial=0.0)
    if not NOISE * size < largest < np.inf:
        return
    if alpha >= HARDLY * largest:
        why = (
            f"alpha={alpha:.3g} is not below alpha_max={largest:.2g}, from which on the penalty "
            "leaves nothing else"
        )
    else:
        why = f"tol={tol:g} ends the fit before its first step"
    warn(
        f"All coefficients are 0, and predictions constant: {why}. Take a smaller "
        f"{'alpha' if alpha >= HARDLY * largest else 'tol'}; {chooser} chooses alpha by "
        "cross-validation.",
        ZeroCoefficientsWarning,
    )
