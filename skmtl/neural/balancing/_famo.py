"""Equal relative progress, from losses alone."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor

from skmtl.neural.balancing._adam_vector import AdamVector
from skmtl.neural.balancing._base import LossBalancing
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.neural.balancing._loss_ops import positive, softmax_over


class FAMO(LossBalancing):
    r"""Fast adaptive multi-task optimisation: all losses shall fall at the same rate.

    The weights come from learned logits :math:`\xi`,

    .. math:: w_t = c\, z_t / L_t, \quad z = \operatorname{softmax}(\xi), \quad
        c = \Big( \sum_t z_t / L_t \Big)^{-1},

    which learn from what the step did to the losses of its batch, L before and L' after,

    .. math:: \delta_t = \log L_t - \log L_t', \quad
        \xi \leftarrow \xi - \eta \big( z \circ (\delta - z'\delta) + \gamma \xi \big)

    so that a task whose loss falls quickly counts less. It costs one more forward pass per step.

    Parameters
    ----------
    learning_rate : float, default=0.025
        :math:`\eta`; the first term is scaled by Adam.
    gamma : float, default=0.001
        Pull of the logits to 0.

    References
    ----------
    Liu, Feng, Stone and Liu, "FAMO: fast adaptive multitask optimization", NeurIPS 2023.

    Examples
    --------
    A step took away half of the first loss and nothing of the second, which counts more then:

    >>> import torch
    >>> from skmtl.neural.balancing import FAMO, BalancingInfo
    >>> method = FAMO()
    >>> method.start(BalancingInfo(seeds=[0], task_keys=[1, 2]))
    >>> before, after, observed = torch.ones(1, 2), torch.tensor([[0.5, 1.0]]), torch.ones(1, 2) > 0
    >>> method.weights(before, observed)
    tensor([[0.5000, 0.5000]])
    >>> method.follow_up(after, observed)
    >>> method.weights(before, observed)
    tensor([[0.4875, 0.5125]])
    """

    alias = "famo"
    follows_up = True
    _parameter_constraints: ClassVar = {
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "gamma": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(self, *, learning_rate: float = 0.025, gamma: float = 0.001) -> None:
        self.learning_rate = learning_rate
        self.gamma = gamma

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._logits: AdamVector | None = None

    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """Weights of sum 1 over the tasks that have labels."""
        if self._logits is None:
            self._logits = AdamVector(losses, self.learning_rate, self.gamma)
        self._before = positive(losses)
        self._z = softmax_over(self._logits.values, observed)
        weights = self._z / self._before
        # Where no task has labels, all are 0.
        return weights / weights.sum(dim=1, keepdim=True).clamp(min=torch.finfo(losses.dtype).tiny)

    def follow_up(self, losses: Tensor, observed: Tensor) -> None:
        """Learn from the change of the losses."""
        assert self._logits is not None
        delta = (self._before.log() - positive(losses).log()).masked_fill(~observed, 0)
        mean = (self._z * delta).sum(dim=1, keepdim=True)
        self._logits.step(self._z * (delta - mean), observed)
