"""Logarithms as losses have them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Score from which on what it is the logarithm of stays the same: its square, and one over it, are
# numbers of float64, so that every deviance is. Rows far from all that was fitted have such scores.
FARTHEST = 500.0 * float(np.log(2.0))


def bounded_exp(score: Array) -> Array:
    """Exponential function, between 2^-500 and 2^500."""
    return np.exp(np.clip(score, -FARTHEST, FARTHEST))


def torch_bounded_exp(score: Any) -> Any:
    """`bounded_exp`, torch."""
    return score.clamp(-FARTHEST, FARTHEST).exp()


def entropy(p: Array) -> Array:
    """p log p + (1 - p) log(1 - p), infinite outside [0, 1] but for rounding."""
    inside = np.clip(p, 0.0, 1.0)
    value = times_log(inside) + times_log(1.0 - inside)
    return np.where((p >= -1e-12) & (p <= 1 + 1e-12), value, np.inf)


def logistic_curvature(score: Array) -> Array:
    """p (1 - p) at the probability p of a raw score, from the odds of the less likely side."""
    odds = np.exp(-np.abs(score))
    curvature: Array = odds / (1.0 + odds) ** 2
    return curvature


def torch_mean_logit(raw: Any) -> Any:
    """Log-odds of the mean probability of members along the first axis, torch."""
    zero = raw.new_zeros(())
    return (-zero.logaddexp(-raw)).logsumexp(0) - (-zero.logaddexp(raw)).logsumexp(0)


def softplus(x: Array) -> Array:
    """log(1 + e^x), NaN where x is."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x)))


def times_log(p: Array) -> Array:
    """p log p for p >= 0, which is 0 at 0; several times faster than `scipy.special.xlogy`."""
    return p * np.log(np.maximum(p, np.finfo(np.float64).tiny))
