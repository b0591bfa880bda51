r"""Random draws whose n-th is a function of n, so that none waits for the one before.

Draw n of a model with the key a is the number that Steele, Lea and Flood's SplitMix64 makes of

.. math:: a + n \gamma \bmod 2^{64}

[1]_: all of a layer are found at once, and what is to be remembered of them is a count [2]_. A
compiled pass does it on the CPU, and torch, with the same numbers, elsewhere.

References
----------
.. [1] G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom number generators",
   OOPSLA 2014, figures 16 and 17: the constants are theirs.
.. [2] J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, "Parallel random numbers: as easy as
   1, 2, 3", SC 2011, section 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl._compile import compiler

Array = NDArray[Any]

compiled = compiler()

GAMMA = np.uint64(0x9E3779B97F4A7C15)
FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
SHIFTS = (30, 27, 31)
S1, S2, S3 = map(np.uint64, SHIFTS)

N_BITS = 53
LOW = np.uint64(64 - N_BITS)
"""A draw is a whole number below 2^53, which is one of float64, too."""


@compiled
def drawn(key: Any, n: Any) -> Any:
    """Draw n of the generator with a key."""
    z = key + n * GAMMA
    z = (z ^ (z >> S1)) * FIRST
    z = (z ^ (z >> S2)) * SECOND
    return (z ^ (z >> S3)) >> LOW


@compiled
def fill_mask(mask: Array, keys: Array, n_drawn: int, least: Array, factor: Array) -> None:
    """A mask (n_models, size): the factor of a model where a draw is at least so much, else 0."""
    for k in range(mask.shape[0]):
        low, kept = least[k], mask.dtype.type(factor[k])
        for i in range(mask.shape[1]):
            is_in = drawn(keys[k], np.uint64(n_drawn + i)) >= low
            mask[k, i] = kept if is_in else mask.dtype.type(0)


@compiled
def leave_out(
    units: Array, slopes: Array, keys: Array, n_drawn: int, least: Array, factor: Array
) -> None:
    """Units (n_models, size) times that mask, and their derivatives, too."""
    for k in range(units.shape[0]):
        low, kept = least[k], units.dtype.type(factor[k])
        if low == 0:
            continue
        for i in range(units.shape[1]):
            is_in = drawn(keys[k], np.uint64(n_drawn + i)) >= low
            factor_of_unit = kept if is_in else units.dtype.type(0)
            units[k, i] *= factor_of_unit
            slopes[k, i] *= factor_of_unit


class Masks:
    """The masks of a layer, one after the other.

    Parameters
    ----------
    probability : array-like
        Share of the units that are left out: that of all models, or of each.
    seeds : sequence of int
        One per model.
    """

    def __init__(self, probability: Any, seeds: Any = ()) -> None:
        # Draws below are units left out; the others are as much larger as there are fewer.
        shares = np.broadcast_to(probability, len(seeds) or np.size(probability))
        least = np.round(shares * 2.0**N_BITS)
        self.probability = probability
        self.least, self.factor = least.astype(np.uint64), 1.0 / (1.0 - least / 2.0**N_BITS)
        self.keys = np.array(seeds, dtype=np.uint64)
        self.leave_out_some = bool(least.any())
        self.n_drawn = 0

    def next(self, size: int) -> tuple[Array, int, Array, Array]:
        """What says which of so many units of each model are left out."""
        n_drawn = self.n_drawn
        self.n_drawn += size
        return self.keys, n_drawn, self.least, self.factor

    def apply(self, units: Array, slopes: Array) -> None:
        """Multiply units (n_models, ...) by the next mask, in place, and their derivatives."""
        size = units[0].size
        shape = len(units), size
        leave_out(units.reshape(shape), slopes.reshape(shape), *self.next(size))

    def next_like(self, x: Tensor) -> Tensor:
        """The mask of units (n_models, ...)."""
        size = x[0].numel()
        keys, n_drawn, least, factor = self.next(size)
        if x.is_cpu and x.dtype in {torch.float32, torch.float64}:
            mask = torch.empty(x.shape, dtype=x.dtype)
            fill_mask(mask.numpy().reshape(len(x), -1), keys, n_drawn, least, factor)
            return mask
        on_device = [
            torch.from_numpy(array).to(x.device)[:, None]
            for array in (keys.view(np.int64), least.astype(np.int64), factor)
        ]
        is_in = drawn_by_torch(on_device[0], n_drawn, size) >= on_device[1]
        return (is_in * on_device[2]).to(x.dtype).view(x.shape)


def drawn_by_torch(keys: Tensor, n_drawn: int, size: int) -> Tensor:
    """Draws (n_models, size) from the one after ``n_drawn`` on, for keys (n_models, 1)."""
    n = torch.arange(n_drawn, n_drawn + size, device=keys.device)
    z = keys + n * _signed(GAMMA)
    z = (z ^ _shifted(z, SHIFTS[0])) * _signed(FIRST)
    z = (z ^ _shifted(z, SHIFTS[1])) * _signed(SECOND)
    return _shifted(z ^ _shifted(z, SHIFTS[2]), int(LOW))


def _signed(number: Any) -> int:
    """The same bits, for torch's integers have a sign."""
    return int(np.uint64(number).view(np.int64))


def _shifted(z: Tensor, n_bits: int) -> Tensor:
    """Bits moved to the right, 0 where there were none."""
    return (z >> n_bits) & (2 ** (64 - n_bits) - 1)
