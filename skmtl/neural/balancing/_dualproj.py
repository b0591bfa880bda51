"""The mean gradient without its conflicts."""

from __future__ import annotations

import numpy as np

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._dual_cone import project_on_dual_cone


class DualProj(GramianBalancing):
    r"""Projection of the mean gradient on the directions that raise no loss.

    .. math:: d = \operatorname*{argmin}_{y : Jy \geq 0} \|y - g_0\|, \quad
        g_0 = \frac1T \sum_t g_t

    with the gradients as rows of J. It is cheaper than `UPGrad`, but a long gradient has more of
    a say in what becomes of the short ones.

    Parameters
    ----------
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Lopez-Paz and Ranzato, "Gradient episodic memory for continual learning", NeurIPS 2017,
    eq. 11, as named in Quinton and Rey, arXiv 2406.16232, 2024.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import DualProj
    >>> DualProj().weights(np.array([[18.0, -22.0], [-22.0, 38.0]]))
    array([0.61111111, 0.5       ])
    """

    alias = "dualproj"

    def weights(self, gramian: Array) -> Array:
        """Weights, none below 1 / n_tasks."""
        mean = np.full((1, len(gramian)), 1 / len(gramian))
        return project_on_dual_cone(gramian, mean)[0]
