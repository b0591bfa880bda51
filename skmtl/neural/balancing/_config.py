"""A conflict-free direction of the length of all gradients together."""

from __future__ import annotations

import numpy as np

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._cosines import cosines_of, for_unit_gradients, pseudo_solve


class ConFIG(GramianBalancing):
    r"""Conflict-free inverse gradients: the same angle to all, as long as what they ask for.

    With the unit gradients as rows of N, and u its least-norm solution of :math:`N u = 1`,

    .. math:: d = \Big( \sum_t g_t' b \Big) b, \quad b = u / \|u\|, \quad u = N^{+} 1

    As :math:`u = N' x` with :math:`x = U^{+} 1`, U the Gramian of the unit gradients, the
    weights are :math:`x_t / \|g_t\|` times :math:`\sum_t \|g_t\| [U x]_t / x' U x`.

    Parameters
    ----------
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Liu, Chu and Thuerey, "ConFIG: towards conflict-free training of physics informed neural
    networks", ICLR 2025, eq. 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import ConFIG
    >>> ConFIG().weights(np.array([[4.0, 0.0], [0.0, 0.25]]))
    array([0.625, 2.5  ])
    """

    alias = "config"

    def weights(self, gramian: Array) -> Array:
        """Weights; 0 for a task without gradient."""
        norms, cosines = cosines_of(gramian)
        weights = for_unit_gradients(gramian, lambda U: pseudo_solve(U, np.ones(len(U))))
        x = weights * norms
        square = x @ cosines @ x
        return weights * (norms @ cosines @ x / square) if square > 0 else weights
