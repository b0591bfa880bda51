"""Adam, with the decay in the gradient or apart from it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from operator import is_not
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.neural.optimizers._base import Gradients, Optimizer

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

    def __init__(self, module: nn.Module, *, is_fused: bool | None = None, **options: Any) -> None:
        super().__init__(module, is_fused=is_fused, **options)
        parts = [*self.parameters, *(tensor for kept in self.kept for tensor in kept)]
        self.one_pass = OnePass(self) if is_fused is None and OnePass.can_move(parts) else None

    def step(self, gradients: Gradients) -> None:
        """See `Optimizer`."""
        if self.one_pass is None:
            super().step(gradients)
            return
        self.count += 1
        self.one_pass(gradients)

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


class OnePass:
    """Steps of all parameters of all models in one call of a compiled function.

    It costs a fraction of torch's kernels for small networks, and models whose rates differ are
    moved as fast as those that are alike, to the same bit as alone.
    """

    def __init__(self, optimizer: Adam) -> None:
        # Here, as numba is loaded on first use.
        from skmtl.neural.optimizers._compiled import adam

        self.move, self.optimizer = adam, optimizer
        parts = [optimizer.parameters, optimizer.parameters, *optimizer.kept]
        self.places = np.array([[tensor.data_ptr() for tensor in part] for part in parts])
        self.decays = np.array([name.endswith("weight") for name in optimizer.names])
        self.constants = np.empty(5, dtype=optimizer.parameters[0].numpy().dtype)
        lengths = {len(p) if p.ndim else 1 for p in optimizer.parameters}
        n_models = lengths.pop() if len(lengths) == 1 else 1
        self.alphas, self.rates = np.empty((2, n_models))
        self.alphas[:] = optimizer.alpha
        self.sizes = np.array([p.numel() // n_models for p in optimizer.parameters])
        self.strides = self.sizes.copy()
        self.given: Gradients = ()
        self.alive: list[Tensor | None] = []

    @staticmethod
    def can_move(parts: Sequence[Tensor]) -> bool:
        """Whether it can: side by side in the memory of the processor, in one precision."""
        kinds = {(part.device.type, part.dtype) for part in parts}
        known = {("cpu", torch.float32)}, {("cpu", torch.float64)}
        is_compiled = not os.environ.get("NUMBA_DISABLE_JIT", "0").strip("0")
        return kinds in known and is_compiled and all(part.is_contiguous() for part in parts)

    def __call__(self, gradients: Gradients) -> None:
        """Move the parameters; one gradient (or None) for each."""
        own, t = self.optimizer, float(self.optimizer.count)
        # From step to step they are often in the same memory.
        if len(self.given) != len(gradients) or any(map(is_not, self.given, gradients)):
            self._place(gradients)
        self.rates[:] = own.learning_rate
        self.constants[:] = BETA1, own.beta2, EPSILON, 1 - BETA1**t, 1 - own.beta2**t
        self.move(
            self.places,
            self.sizes,
            self.strides,
            self.decays,
            self.rates,
            self.alphas,
            self.constants,
            own.is_decoupled,
        )

    def _place(self, gradients: Gradients) -> None:
        """Note where gradients are; a copy of one whose numbers of a model are not side by side."""
        alive = [None if g is None else self._in_pieces(g) for g in gradients]
        # A copy is one of this step, and it must live until that is taken.
        is_copied = any(map(is_not, alive, gradients))
        self.given, self.alive = () if is_copied else tuple(gradients), alive
        self.places[1] = [0 if g is None else g.data_ptr() for g in alive]
        n_models = len(self.rates)
        self.strides[:] = [
            g.stride(0) if g is not None and n_models > 1 else size
            for g, size in zip(alive, self.sizes.tolist(), strict=True)
        ]

    def _in_pieces(self, gradient: Tensor) -> Tensor:
        """The gradient, the numbers of each model in one piece."""
        can_skip = len(self.rates) > 1 and gradient.ndim > 1 and gradient.stride(0) > 0
        if can_skip and gradient[0].is_contiguous():
            return gradient
        return gradient.contiguous()


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
