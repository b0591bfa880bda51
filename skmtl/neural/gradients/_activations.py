"""Activations and their derivatives, in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl.neural.gradients._buffers import ArrayAndTensor
from skmtl.neural.gradients._compiled import add_bias, rectify, rectify_back

Activation = Callable[[Tensor], Tensor]

aten = torch.ops.aten
# From sums to units, and from the gradient by units to that by sums.
ACTIVATE: dict[Any, Activation] = {torch.tanh: torch.tanh_, torch.sigmoid: torch.sigmoid_}
BACK: dict[Any, Callable[[Tensor, Tensor], Tensor]] = {
    torch.tanh: lambda g, a: aten.tanh_backward.grad_input(g, a, grad_input=g),
    torch.sigmoid: lambda g, a: aten.sigmoid_backward.grad_input(g, a, grad_input=g),
}


def activate(activation: Activation, units: ArrayAndTensor, bias: NDArray[Any]) -> None:
    """From sums without their bias to units."""
    if activation is torch.relu:
        rectify(units.array, bias)
        return
    add_bias(units.array, bias)
    if activation in ACTIVATE:
        ACTIVATE[activation](units.tensor)


def derive(activation: Activation, g: Tensor, units: ArrayAndTensor) -> None:
    """From gradients (n_copies, n_models, n, width) by units to those by their sums."""
    if activation is torch.relu:
        rectify_back(g.numpy(), units.array)
    elif activation in BACK:
        BACK[activation](g, units.tensor.expand(g.shape))
