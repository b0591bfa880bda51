"""Fair shares of a step, between the sum of gains and the least gain."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._cosines import cosines_of
from skmtl.neural.balancing._nash_solver import bargain


class FairGrad(GramianBalancing):
    r"""Alpha-fair gains: the larger alpha, the more the worst-off task counts.

    With gains :math:`g_t' d` the maximum of :math:`\sum_t (g_t' d)^{1 - \alpha} / (1 - \alpha)`
    in a ball has :math:`d = \sum_t w_t g_t` with

    .. math:: G w = w^{-1 / \alpha}, \quad w > 0,

    G the Gramian. :math:`\alpha = 1` is `NashMTL`. Solved by Newton's method as a convex
    program; at a Pareto-stationary point no solution exists, and d is 0 along what cancels.

    Parameters
    ----------
    alpha : float, default=1.0
        Near 0 the step follows the sum of the gradients; 1 is proportional fairness; large
        values lead to the largest least gain.
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Ban and Ji, "Fair resource allocation in multi-task learning", ICML 2024, eq. 4.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import FairGrad
    >>> FairGrad(alpha=2.0).weights(np.array([[4.0, 0.0], [0.0, 0.25]]))
    array([0.397, 2.52 ])
    """

    alias = "fairgrad"
    _parameter_constraints: ClassVar = {
        **GramianBalancing._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self, *, alpha: float = 1.0, conflict_space: str = "shared", update_weights_every: int = 1
    ) -> None:
        super().__init__(conflict_space=conflict_space, update_weights_every=update_weights_every)
        self.alpha = alpha

    def weights(self, gramian: Array) -> Array:
        """Positive weights; 0 for a task without gradient."""
        norms, cosines = cosines_of(gramian)
        moving = norms > 0
        weights = np.zeros(len(norms))
        if moving.any():
            power, largest = 1 / self.alpha, norms.max()
            # With w = a / |g| for gradients of norm 1, in units of the longest gradient.
            relative = norms[moving] / largest
            scale = np.maximum(relative ** (power - 1), 1e-200)
            a = bargain(cosines[np.ix_(moving, moving)], scale, power)
            weights[moving] = a / relative * largest ** (-2 / (1 + power))
        return weights
