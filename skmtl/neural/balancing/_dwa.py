"""Weights by how fast losses fall."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor

from skmtl.neural.balancing._base import LossBalancing
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.neural.balancing._loss_ops import positive, softmax_over


class DWA(LossBalancing):
    r"""Dynamic weight average: tasks whose loss falls slowly count more.

    With the mean losses of the last two epochs,

    .. math:: w_t(k) = T \operatorname{softmax}_t(r_t / \tau), \quad
        r_t = L_t(k - 1) / L_t(k - 2)

    for T tasks. In the first two epochs all weights are 1.

    Parameters
    ----------
    temperature : float, default=2.0
        :math:`\tau`: the larger, the more alike the weights.

    References
    ----------
    Liu, Johns and Davison, "End-to-end multi-task learning with attention", CVPR 2019.

    Examples
    --------
    The second loss has halved from one epoch to the next, the first has not moved:

    >>> import torch
    >>> from skmtl.neural.balancing import DWA, BalancingInfo
    >>> method = DWA()
    >>> method.start(BalancingInfo(seeds=[0], task_keys=[1, 2]))
    >>> for losses in ([[1.0, 1.0]], [[1.0, 0.5]]):
    ...     method.end_epoch(torch.tensor(losses))
    >>> method.weights(torch.tensor([[1.0, 0.5]]), torch.tensor([[True, True]]))
    tensor([[1.1244, 0.8756]])
    """

    alias = "dwa"
    _parameter_constraints: ClassVar = {"temperature": [Interval(Real, 0, None, closed="neither")]}

    def __init__(self, *, temperature: float = 2.0) -> None:
        self.temperature = temperature

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._before: Tensor | None = None
        self._weights: Tensor | None = None

    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """Those of the epoch."""
        return losses.new_ones(losses.shape) if self._weights is None else self._weights

    def end_epoch(self, losses: Tensor) -> None:
        """Weights of the next epoch."""
        if self._before is not None:
            # A task without any label has a loss of 0 and is none of the T.
            has_label = self._before != 0
            rate = positive(losses) / positive(self._before)
            share = softmax_over(rate / self.temperature, has_label)
            n_tasks = has_label.sum(dim=1, keepdim=True)
            self._weights = torch.where(has_label, n_tasks * share, 1.0)
        self._before = losses.clone()
