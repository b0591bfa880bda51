"""Linear systems that are known by their products alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

FLAT = 1e-28
"""Curvature, relative to the largest, that rounding leaves where there is none."""


def conjugate_gradients(
    product: Callable[[Array], Array],
    residual: Array,
    start: Array,
    *,
    target: float,
    max_iter: int,
    precondition: Callable[[Array], Array] | None = None,
    in_energy: bool = False,
) -> tuple[Array, float]:
    r"""Solve H z = g for positive semidefinite H: the best z, and the size of its residual.

    Parameters
    ----------
    product : callable
        d to H d.
    residual : ndarray
        g - H z at the start.
    start : ndarray
        z at the start.
    target : float
        Size of the residual r to stop at.
    max_iter : int
        Largest number of products.
    precondition : callable or None, default=None
        r to M r, for M close to the inverse of H.
    in_energy : bool, default=False
        Whether the size of r is r'M r, and not its norm.

    Notes
    -----
    It ends early where H does not bend along a direction: steps after that follow rounding
    errors. For the same reason z is not the last one but the one of smallest residual.
    """
    z, r, steepest = start, residual, 0.0
    p = precondition(r) if precondition else r
    rp, d = float(np.vdot(r, p)), p
    best, least = z, rp if in_energy else float(np.linalg.norm(r))
    for _ in range(max_iter):
        if least <= target:
            break
        Hd = product(d)
        curvature, dd = float(np.vdot(d, Hd)), float(np.vdot(d, d))
        steepest = max(steepest, curvature / (dd or 1.0))
        if not curvature > FLAT * steepest * dd:
            break
        z = z + rp / curvature * d
        r = r - rp / curvature * Hd
        p = precondition(r) if precondition else r
        rp, previous = float(np.vdot(r, p)), rp
        size = rp if in_energy else float(np.linalg.norm(r))
        if size < least:
            best, least = z, size
        d = p + rp / previous * d
    return best, least
