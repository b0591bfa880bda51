"""A step of Adam in one call, whatever the number of parameters and of models."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._compile import array_at, compiler, memory_at

Array = NDArray[Any]

TINY = 1e-30
"""Moments that move nothing: they stand beside an epsilon of 1e-8."""

# As numpy divides, without a branch for zeros: else it is not vectorised, and ten times slower.
compiled = compiler(fastmath={"contract", "nsz"}, error_model="numpy")


@compiled
def adam(
    places: Array,
    sizes: Array,
    strides: Array,
    decays: Array,
    rates: Array,
    alphas: Array,
    constants: Array,
    is_decoupled: bool,
) -> None:
    """Move parameters as `Adam` and `AdamW` do, each model with its rate and decay.

    Parameters
    ----------
    places : ndarray of int64 of shape (4, n_parameters)
        Addresses of parameters, gradients (0 for none), and first and second moments.
    sizes : ndarray of int64 of shape (n_parameters,)
        Numbers of one model.
    strides : ndarray of int64 of shape (n_parameters,)
        From the gradient of one model to that of the next.
    decays : ndarray of bool of shape (n_parameters,)
        Whether they are weights.
    rates, alphas : ndarray of shape (n_models,)
        Learning rate and strength of the decay.
    constants : ndarray of shape (5,)
        Of the dtype of the parameters: the decay rates of the moments, epsilon, and what remains
        of their bias.
    """
    beta1, beta2, epsilon, bias1, bias2 = constants
    zero, one, tiny = constants.dtype.type(0), constants.dtype.type(1), constants.dtype.type(TINY)
    scale = one / np.sqrt(bias2)
    for i in range(len(sizes)):
        if places[1, i] == 0:
            continue
        size = sizes[i]
        shape = (len(rates), size)
        parameters = array_at(memory_at(places[0, i]), shape, constants.dtype)
        gradients = array_at(memory_at(places[1, i]), (len(rates) * strides[i],), constants.dtype)
        first = array_at(memory_at(places[2, i]), shape, constants.dtype)
        second = array_at(memory_at(places[3, i]), shape, constants.dtype)
        for k in range(len(rates)):
            # Of one dimension: else the loop below is not vectorised, and eight times slower.
            P, M, V = parameters[k], first[k], second[k]
            G = gradients[k * strides[i] : k * strides[i] + size]
            alpha = alphas[k] if decays[i] else 0.0
            step = constants.dtype.type(rates[k] / bias1)
            shrink = constants.dtype.type(1.0 - rates[k] * alpha if is_decoupled else 1.0)
            pull = constants.dtype.type(0.0 if is_decoupled else alpha)
            for j in range(size):
                g = G[j] + pull * P[j]
                m = beta1 * M[j] + (one - beta1) * g
                v = beta2 * V[j] + (one - beta2) * g * g
                # Below, numbers lose precision, and arithmetic with them takes ten times as long.
                m = m if abs(m) > tiny else zero
                v = v if v > tiny else zero
                M[j], V[j] = m, v
                P[j] = shrink * P[j] - step * m / (np.sqrt(v) * scale + epsilon)
