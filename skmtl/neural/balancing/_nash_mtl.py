"""The step that tasks agree on as Nash's bargaining solution."""

from __future__ import annotations

import numpy as np

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._cosines import for_unit_gradients
from skmtl.neural.balancing._nash_solver import bargain


class NashMTL(GramianBalancing):
    r"""Nash bargaining: the direction d that maximises the product of the tasks' gains.

    With gains :math:`g_t' d` the maximum of :math:`\sum_t \log g_t' d` in a ball has
    :math:`d = \sum_t a_t g_t` with

    .. math:: G a = 1 / a, \quad a > 0,

    G the Gramian. Scaling a loss scales its weight inversely: d stays the same, and
    :math:`\|d\|^2 = T`. Published code solves a sequence of convex programs; here it is one,
    :math:`\min_a \frac12 a'Ga - \sum_t \log a_t`, solved by Newton's method. At a Pareto-stationary
    point no solution exists, and d is 0 along what cancels.

    Parameters
    ----------
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Navon, Shamsian, Achituve, Maron, Kawaguchi, Chechik and Fetaya, "Multi-task learning as a
    bargaining game", ICML 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import NashMTL
    >>> NashMTL().weights(np.array([[4.0, 0.0], [0.0, 0.25]]))
    array([0.5, 2. ])
    """

    alias = "nash_mtl"

    def weights(self, gramian: Array) -> Array:
        """Positive weights; 0 for a task without gradient."""
        return for_unit_gradients(gramian, lambda G: bargain(G, np.ones(len(G)), 1.0))
