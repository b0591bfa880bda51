"""Adam with an L2 penalty, and a state that is numpy arrays."""

from __future__ import annotations

from functools import cache

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
        self.n_steps = torch.zeros((), dtype=torch.float32, device=self.parameters[0].device)
        weights = [i for i, weight in enumerate(is_weight) if weight]
        biases = [i for i, weight in enumerate(is_weight) if not weight]
        self.groups = [(weights, alpha), (biases, 0.0)]
        self.is_fused = all(fused_works(p.device.type, p.dtype) for p in self.parameters)
        if state is not None:
            self._load(state)

    def step(self, gradients):
        """Move the parameters; one gradient (or None) for each, in the module's order."""
        move = self._fused if self.is_fused else self._plain
        with torch.no_grad():
            self.n_steps += 1
            for members, alpha in self.groups:
                present = [i for i in members if gradients[i] is not None]
                sources = self.parameters, gradients, self.first, self.second
                if present:
                    move(*([source[i] for i in present] for source in sources), alpha)

    def _fused(self, parameters, gradients, first, second, alpha):
        # The kernel walks through memory: a transposed gradient would be read wrongly.
        gradients = [gradient.contiguous() for gradient in gradients]
        _call_fused(parameters, gradients, first, second, self.n_steps, self.learning_rate, alpha)

    def _plain(self, parameters, gradients, first, second, alpha):
        t = float(self.n_steps)
        for p, g, m, v in zip(parameters, gradients, first, second, strict=True):
            g = g + alpha * p
            m.lerp_(g, 1 - BETA1)
            v.mul_(BETA2).addcmul_(g, g, value=1 - BETA2)
            scale = (v / (1 - BETA2**t)).sqrt_().add_(EPSILON)
            p.sub_(m / scale, alpha=self.learning_rate / (1 - BETA1**t))

    def state(self):
        """Everything a later step needs, as numpy arrays."""
        arrays = {"n_steps": self.n_steps.cpu().numpy().copy()}
        for kind, tensors in (("first", self.first), ("second", self.second)):
            for name, tensor in zip(self.names, tensors, strict=True):
                arrays[f"{kind}.{name}"] = tensor.cpu().numpy().copy()
        return arrays

    def _load(self, state):
        self.n_steps.fill_(float(state["n_steps"]))
        for kind, tensors in (("first", self.first), ("second", self.second)):
            for name, tensor in zip(self.names, tensors, strict=True):
                tensor.copy_(torch.from_numpy(state[f"{kind}.{name}"]))


def _call_fused(parameters, gradients, first, second, n_steps, learning_rate, alpha):
    torch._fused_adam_(
        parameters,
        gradients,
        first,
        second,
        [],
        [n_steps] * len(parameters),
        lr=learning_rate,
        beta1=BETA1,
        beta2=BETA2,
        weight_decay=alpha,
        eps=EPSILON,
        amsgrad=False,
        maximize=False,
        grad_scale=None,
        found_inf=None,
    )


@cache
def fused_works(device, dtype):
    """Whether torch's fused kernel, which is private, is there and does what it did.

    It is tried on one number. Where it is gone or changed, the plain step is taken.
    """
    if device not in {"cpu", "cuda"}:
        return False
    value, gradient, first, second = (
        torch.full((1,), x, dtype=dtype, device=device) for x in (1.0, 0.5, 0.2, 0.3)
    )
    n_steps = torch.tensor(2.0, device=device)
    g = 0.5 + 0.1 * 1.0
    m, v = 0.2 * BETA1 + g * (1 - BETA1), 0.3 * BETA2 + g**2 * (1 - BETA2)
    moved = 1.0 - 0.01 * (m / (1 - BETA1**2)) / ((v / (1 - BETA2**2)) ** 0.5 + EPSILON)
    try:
        _call_fused([value], [gradient], [first], [second], n_steps, 0.01, 0.1)
    except (AttributeError, TypeError, RuntimeError):
        return False
    found = torch.cat([value, first, second]).tolist()
    return all(abs(x - y) < 1e-6 for x, y in zip(found, (moved, m, v), strict=True))
