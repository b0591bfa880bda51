"""Gradients of balanced lengths."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skmtl.neural.balancing._base import Array, GramianBalancing
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.neural.balancing._loss_ops import SMALLEST_LOSS


class GradNorm(GramianBalancing):
    r"""Gradient normalisation: tasks that lag behind get longer gradients.

    The weights w, of sum T, learn to minimise

    .. math:: \sum_t \big| w_t \|g_t\| - \bar g\, \rho_t \big|, \quad
        \bar g = \tfrac1T \sum_t w_t \|g_t\|, \quad
        \rho_t = \frac{(L_t / L_t(0))^\alpha}{\tfrac1T \sum_s (L_s / L_s(0))^\alpha}

    with the targets held fixed and :math:`L_t(0)` the first loss. The paper divides by the mean
    before it takes the power: unless :math:`\alpha = 1`, not all targets can be met then. A step
    is taken on the logarithms of w, in units of :math:`\bar g`: that keeps weights positive, and
    the rate from depending on the scale of the losses.

    Parameters
    ----------
    alpha : float, default=1.5
        How strongly tasks that lag behind are pulled along. 0 makes all gradients alike in
        length.
    learning_rate : float, default=0.025
        Of w.
    conflict_space : {"shared", "last_shared", "representation"}, default="last_shared"
        Lengths of which gradients; see `GramianBalancing`. The paper takes the last shared layer.
    update_weights_every : int, default=1
        Steps for which weights are kept.

    References
    ----------
    Chen, Badrinarayanan, Lee and Rabinovich, "GradNorm: gradient normalization for adaptive loss
    balancing in deep multitask networks", ICML 2018.

    Examples
    --------
    Gradients of lengths 1 and 3, of losses that have not moved yet: the long one counts less.

    >>> import numpy as np
    >>> from skmtl.neural.balancing import BalancingInfo, GradNorm
    >>> method = GradNorm()
    >>> method.start(BalancingInfo(seeds=[0], task_keys=[1, 2]))
    >>> gramian, losses, observed = np.diag([1.0, 9.0]), np.ones(2), np.ones(2, dtype=bool)
    >>> for _ in range(200):
    ...     weights = method.step_weights(0, gramian, losses, observed)
    >>> weights.round(1)
    array([1.5, 0.5])
    """

    alias = "gradnorm"
    _parameter_constraints: ClassVar = {
        **GramianBalancing._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(
        self,
        *,
        alpha: float = 1.5,
        learning_rate: float = 0.025,
        conflict_space: str = "last_shared",
        update_weights_every: int = 1,
    ) -> None:
        super().__init__(conflict_space=conflict_space, update_weights_every=update_weights_every)
        self.alpha = alpha
        self.learning_rate = learning_rate

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._weights = np.ones((info.n_models, info.n_tasks))
        self._first = np.full((info.n_models, info.n_tasks), np.nan)

    def weights(self, gramian: Array) -> Array:
        """Weights that make all gradients alike in length, where no loss is known."""
        norms = np.sqrt(np.maximum(np.diagonal(gramian), 0.0))
        inverse = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
        return inverse * np.sum(norms > 0) / (inverse.sum() or 1.0)

    def _weights_of(self, model: int, members: Array, gramian: Array, losses: Array) -> Array:
        """Weights so far, which then learn from these norms and losses."""
        losses = np.maximum(losses, SMALLEST_LOSS)
        first = self._first[model, members]
        first = self._first[model, members] = np.where(np.isnan(first), losses, first)
        weights = self._weights[model, members]
        lengths = weights * np.sqrt(np.maximum(np.diagonal(gramian), 0.0))
        mean = lengths.mean()
        if mean > 0:
            rate = (losses / first) ** self.alpha
            target = mean * rate / rate.mean()
            slope = lengths / mean * np.sign(lengths - target)
            moved = weights * np.exp(-self.learning_rate * slope)
            # The sum over all tasks stays what it is.
            self._weights[model, members] = moved * (weights.sum() / moved.sum())
        return weights
