"""Weights by the noise that each task is learned to have."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor

from skmtl.neural.balancing._adam_vector import AdamVector
from skmtl.neural.balancing._base import LossBalancing
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.neural.balancing._loss_ops import positive


class Uncertainty(LossBalancing):
    r"""Homoscedastic uncertainty: tasks with noisy labels count less.

    The logarithms :math:`s_t` of the noise variances are learned with the network, from

    .. math:: \sum_{t \text{ regression}} \tfrac12 e^{-s_t} L_t + \tfrac12 s_t
        \;+\; \sum_{t \text{ other}} e^{-s_t} L_t + \tfrac12 s_t

    so that a weight is :math:`\frac12 e^{-s_t}` or :math:`e^{-s_t}`. At the optimum of s both
    are :math:`1 / (2 L_t)`: the step follows the gradient of :math:`\frac12 \sum_t \log L_t`.

    Parameters
    ----------
    learning_rate : float, default=0.025
        Of s, by Adam. The paper trains s with the network's optimizer and names no rate; this is
        that of `FAMO`.

    References
    ----------
    Kendall, Gal and Cipolla, "Multi-task learning using uncertainty to weigh losses for scene
    geometry and semantics", CVPR 2018.

    Examples
    --------
    A noisy and an exact regression: the weights go to 1 / (2 loss).

    >>> import torch
    >>> from skmtl.neural.balancing import BalancingInfo, Uncertainty
    >>> method = Uncertainty()
    >>> method.start(BalancingInfo([0], [1, 2], task_types=["regression", "regression"]))
    >>> losses, observed = torch.tensor([[2.0, 0.1]]), torch.tensor([[True, True]])
    >>> for _ in range(2000):
    ...     weights = method.weights(losses, observed)
    >>> weights
    tensor([[0.2500, 5.0000]])
    """

    alias = "uncertainty"
    _parameter_constraints: ClassVar = {
        "learning_rate": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, *, learning_rate: float = 0.025) -> None:
        self.learning_rate = learning_rate

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        types = info.task_types or ["regression"] * info.n_tasks
        self._factor = [0.5 if kind == "regression" else 1.0 for kind in types]
        self._log_variance: AdamVector | None = None

    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """Weights by the variances so far, which then learn from these losses."""
        if self._log_variance is None:
            self._log_variance = AdamVector(losses, self.learning_rate)
        s = self._log_variance.values
        weights = losses.new_tensor(self._factor) * torch.exp(-s)
        self._log_variance.step(0.5 - weights * positive(losses), observed)
        return weights
