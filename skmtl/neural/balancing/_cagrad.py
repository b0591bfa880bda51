"""The best step for the worst-off task, near the mean gradient."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._cosines import cosines_of, positive_definite
from skmtl.neural.balancing._nonnegative import nonnegative_minima

# A worst gain below this part of what it could be counts as none.
NO_GAIN = 1e-6


class CAGrad(GramianBalancing):
    r"""Conflict-averse gradient: what helps the worst-off task most, close to the mean gradient.

    With the mean gradient :math:`g_0`,

    .. math:: \max_d \min_t g_t' d \quad\text{subject to}\quad \|d - g_0\| \leq c \|g_0\|

    The dual minimises :math:`g_w' g_0 + c \|g_0\| \|g_w\|` over convex combinations :math:`g_w`
    of the gradients. It is solved through the worst gain :math:`\rho = \min_t g_t' d`: the
    closest d to :math:`g_0` that gives all tasks :math:`\rho` is a projection, and
    :math:`\rho` is the largest for which it lies in the ball. Where no d helps all tasks
    (a Pareto-stationary point), :math:`\rho = 0`.

    Parameters
    ----------
    c : float, default=0.5
        Radius of the ball; 0 gives the mean gradient.
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Liu, Liu, Jin, Stone and Liu, "Conflict-averse gradient descent for multi-task learning",
    NeurIPS 2021, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import CAGrad
    >>> CAGrad(c=0.5).weights(np.array([[18.0, -22.0], [-22.0, 38.0]]))
    array([0.70412, 0.5    ])
    """

    alias = "cagrad"
    _parameter_constraints: ClassVar = {
        **GramianBalancing._parameter_constraints,
        "c": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self, *, c: float = 0.5, conflict_space: str = "shared", update_weights_every: int = 1
    ) -> None:
        super().__init__(conflict_space=conflict_space, update_weights_every=update_weights_every)
        self.c = c

    def weights(self, gramian: Array) -> Array:
        """Those of the mean, and what the ball allows on top."""
        norms, cosines = cosines_of(gramian)
        weights = np.full(len(norms), 1 / len(norms))
        to_mean = cosines @ (norms * weights)
        length = np.sqrt(max(to_mean @ (norms * weights), 0.0))
        moving = norms > 0
        if length > 0 and self.c > 0:
            matrix = positive_definite(cosines[np.ix_(moving, moving)])
            multipliers = _largest_gain(
                matrix,
                to_mean[moving] / length,
                norms[moving].min() / norms[moving],
                self.c,
                # A task that no step helps caps the worst gain.
                is_capped=not moving.all(),
            )
            weights[moving] += length * multipliers / norms[moving]
        return weights


def _largest_gain(matrix: Array, to_mean: Array, share: Array, c: float, is_capped: bool) -> Array:
    """Multipliers of the unit gradients in d - g_0, for g_0 of length 1.

    The worst gain rho asks for ``share * rho`` along each unit gradient.
    """

    def multipliers(rho: float) -> Array:
        return nonnegative_minima(matrix, (rho * share - to_mean)[None])[0]

    def size(v: Array) -> float:
        return float(v @ matrix @ v)

    # What the mean gradient gives; what each task alone could gain in the ball. That is reached
    # where others need no help, so rounding must not put it out of bounds.
    low, high = (to_mean / share).min(), ((to_mean + c) / share).min()
    high += 1e-9 * abs(high)
    v = multipliers(0.0)
    if size(v) > c**2:
        high = min(high, 0.0)
    else:
        low = max(low, NO_GAIN * high)
        if is_capped or size(multipliers(low)) >= c**2:
            return v
    rho, asked = (low + high) / 2, None
    while high - low > 1e-14 * max(abs(low), abs(high)):
        v = multipliers(rho)
        on = v > 0
        if asked is not None and (on == asked).all():
            break
        low, high = (low, rho) if size(v) > c**2 else (rho, high)
        rho, asked = _radius_reached(matrix, to_mean, share, c, on), on
        if not low < rho < high:
            rho, asked = (low + high) / 2, None
    return v


def _radius_reached(matrix: Array, to_mean: Array, share: Array, c: float, on: Array) -> float:
    """The rho at which the ball is reached while the positive multipliers stay so."""
    x, y = np.linalg.solve(matrix[np.ix_(on, on)], np.array([share[on], to_mean[on]]).T).T
    # Multipliers are rho x - y, so that the squared size is a quadratic in rho.
    square, mixed, constant = share[on] @ x, share[on] @ y, to_mean[on] @ y - c**2
    return float((mixed + np.sqrt(max(mixed**2 - square * constant, 0.0))) / square)
