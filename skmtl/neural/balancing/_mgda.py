"""The smallest convex combination of the gradients."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cholesky
from scipy.optimize import nnls

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._cosines import cosines_of, positive_definite


class MGDA(GramianBalancing):
    r"""Multiple-gradient descent: the shortest vector between the gradients.

    .. math:: \min_a \Big\| \sum_t a_t g_t \Big\|^2
        \quad\text{subject to}\quad a \geq 0,\; \sum_t a_t = 1

    The direction d has :math:`g_t' d \geq \|d\|^2` for all tasks: it lowers all losses, and is 0
    only where no direction does (a Pareto-stationary point). Tasks with long gradients get small
    weights. The minimum is found exactly, by active sets, where published code takes a limited
    number of Frank-Wolfe steps.

    Parameters
    ----------
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Désidéri, "Multiple-gradient descent algorithm (MGDA) for multiobjective optimization",
    Comptes Rendus Mathématique 350, 2012. Sener and Koltun, "Multi-task learning as
    multi-objective optimization", NeurIPS 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import MGDA
    >>> MGDA().weights(np.array([[18.0, -22.0], [-22.0, 38.0]]))
    array([0.6, 0.4])
    """

    alias = "mgda"

    def weights(self, gramian: Array) -> Array:
        """Weights of sum 1."""
        norms, cosines = cosines_of(gramian)
        if not norms.all():
            return (norms == 0) / np.sum(norms == 0)
        # For unit gradients N and s_t = 1 / |g_t|, the minimum of |N'u|^2 + (s'u - 1)^2 over
        # u >= 0 is a multiple of the solution: nothing but signs constrains it. As s'u is
        # bounded, the ridge only has to outweigh rounding.
        inverse = norms.min() / norms
        factor = np.vstack([cholesky(positive_definite(cosines, 1e-14)), inverse])
        weights = inverse * nnls(factor, np.append(np.zeros(len(norms)), 1.0))[0]
        return weights / weights.sum()
