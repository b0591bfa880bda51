"""Gradients without what they have against each other."""

from __future__ import annotations

import numpy as np

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.neural.balancing._task_random import TaskRandom


class PCGrad(GramianBalancing):
    r"""Projecting conflicting gradients.

    Each gradient meets the others in a random order, and loses its part against them:

    .. math:: g_i \leftarrow g_i - \frac{\min(g_i' g_j, 0)}{\|g_j\|^2} g_j,

    where :math:`g_j` are the original gradients. The step follows the sum of the results.

    Parameters
    ----------
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Yu, Kumar, Gupta, Levine, Hausman and Finn, "Gradient surgery for multi-task learning",
    NeurIPS 2020, algorithm 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.neural.balancing import PCGrad
    >>> PCGrad().weights(np.array([[18.0, -22.0], [-22.0, 38.0]]))
    array([2.22222222, 1.57894737])
    """

    alias = "pcgrad"

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._draws = TaskRandom(info.seeds, info.task_keys)

    def _weights_of(self, model: int, members: Array, gramian: Array, losses: Array) -> Array:
        """Weights with orders drawn anew."""
        chance = self._draws.for_pairs(model)[np.ix_(members, members)]
        return _surgery(gramian, orders(chance))

    def weights(self, gramian: Array) -> Array:
        """Weights where all meet the others from the first to the last."""
        return _surgery(gramian, orders(np.tile(np.arange(len(gramian)), (len(gramian), 1))))


def orders(chance: Array) -> Array:
    """Whom each task meets, one after the other (n_tasks, n_tasks - 1): others by chance."""
    chance = chance.astype(float)
    np.fill_diagonal(chance, np.inf)
    return np.argsort(chance, axis=1)[:, :-1]


def _surgery(gramian: Array, met: Array) -> Array:
    """Sum of the changed gradients, as weights of the original ones."""
    gramian = np.array(gramian, dtype=float)
    weights, rows = np.eye(len(gramian)), np.arange(len(gramian))
    squares = np.diagonal(gramian)
    inverse = np.divide(1.0, squares, where=squares > 0, out=np.zeros(len(squares)))
    for j in met.T:
        # All tasks at once, each with the one that it meets now.
        against = np.einsum("ij,ij->i", weights, gramian.take(j, axis=0))
        weights[rows, j] -= np.minimum(against, 0.0) * inverse[j]
    return weights.sum(axis=0)
