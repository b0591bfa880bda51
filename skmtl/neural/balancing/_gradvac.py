"""Gradients brought to the angles they usually have."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._cosines import cosines_of
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.neural.balancing._pcgrad import orders
from skmtl.neural.balancing._task_random import TaskRandom

# To bring a gradient to a cosine of 1 with another would take an infinite part of it.
LARGEST_COSINE = 0.99
# What is left of a gradient below this part of its length is rounding, and has no angle.
VANISHED = 1e-7


class GradVac(GramianBalancing):
    r"""Gradient vaccine: pairs of gradients keep at least their usual cosine.

    Each gradient meets the others in a random order. Where its cosine :math:`\phi` with
    :math:`g_j` is below the usual one, :math:`\hat\phi_{ij}`, it is brought there:

    .. math:: g_i \leftarrow g_i + \frac{\|g_i\|
        (\hat\phi_{ij} \sqrt{1 - \phi^2} - \phi \sqrt{1 - \hat\phi_{ij}^2})}
        {\|g_j\| \sqrt{1 - \hat\phi_{ij}^2}} g_j

    Then :math:`\hat\phi_{ij} \leftarrow (1 - \beta) \hat\phi_{ij} + \beta \phi`. The step
    follows the sum of the results. While all :math:`\hat\phi` are 0 this is `PCGrad`.

    Parameters
    ----------
    beta : float, default=0.01
        What a new cosine counts in the usual one.
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Wang, Tsvetkov, Firat and Cao, "Gradient vaccine: investigating and improving multi-task
    optimization in massively multilingual models", ICLR 2021.

    Examples
    --------
    Before any cosine is usual, gradients at right angles are left alone, and others lose their
    part against each other:

    >>> import numpy as np
    >>> from skmtl.neural.balancing import GradVac
    >>> GradVac().weights(np.array([[1.0, 0.0], [0.0, 1.0]]))
    array([1., 1.])
    >>> GradVac().weights(np.array([[1.0, -0.5], [-0.5, 1.0]]))
    array([1.5, 1.5])
    """

    alias = "gradvac"
    _parameter_constraints: ClassVar = {
        **GramianBalancing._parameter_constraints,
        "beta": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self, *, beta: float = 0.01, conflict_space: str = "shared", update_weights_every: int = 1
    ) -> None:
        super().__init__(conflict_space=conflict_space, update_weights_every=update_weights_every)
        self.beta = beta

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._draws = TaskRandom(info.seeds, info.task_keys)
        self._usual = np.zeros((info.n_models, info.n_tasks, info.n_tasks))

    def _weights_of(self, model: int, members: Array, gramian: Array, losses: Array) -> Array:
        """Weights with orders drawn anew; the usual cosines take note of the step."""
        pairs = np.ix_(members, members)
        met = orders(self._draws.for_pairs(model)[pairs])
        usual = self._usual[model][pairs]
        weights, cosines = _vaccinate(gramian, met, usual)
        self._usual[model][pairs] = usual + self.beta * (cosines - usual)
        return weights

    def weights(self, gramian: Array) -> Array:
        """Weights while no cosine is usual, others met from the first to the last."""
        met = orders(np.tile(np.arange(len(gramian)), (len(gramian), 1)))
        return _vaccinate(gramian, met, np.zeros(np.shape(gramian)))[0]


def _vaccinate(gramian: Array, met: Array, usual: Array) -> tuple[Array, Array]:
    """Sum of the changed unit gradients' lengths, and the cosines met (n_tasks, n_tasks)."""
    norms, cosines = cosines_of(gramian)
    moving = norms > 0
    # Gradients i in units of their first length, as sums of unit gradients j.
    weights, lengths, rows = np.eye(len(norms)), moving.astype(float), np.arange(len(norms))
    expected = np.take_along_axis(usual, met, axis=1).T
    goals = np.minimum(expected, LARGEST_COSINE)
    sines = np.maximum(np.sqrt(1 - goals**2), VANISHED)
    # Nothing is asked of a gradient that is zero, and nothing learnt.
    asked = np.where(moving[met.T], goals, -np.inf)
    phis = np.empty(goals.shape)
    rounds = zip(met.T, asked, goals / sines, 1 / sines, phis, strict=True)
    # All tasks at once, each with the one that it meets now.
    for j, goal, tangent, secant, phi in rounds:
        products = np.einsum("ij,ij->i", weights, cosines.take(j, axis=0))
        np.clip(products / np.maximum(lengths, VANISHED), -1.0, 1.0, out=phi)
        phi[lengths < VANISHED] = np.nan
        across, is_low = np.sqrt(1 - phi**2), phi < goal
        weights[rows, j] += np.where(is_low, lengths * (tangent * across - phi), 0.0)
        # What is at right angles to the other gradient stays as it is.
        lengths = np.where(is_low, lengths * across * secant, lengths)
    seen = usual.copy()
    is_seen = ~np.isnan(phis) & moving[met.T]
    np.put_along_axis(seen, met, np.where(is_seen, phis, expected).T, axis=1)
    return norms @ weights / np.where(moving, norms, 1.0), seen
