"""Adam, with the decay in the gradient or apart from it."""

from __future__ import annotations

from typing import Any

import torch

from skmtl.neural.optimizers._base import Optimizer

# Kingma and Ba, "Adam: A method for stochastic optimization", ICLR 2015, algorithm 1.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Adam(Optimizer):
    r"""Adam, with the gradient of :math:`\alpha/2 \|W\|^2` in that of the weights.

    .. math:: m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad
        v \leftarrow \beta_2 v + (1 - \beta_2) g^2, \quad
        W \leftarrow W - \eta \, \frac{m / (1 - \beta_1^t)}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}

    References
    ----------
    Kingma and Ba, "Adam: A method for stochastic optimization", ICLR 2015, algorithm 1.
    """

    kinds = ("first", "second")
    beta2 = BETA2
    is_decoupled = False

    def _fused(self, parameters: Any, gradients: Any, *kept_rate_alpha: Any) -> None:
        first, second, rate, alpha = kept_rate_alpha
        kernel = torch._fused_adamw_ if self.is_decoupled else torch._fused_adam_
        kernel(
            parameters,
            # The kernel walks through memory: a transposed gradient would be read wrongly.
            [gradient.contiguous() for gradient in gradients],
            first,
            second,
            [],
            [self.n_steps] * len(parameters),
            lr=rate,
            beta1=BETA1,
            beta2=self.beta2,
            weight_decay=alpha,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
            grad_scale=None,
            found_inf=None,
        )

    def _plain(self, parameters: Any, gradients: Any, *kept_rate_alpha: Any) -> None:
        first, second, rate, alpha = kept_rate_alpha
        t = float(self.n_steps)
        for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
            if self.is_decoupled:
                p.mul_(1 - rate * alpha)
            else:
                g = g + alpha * p
            m.lerp_(g, 1 - BETA1)
            v.mul_(self.beta2).addcmul_(g, g, value=1 - self.beta2)
            scale = (v / (1 - self.beta2**t)).sqrt_().add_(EPSILON)
            p.sub_(rate / (1 - BETA1**t) * (m / scale))


class AdamW(Adam):
    r"""Adam with decoupled weight decay: weights shrink apart from the gradient.

    .. math:: W \leftarrow (1 - \eta \alpha) W, \text{ then the step of Adam without a penalty}

    Fits on tables take some hundred steps: the mean of squared gradients, with
    :math:`\beta_2 = 0.97`, reaches over the last 33 of them instead of a thousand.

    References
    ----------
    Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
    """

    # Measured: benchmarks/accuracy. Holzmueller et al., NeurIPS 2024, table A.1, have 0.95.
    beta2 = 0.97
    is_decoupled = True
