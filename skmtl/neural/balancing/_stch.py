"""A smooth maximum of the losses."""

from __future__ import annotations

from numbers import Integral, Real
from typing import ClassVar

import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor

from skmtl.neural.balancing._base import LossBalancing
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.neural.balancing._loss_ops import positive, softmax_over


class STCH(LossBalancing):
    r"""Smooth Tchebycheff scalarisation: mostly the task that has improved least.

    In some epochs of warm-up :math:`\sum_t \log L_t` is minimised; the mean losses
    :math:`n_t` of the last of them are then the reference (the nadir point) of

    .. math:: T \mu \log \sum_t \exp\big(\log(L_t / n_t) / \mu\big), \quad
        w_t = T \operatorname{softmax}_t\big(\log(L_t / n_t) / \mu\big) / L_t

    for T tasks. As :math:`\mu \to 0` only the largest :math:`L_t / n_t` counts; as
    :math:`\mu \to \infty` all count alike, as during warm-up.

    Parameters
    ----------
    mu : float, default=1.0
        How smooth the maximum is.
    warm_up : int, default=4
        Epochs of warm-up. With 0, the reference is 1.

    References
    ----------
    Lin, Zhang, Yang, Liu, Wang and Zhang, "Smooth Tchebycheff scalarization for multi-objective
    optimization", ICML 2024.

    Examples
    --------
    The first loss is twice its reference of 1, the second half of it:

    >>> import torch
    >>> from skmtl.neural.balancing import STCH, BalancingInfo
    >>> losses, observed = torch.tensor([[2.0, 0.5]]), torch.tensor([[True, True]])
    >>> for mu in (1.0, 0.5):
    ...     method = STCH(mu=mu, warm_up=0)
    ...     method.start(BalancingInfo(seeds=[0], task_keys=[1, 2]))
    ...     print(method.weights(losses, observed))
    tensor([[0.8000, 0.8000]])
    tensor([[0.9412, 0.2353]])
    """

    alias = "stch"
    _parameter_constraints: ClassVar = {
        "mu": [Interval(Real, 0, None, closed="neither")],
        "warm_up": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, *, mu: float = 1.0, warm_up: int = 4) -> None:
        self.mu = mu
        self.warm_up = warm_up

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._n_epochs = 0
        self._nadir: Tensor | None = None

    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """The derivatives over the tasks that have labels."""
        losses = positive(losses)
        if self._n_epochs < self.warm_up:
            return 1 / losses
        nadir = torch.ones_like(losses) if self._nadir is None else self._nadir
        share = softmax_over(torch.log(losses / nadir) / self.mu, observed)
        return observed.sum(dim=1, keepdim=True) * share / losses

    def end_epoch(self, losses: Tensor) -> None:
        """Count the epoch; the last one of the warm-up gives the reference."""
        self._n_epochs += 1
        if self._n_epochs == self.warm_up:
            self._nadir = positive(losses)
