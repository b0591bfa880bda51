r"""Activations and their derivatives, both found in one pass.

From sums z without their bias b follow, in the place of units and of the sums,

.. math:: \phi(z + b), \qquad \phi'(z + b),

which one exponential serves both: with :math:`s = 1 / (1 + e^{-z})` and the distribution
function :math:`\Phi` of the normal distribution, of density :math:`\varphi`,

.. math:: (z s)' = s + z s (1 - s), \qquad (z \Phi(z))' = \Phi(z) + z \varphi(z), \qquad
    \Phi(-z) = \tfrac12 e^{-z^2 / 2} \operatorname{erfcx}(z / \sqrt 2) \text{ for } z \ge 0

where erfcx is a polynomial in :math:`2 / (1 + z / \sqrt 8) - 1` [1]_ times :math:`1 / (1 + z /
\sqrt 8)`.

References
----------
.. [1] M. M. Shepherd and J. G. Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x
   in 0 <= x < infinity", Mathematics of Computation 36, 1981.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.polynomial import Chebyshev, Polynomial
from numpy.typing import NDArray
from scipy.special import erfcx
from torch.nn.functional import gelu, silu

from skmtl._compile import compiler
from skmtl._exponentials import bell_single, exp
from skmtl.neural.architectures._units import ACTIVATIONS
from skmtl.neural.gradients._compiled import add_bias

Array = NDArray[Any]

compiled = compiler(fastmath={"contract"}, error_model="numpy")

DEGREE, DEGREE_SINGLE = 22, 10
"""Of the polynomial: to the last digits of float64, and of float32."""


def _coefficients(degree: int) -> Array:
    r"""Those of :math:`x \mapsto \operatorname{erfcx}(2 / t - 2) / t`, t = (x + 1) / 2."""

    def scaled(x: Array) -> Array:
        t = (x + 1.0) / 2.0
        return np.asarray(erfcx(2.0 / t - 2.0) / t)

    found = Chebyshev.interpolate(scaled, degree).convert(kind=Polynomial).coef
    return np.ascontiguousarray(found[::-1])


COEFFICIENTS = _coefficients(DEGREE)
COEFFICIENTS_SINGLE = _coefficients(DEGREE_SINGLE).astype(np.float32)
ROOT_HALF, DENSITY = math.sqrt(0.5), 1.0 / math.sqrt(2.0 * math.pi)
QUARTER_ROOT_SINGLE, DENSITY_SINGLE = np.float32(ROOT_HALF / 2.0), np.float32(DENSITY)


def _gelu(Z: Array, bias: Array, units: Array) -> None:
    (_gelu_single if Z.dtype == np.float32 else _gelu_double)(Z, bias, units)


@compiled
def _gelu_double(Z: Array, bias: Array, units: Array) -> None:
    for k in range(Z.shape[0]):
        for i in range(Z.shape[1]):
            for j in range(Z.shape[2]):
                z = Z[k, i, j] + bias[k, 0, j]
                x = abs(z) * ROOT_HALF
                t = 1.0 / (1.0 + 0.5 * x)
                bell = exp(-x * x)
                polynomial = 0.0
                for c in COEFFICIENTS:
                    polynomial = polynomial * (2.0 * t - 1.0) + c
                beyond = 0.5 * bell * t * polynomial
                below = 1.0 - beyond if z > 0.0 else beyond
                units[k, i, j] = z * below
                Z[k, i, j] = below + z * bell * DENSITY


@compiled
def _gelu_single(Z: Array, bias: Array, units: Array) -> None:
    zero, half, one, two = np.float32(0.0), np.float32(0.5), np.float32(1.0), np.float32(2.0)
    for k in range(Z.shape[0]):
        for i in range(Z.shape[1]):
            for j in range(Z.shape[2]):
                z = Z[k, i, j] + bias[k, 0, j]
                t = one / (one + abs(z) * QUARTER_ROOT_SINGLE)
                bell = bell_single(abs(z))
                polynomial = zero
                for c in COEFFICIENTS_SINGLE:
                    polynomial = polynomial * (two * t - one) + c
                beyond = half * bell * t * polynomial
                below = one - beyond if z > zero else beyond
                units[k, i, j] = z * below
                Z[k, i, j] = below + z * bell * DENSITY_SINGLE


@compiled
def _silu(Z: Array, bias: Array, units: Array) -> None:
    for k in range(Z.shape[0]):
        for i in range(Z.shape[1]):
            for j in range(Z.shape[2]):
                z = Z[k, i, j] + bias[k, 0, j]
                s = 1.0 / (1.0 + exp(-z))
                units[k, i, j] = z * s
                Z[k, i, j] = s + z * s * (1.0 - s)


@compiled
def _relu(Z: Array, bias: Array, units: Array) -> None:
    zero, one = Z.dtype.type(0), Z.dtype.type(1)
    for k in range(Z.shape[0]):
        for i in range(Z.shape[1]):
            for j in range(Z.shape[2]):
                z = Z[k, i, j] + bias[k, 0, j]
                units[k, i, j] = zero if z < zero else z  # noqa: FURB136, NaN stays
                Z[k, i, j] = zero if z <= zero else one


def _tanh(Z: Array, bias: Array, units: Array) -> None:
    add_bias(Z, bias)
    np.tanh(Z, out=units)
    np.subtract(1.0, np.square(units, out=Z), out=Z)


def _logistic(Z: Array, bias: Array, units: Array) -> None:
    add_bias(Z, bias)
    torch.sigmoid(torch.from_numpy(Z), out=torch.from_numpy(units))
    np.multiply(units, np.subtract(1.0, units, out=Z), out=Z)


def _identity(Z: Array, bias: Array, units: Array) -> None:
    np.add(Z, bias, out=units)
    Z.fill(1.0)


ACTIVATE: dict[Any, Callable[[Array, Array, Array], None]] = {
    gelu: _gelu,
    silu: _silu,
    torch.relu: _relu,
    torch.tanh: _tanh,
    torch.sigmoid: _logistic,
    ACTIVATIONS["identity"]: _identity,
}
"""By torch's function: the pass from sums (n_models, n, width), a bias and a place for units."""
