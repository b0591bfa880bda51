"""Adam with an L2 penalty, and a state that is numpy arrays."""

from __future__ import annotations

import torch

# Kingma and Ba, "Adam: A method for stochastic optimization", ICLR 2015, algorithm 1.
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    r"""Adam on a module: weights carry the gradient of :math:`\alpha/2 \|W\|^2`, biases do not.

    The same step as ``torch.optim.Adam(weight_decay=alpha)``, without its bookkeeping, which
    costs more than the arithmetic of a small network.
    """

    def __init__(self, module, *, learning_rate, alpha, state=None):
        self.learning_rate = learning_rate
        self.names = [name for name, _ in module.named_parameters()]
        self.parameters = list(module.parameters())
        is_weight = [name.endswith("weight") for name in self.names]
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self.steps = [torch.zeros((), device=p.device) for p in self.parameters]
        weights = [i for i, weight in enumerate(is_weight) if weight]
        biases = [i for i, weight in enumerate(is_weight) if not weight]
        self.groups = [(weights, alpha), (biases, 0.0)]
        self.is_fused = hasattr(torch, "_fused_adam_") and all(
            p.device.type in {"cpu", "cuda"} for p in self.parameters
        )
        if state is not None:
            self._load(state)

    def step(self, gradients):
        """Move the parameters; one gradient (or None) for each, in the module's order."""
        for members, alpha in self.groups:
            present = [i for i in members if gradients[i] is not None]
            lists = [
                [source[i] for i in present]
                for source in (self.parameters, gradients, self.first, self.second, self.steps)
            ]
            with torch.no_grad():
                (self._fused if self.is_fused else self._plain)(*lists, alpha)

    def _fused(self, parameters, gradients, first, second, steps, alpha):
        if not parameters:
            return
        torch._foreach_add_(steps, 1)
        torch._fused_adam_(
            parameters,
            gradients,
            first,
            second,
            [],
            steps,
            lr=self.learning_rate,
            beta1=BETA1,
            beta2=BETA2,
            weight_decay=alpha,
            eps=EPSILON,
            amsgrad=False,
            maximize=False,
            grad_scale=None,
            found_inf=None,
        )

    def _plain(self, parameters, gradients, first, second, steps, alpha):
        for p, g, m, v, t in zip(parameters, gradients, first, second, steps, strict=True):
            t += 1
            g = g + alpha * p
            m.lerp_(g, 1 - BETA1)
            v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
            scale = (v / (1 - BETA2**t)).sqrt_().add_(EPSILON)
            p.sub_(self.learning_rate / (1 - BETA1**t) * m / scale)

    def state(self):
        """Everything a later step needs, as numpy arrays."""
        arrays = {}
        for name, *tensors in zip(self.names, self.first, self.second, self.steps, strict=True):
            for kind, tensor in zip(("first", "second", "steps"), tensors, strict=True):
                arrays[f"{kind}.{name}"] = tensor.cpu().numpy().copy()
        return arrays

    def _load(self, state):
        for i, name in enumerate(self.names):
            for kind in ("first", "second", "steps"):
                array = torch.from_numpy(state[f"{kind}.{name}"].copy())
                getattr(self, kind)[i].copy_(array)
