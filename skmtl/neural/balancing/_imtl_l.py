"""All losses scaled to the same size."""

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


class IMTLL(LossBalancing):
    r"""Impartial multi-task learning, its loss part: learned scales bring all losses to 1.

    .. math:: \sum_t e^{s_t} L_t - s_t

    is minimised over the network and s together. The weights are :math:`e^{s_t}`, which at the
    optimum of s are :math:`1 / L_t`.

    Parameters
    ----------
    learning_rate : float, default=0.025
        Of s, by Adam. The paper trains s with the network's optimizer and names no rate; this is
        that of `FAMO`.

    References
    ----------
    Liu, Li, Kuang, Xue, Chen, Yang, Liao and Zhang, "Towards impartial multi-task learning",
    ICLR 2021.

    Examples
    --------
    Losses of 4 and 1/4: the weights go to their inverses.

    >>> import torch
    >>> from skmtl.neural.balancing import IMTLL, BalancingInfo
    >>> method = IMTLL()
    >>> method.start(BalancingInfo(seeds=[0], task_keys=[1, 2]))
    >>> losses, observed = torch.tensor([[4.0, 0.25]]), torch.tensor([[True, True]])
    >>> for _ in range(2000):
    ...     weights = method.weights(losses, observed)
    >>> weights
    tensor([[0.2500, 4.0000]])
    """

    alias = "imtl_l"
    _parameter_constraints: ClassVar = {
        "learning_rate": [Interval(Real, 0, None, closed="neither")]
    }

    def __init__(self, *, learning_rate: float = 0.025) -> None:
        self.learning_rate = learning_rate

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._scale: AdamVector | None = None

    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """Weights by the scales so far, which then learn from these losses."""
        if self._scale is None:
            self._scale = AdamVector(losses, self.learning_rate)
        weights = torch.exp(self._scale.values)
        self._scale.step(weights * positive(losses) - 1, observed)
        return weights
