r"""Raw scores of a few rows by numpy: torch's bookkeeping takes several times their arithmetic.

With the layers :math:`A_l = \phi(A_{l-1} W_l + b_l)` from :math:`A_0 = X`, heads V and a linear
path S, they are :math:`A_L V' + c + f X S'`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import erf, expit

from skmtl.neural.architectures._around import RepresentationAround
from skmtl.neural.architectures._hard_sharing import Heads, Trunk, TrunkWithHeads
from skmtl.neural.architectures._units import ACTIVATIONS

Array = NDArray[Any]

FEW = 4
"""Rows up to which numpy computes: at 1 to 64 rows it takes a quarter to two fifths of the time."""


def _gelu(z: Array) -> Array:
    """Hendrycks and Gimpel, "Gaussian error linear units", 2016, eq. 1."""
    found: Array = 0.5 * z * (1.0 + erf(z * np.sqrt(z.dtype.type(0.5))))
    return found


BY_NUMPY: dict[Callable[..., Any], Callable[[Array], Array]] = {
    ACTIVATIONS["identity"]: lambda z: z,
    ACTIVATIONS["logistic"]: expit,
    ACTIVATIONS["tanh"]: np.tanh,
    ACTIVATIONS["relu"]: lambda z: np.maximum(z, 0.0),
    ACTIVATIONS["silu"]: lambda z: z * expit(z),
    ACTIVATIONS["gelu"]: _gelu,
}


class FewRows:
    """A trunk with linear heads as arrays, which are those of the module.

    Parameters
    ----------
    module : MultiTaskModule
        The networks, one that `knows` is true of.
    """

    @staticmethod
    def knows(module: Any) -> bool:
        """Whether a module is a plain trunk with linear heads, on the CPU."""
        network: Any = module
        if type(module) is RepresentationAround and module.embedding is None:
            network = module.network
        return (
            type(network) is TrunkWithHeads
            and type(network.trunk) is Trunk
            and all(layer.normalization is None for layer in network.trunk.layers)
            and type(network.heads) is Heads
            and not network.heads.rest
            and network.trunk.activation in BY_NUMPY
            and all(
                p.is_cpu and p.dtype in (torch.float32, torch.float64) for p in network.parameters()
            )
        )

    def __init__(self, module: Any) -> None:
        skip = getattr(module, "skip", None)
        network: Any = module.network if type(module) is RepresentationAround else module
        first = network.heads.first
        self.activate = BY_NUMPY[network.trunk.activation]
        self.layers = [(_array(layer.weight), _array(layer.bias)) for layer in network.trunk.layers]
        self.V, self.c = _array(first.weight).swapaxes(-1, -2), _array(first.bias)
        self.S = None if skip is None else _array(skip.weight).swapaxes(-1, -2)
        self.factor = 1.0 if skip is None else float(skip.factor)
        self.dtype = self.c.dtype

    def raw_scores(self, X: Array) -> Array:
        """Raw scores (n_models, n, n_outputs) as float64, of what the networks read (n, p)."""
        x = X.astype(self.dtype, copy=False)
        # What is too large is infinite without a word, as torch has it.
        with np.errstate(all="ignore"):
            raw = np.matmul(self.units(x), self.V) + self.c
            if self.S is not None:
                raw += self.factor * np.matmul(x, self.S)
        return raw.astype(np.float64, copy=False)

    def units(self, x: Array) -> Array:
        """Units (n_models, n, width) of the last hidden layer."""
        units = x
        for W, b in self.layers:
            units = np.matmul(units, W)
            units += b
            units = self.activate(units)
        return units


def _array(parameter: Any) -> Array:
    found: Array = parameter.detach().numpy()
    return found
