"""Activations and their derivatives.

What a derivative is computed from is kept: the units where they tell, in the place of the sums;
for activations that fall and rise, the sums beside them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import gelu, silu

from skmtl.neural.gradients._buffers import ArrayAndTensor
from skmtl.neural.gradients._compiled import add_bias, rectify, rectify_back

Activation = Callable[[Tensor], Tensor]

aten = torch.ops.aten
# From sums to units, and from the gradient by units to that by sums.
ACTIVATE: dict[Any, Activation] = {torch.tanh: torch.tanh_, torch.sigmoid: torch.sigmoid_}
ACTIVATE_BESIDE: dict[Any, Any] = {silu: aten.silu.out, gelu: aten.gelu.out}
BACK: dict[Any, Callable[[Tensor, Tensor], Tensor]] = {
    torch.tanh: lambda g, a: aten.tanh_backward.grad_input(g, a, grad_input=g),
    torch.sigmoid: lambda g, a: aten.sigmoid_backward.grad_input(g, a, grad_input=g),
    silu: lambda g, z: aten.silu_backward.grad_input(g, z, grad_input=g),
    gelu: lambda g, z: aten.gelu_backward.grad_input(g, z, grad_input=g),
}


def keeps_sums(activation: Activation) -> bool:
    """Whether the derivative is computed from the sums; else it is from the units."""
    return activation in ACTIVATE_BESIDE


def activate(
    activation: Activation, sums: ArrayAndTensor, bias: NDArray[Any], units: ArrayAndTensor
) -> None:
    """From sums without their bias to units, in one place unless the sums are kept."""
    if activation is torch.relu:
        rectify(units.array, bias)
        return
    add_bias(sums.array, bias)
    if activation in ACTIVATE:
        ACTIVATE[activation](units.tensor)
    elif activation in ACTIVATE_BESIDE:
        ACTIVATE_BESIDE[activation](sums.tensor, out=units.tensor)


def derive(activation: Activation, g: Tensor, kept: ArrayAndTensor) -> None:
    """From gradients (n_copies, n_models, n, width) by units to those by their sums, in place."""
    if activation is torch.relu:
        rectify_back(g.numpy(), kept.array)
    elif activation in BACK:
        BACK[activation](g, kept.tensor.expand(g.shape))
