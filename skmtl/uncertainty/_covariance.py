r"""Covariance of residuals of which some are missing, as if they were normal with mean 0.

EM [1]_: with the covariance S, the missing residuals of a row have mean
:math:`\hat r_M = S_{MO} S_{OO}^{-1} r_O` and covariance
:math:`S_{MM} - S_{MO} S_{OO}^{-1} S_{OM}`, and the next S is the mean of
:math:`\hat r \hat r'` plus that. A residual more of size 1 for each task keeps it regular.

References
----------
.. [1] R. J. A. Little and D. B. Rubin, "Statistical analysis with missing data", Wiley 2002,
   section 11.2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

STEPS, SMALL = 100, 1e-3
"""Steps at most, and the change of a covariance of residuals of size 1 that ends them."""


def covariance_of(residuals: Array, weights: Array) -> Array:
    """Covariance (T, T) of rows (n, T), NaN where missing, of size about 1, with these weights."""
    observed = ~np.isnan(residuals)
    patterns, unit = patterns_of(observed), np.eye(residuals.shape[1])
    filled, total = np.where(observed, residuals, 0.0), weights.sum() + 1.0
    covariance: Array = unit
    for _ in range(STEPS):
        rest = unit.copy()
        for labels, rows in patterns:
            missing = np.setdiff1d(np.arange(len(unit)), labels)
            if not len(missing):
                continue
            across = covariance[np.ix_(missing, labels)]
            slope = np.linalg.solve(covariance[np.ix_(labels, labels)], across.T).T
            filled[np.ix_(rows, missing)] = residuals[np.ix_(rows, labels)] @ slope.T
            left = covariance[np.ix_(missing, missing)] - slope @ across.T
            rest[np.ix_(missing, missing)] += weights[rows].sum() * left
        last, covariance = covariance, ((filled * weights[:, None]).T @ filled + rest) / total
        if observed.all() or np.abs(covariance - last).max() <= SMALL:
            break
    return covariance


def patterns_of(observed: Array) -> list[tuple[Array, Array]]:
    """The labels that rows have, and the rows that have just these."""
    kinds, kind_of_row = np.unique(observed, axis=0, return_inverse=True)
    order = np.argsort(kind_of_row.ravel(), kind="stable")
    ends = np.bincount(kind_of_row.ravel(), minlength=len(kinds)).cumsum()
    parts = np.split(order, ends[:-1])
    return [(np.flatnonzero(kind), rows) for kind, rows in zip(kinds, parts, strict=True)]
