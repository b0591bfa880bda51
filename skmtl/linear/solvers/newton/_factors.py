"""Stacks of symmetric positive semidefinite systems, prepared once for many right sides."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

Array = NDArray[Any]

FEW = 16
"""Systems up to which each is called for by itself; inverses of more are made together."""

BYTES_AT_ONCE = 16 * 2**20
"""Size of the stacks that are inverted together."""

SINGULAR = 1e-12
"""Pivot, relative to the diagonal, that says no more than rounding does."""

RIDGE = 1e-10
"""What is added to the diagonal of such a system, relative to it."""


class Factors:
    """Solves for a stack of matrices H (m, q, q), which may be written over.

    A singular matrix gets a ridge, so that what it says nothing about is solved by about 0.
    """

    def __init__(self, H: Array) -> None:
        self.n_systems, self.n_unknown = H.shape[:2]
        if self.n_systems <= FEW:
            self._lower = [cholesky(h) for h in H]
        else:
            self.inverse = _inverses(H)

    def solve(self, right: Array) -> Array:
        """Solutions (m, q) for right sides (m, q)."""
        if self.n_systems > FEW:
            return np.matmul(self.inverse, right[:, :, None])[:, :, 0]
        solved = np.empty_like(right)
        for x, c, r in zip(solved, self._lower, right, strict=True):
            x[:] = lapack.dpotrs(c, r, lower=1)[0]
        return solved

    @cached_property
    def inverse(self) -> Array:
        """Inverses (m, q, q)."""
        unit = np.eye(self.n_unknown)
        return np.array([lapack.dpotrs(c, unit, lower=1)[0] for c in self._lower])


def cholesky(H: Array) -> Array:
    """The factor L of H = L L', below the diagonal; of a singular H with a ridge."""
    lower, failed = lapack.dpotrf(H, lower=1, clean=0)
    if failed or _is_singular(lower.diagonal(), H.diagonal()):
        lower, _ = lapack.dpotrf(_with_ridge(H), lower=1, clean=0)
    return lower


def _inverses(H: Array) -> Array:
    """Inverses, in the place of the matrices."""
    n_at_once = max(BYTES_AT_ONCE // (8 * H.shape[1] ** 2), 1)
    for start in range(0, len(H), n_at_once):
        some = H[start : start + n_at_once]
        try:
            pivots = np.einsum("kii->ki", np.linalg.cholesky(some))
            singular = (pivots**2 <= SINGULAR * np.einsum("kii->ki", some)).any(axis=1)
        except np.linalg.LinAlgError:
            singular = np.array([_fails(h) for h in some])
        for k in np.flatnonzero(singular):
            some[k] = _with_ridge(some[k])
        some[:] = np.linalg.inv(some)
    return H


def _fails(H: Array) -> bool:
    lower, failed = lapack.dpotrf(H, lower=1, clean=0)
    return bool(failed) or _is_singular(np.diagonal(lower), np.diagonal(H))


def _is_singular(pivots: Array, diagonal: Array) -> bool:
    return bool((pivots**2 <= SINGULAR * diagonal).any())


def _with_ridge(H: Array) -> Array:
    diagonal = np.diagonal(H)
    largest = float(diagonal.max(initial=0.0))
    # What has no curvature at all has no gradient either.
    is_flat = diagonal <= SINGULAR**2 * largest
    return H + np.diag(np.where(is_flat, largest or 1.0, RIDGE * diagonal))
