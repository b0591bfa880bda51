"""Anderson acceleration of a fixed-point iteration, undone where it does not help."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._range import power_of_two

Array = NDArray[Any]

MEMORY = 6
"""Images that are combined; more helps little and takes memory."""

REGULARISATION = 1e-10
"""Keeps moves that are nearly parallel from exploding (Scieur, d'Aspremont and Bach, "Regularized
nonlinear acceleration", Mathematical Programming 179, 2020)."""


class Anderson:
    r"""Extrapolates the iteration :math:`z_{k+1} = f(z_k)` of a nonexpansive map.

    .. math:: \hat z = \sum_k c_k f(z_k), \quad
              c = \arg\min_{1'c = 1} \Bigl\| \sum_k c_k (f(z_k) - z_k) \Bigr\|

    [1]_. Steps of the iteration itself never grow. An extrapolation from which the step is longer
    than the last one before it is undone, so that they still do not [2]_.

    Parameters
    ----------
    z : ndarray
        Where the iteration starts.

    References
    ----------
    .. [1] D. Anderson, "Iterative procedures for nonlinear integral equations", Journal of the
       ACM 12, 1965.
    .. [2] J. Zhang, B. O'Donoghue and S. Boyd, "Globally convergent type-I Anderson acceleration
       for nonsmooth fixed-point iterations", SIAM J. Optimization 30, 2020.
    """

    def __init__(self, z: Array) -> None:
        self._latest = z
        self._images: deque[Array] = deque(maxlen=MEMORY)
        self._moves: deque[Array] = deque(maxlen=MEMORY)
        self._fallback: tuple[Array, float] | None = None

    def remember(self, image: Array) -> None:
        """Add f(z) of the latest z, and go on from it."""
        self._images.append(image.ravel())
        self._moves.append((image - self._latest).ravel())
        self._latest = image

    def extrapolate(self) -> Array:
        """Go on from the best combination of the images."""
        moves, latest = np.array(self._moves), self._moves[-1]
        # Only their directions and ratios matter: moves of 1e-162 have no Gramian of their own.
        moves /= power_of_two(np.abs(moves).max(initial=0.0))
        gramian = moves @ moves.T
        total = np.trace(gramian)
        if total > 0:
            self._fallback = self._latest, _length(latest)
            gramian.flat[:: len(gramian) + 1] += REGULARISATION * total
            c = np.linalg.solve(gramian, np.ones(len(gramian)))
            best = c / c.sum() @ np.array(self._images)
            self._latest = best.reshape(self._latest.shape)
        return self._latest

    def undo(self, move: Array) -> Array | None:
        """The image to go back to, where the move f(z) - z of the extrapolation is too long."""
        fallback, self._fallback = self._fallback, None
        if fallback is None or _length(move) <= fallback[1]:
            return None
        self._latest = fallback[0]
        self._images.clear()
        self._moves.clear()
        return self._latest


def _length(move: Array) -> float:
    unit = power_of_two(np.abs(move).max(initial=0.0))
    return float(np.linalg.norm(move / unit)) * unit
