"""Each gradient without its conflicts, all counting alike."""

from __future__ import annotations

import numpy as np

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._dual_cone import project_on_dual_cone


class UPGrad(GramianBalancing):
    r"""Unconflicting projection of gradients: the mean of their projections on the dual cone.

    .. math:: d = \frac1T \sum_t \pi(g_t), \quad
        \pi(g) = \operatorname*{argmin}_{y : Jy \geq 0} \|y - g\|

    with the gradients as rows of J. To first order no loss rises, and a gradient counts in
    proportion to its length. Without conflicts this is the mean of the gradients; two tasks give
    half of `PCGrad`. The projections are exact.

    Parameters
    ----------
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Quinton and Rey, "Jacobian descent for multi-objective optimization", arXiv 2406.16232, 2024,
    eq. 3 and proposition 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import UPGrad
    >>> UPGrad().weights(np.array([[18.0, -22.0], [-22.0, 38.0]]))
    array([1.11111111, 0.78947368])
    """

    alias = "upgrad"

    def weights(self, gramian: Array) -> Array:
        """Weights, none below 1 / n_tasks."""
        return project_on_dual_cone(gramian, np.eye(len(gramian))).mean(axis=0)
