"""Compiled passes over labels (n_tasks, n): a hundred tasks in the time of a few calls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._compile import compiler, larger
from skmtl._rounding import ROUNDING

Array = NDArray[Any]

FAST: dict[str, Any] = {"fastmath": {"reassoc", "contract", "nsz"}, "error_model": "numpy"}
compiled, inlined = compiler(**FAST), compiler(**FAST, inline="always")

NOISE = ROUNDING * float(np.finfo(np.float64).eps)
"""What numbers may differ by that are the same, over the largest of them: `varies`."""


@inlined
def observed_of(values: Array, weights: Array, found: Array, shares: Array) -> int:
    """Put the labels of weight above 0 and their shares of it in front; say how many there are.

    What is missing has no place in the sums that follow, so that it changes no bit of them.
    """
    n, total = 0, 0.0
    for i in range(len(values)):
        if weights[i] > 0.0:
            found[n], shares[n] = values[i], weights[i]
            n += 1
    for i in range(n):
        total += shares[i]
    for i in range(n):
        shares[i] /= total
    return n


def row_means(values: Array, weights: Array, means: Array) -> None:
    """Weighted mean of every row that has a label."""
    write_means(values, weights, means, *np.empty((2, values.shape[1])))


def row_moments(
    values: Array, weights: Array, about_zero: bool, location: Array, scale: Array
) -> None:
    """Weighted mean and standard deviation of every row; scale stays where labels are constant.

    About zero: the location stays, and the scale is the root mean square.
    """
    if not about_zero:
        row_means(values, weights, location)
    write_deviations(values, weights, location, scale, *np.empty((2, values.shape[1])))


# What these allocate, or call at two places, would take time to compile.


@compiled
def write_means(values: Array, weights: Array, means: Array, found: Array, shares: Array) -> None:
    """`row_means`; ``found`` and ``shares`` are written over."""
    for t in range(len(values)):
        mean, n = 0.0, observed_of(values[t], weights[t], found, shares)
        for i in range(n):
            mean += shares[i] * found[i]
        means[t] = mean if n else means[t]


@compiled
def write_deviations(
    values: Array, weights: Array, location: Array, scale: Array, found: Array, shares: Array
) -> None:
    """`row_moments` about the location; ``found`` and ``shares`` are written over."""
    for t in range(len(values)):
        n, mean = observed_of(values[t], weights[t], found, shares), location[t]
        largest, magnitude, square = 0.0, 0.0, 0.0
        for i in range(n):
            largest = larger(largest, abs(found[i] - mean))
            magnitude = larger(magnitude, abs(found[i]))
        if largest > NOISE * magnitude:
            # Normalising first keeps squares of targets of any magnitude finite.
            for i in range(n):
                square += shares[i] * ((found[i] - mean) / largest) ** 2
            scale[t] = largest * math.sqrt(square)
