"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from skmtl.neural.optimizers._base import Optimizer


class SGD(Optimizer):
    r"""Stochastic gradient descent, with the gradient of :math:`\alpha/2 \|W\|^2` in that of W.

    .. math:: v \leftarrow \mu v + g, \quad W \leftarrow W - \eta v, \quad
        \text{or } W \leftarrow W - \eta (g + \mu v) \text{ with Nesterov's momentum}

    While the learning rate :math:`\eta` is constant these are the steps of scikit-learn, where
    the velocity is :math:`-\eta v`.

    Parameters
    ----------
    momentum : float, default=0.9
        :math:`\mu`
    nesterov : bool, default=True
        Whether the momentum is Nesterov's.

    References
    ----------
    Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in
    deep learning", ICML 2013, section 2.
    """

    kinds = ("velocity",)

    def __init__(
        self, module: nn.Module, *, momentum: float = 0.9, nesterov: bool = True, **options: Any
    ) -> None:
        super().__init__(module, **options)
        self.momentum = momentum
        # Without momentum it is the same, but torch's kernel refuses the pair.
        self.nesterov = nesterov and momentum > 0

    def _fused(self, parameters: Any, gradients: Any, *kept_rate_alpha: Any) -> None:
        velocity, rate, alpha = kept_rate_alpha
        torch._fused_sgd_(
            parameters,
            # The kernel walks through memory: a transposed gradient would be read wrongly.
            [gradient.contiguous() for gradient in gradients],
            velocity if self.momentum else [],
            weight_decay=alpha,
            momentum=self.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=self.nesterov,
            maximize=False,
            is_first_step=False,
            grad_scale=None,
            found_inf=None,
        )

    def _plain(self, parameters: Any, gradients: Any, *kept_rate_alpha: Any) -> None:
        velocity, rate, alpha = kept_rate_alpha
        for p, g, v in zip(parameters, gradients, velocity, strict=True):
            g = g + alpha * p
            v.mul_(self.momentum).add_(g)
            p.sub_(rate * (g + self.momentum * v if self.nesterov else v))
