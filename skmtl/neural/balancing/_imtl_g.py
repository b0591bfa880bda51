"""A direction at the same angle to all gradients."""

from __future__ import annotations

import numpy as np

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._cosines import for_unit_gradients, pseudo_solve


class IMTLG(GramianBalancing):
    r"""Impartial multi-task learning, its gradient part: equal projections on all gradients.

    With unit gradients :math:`u_t = g_t / \|g_t\|` and d the direction,

    .. math:: u_1' d = \dots = u_T' d > 0, \quad \sum_t |w_t| = 1

    so that :math:`w_t \propto [U^{+} 1]_t / \|g_t\|` with U the Gramian of the unit gradients.
    The paper asks for :math:`\sum_t w_t = 1`, which is the same while all weights are positive.
    Otherwise that sum may pass through 0, where the step explodes, and then turn against all
    tasks. Scaling a loss changes the length of d, not where it points.

    Parameters
    ----------
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Liu, Li, Kuang, Xue, Chen, Yang, Liao and Zhang, "Towards impartial multi-task learning",
    ICLR 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import IMTLG
    >>> IMTLG().weights(np.array([[4.0, 0.0], [0.0, 0.25]]))
    array([0.2, 0.8])
    """

    alias = "imtl_g"

    def weights(self, gramian: Array) -> Array:
        """Weights of absolute sum 1; 0 for a task without gradient."""
        weights = for_unit_gradients(gramian, lambda U: pseudo_solve(U, np.ones(len(U))))
        return weights / (np.abs(weights).sum() or 1.0)
