"""Parameters that are drawn: shared ones from the seed, those of a task by its name, too."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn


def glorot(
    rng: np.random.Generator, n_outputs: int, n_inputs: int, gain: float
) -> tuple[NDArray[Any], NDArray[Any]]:
    r"""Weight and bias, uniform within :math:`\sqrt{gain / (n_{in} + n_{out})}` [1]_.

    References
    ----------
    .. [1] Glorot and Bengio, "Understanding the difficulty of training deep feedforward
       neural networks", AISTATS 2010.
    """
    bound = np.sqrt(gain / (n_inputs + n_outputs)) if n_outputs else 0.0
    weight = rng.uniform(-bound, bound, (n_outputs, n_inputs))
    return weight, rng.uniform(-bound, bound, n_outputs)


def generators(seed: int, keys: Sequence[int]) -> list[np.random.Generator]:
    """`numpy.random.default_rng` of ``[seed, 1, key]`` for each key, in half the time."""
    if seed >= 2**32:
        return [np.random.default_rng([seed, 1, key]) for key in keys]
    entropy = np.array([[seed, 1, key] for key in keys], dtype=np.uint32)
    return [np.random.Generator(np.random.PCG64(np.random.SeedSequence(e))) for e in entropy]


def glorot_of_tasks(
    rngs: Sequence[np.random.Generator], outputs: Sequence[int], n_inputs: int, gain: float
) -> tuple[Sequence[NDArray[Any]], Sequence[NDArray[Any]]]:
    """`glorot` of each task: weights (n_outputs, n_inputs) and biases (n_outputs,)."""
    if len(set(outputs)) > 1:
        shapes = zip(rngs, outputs, strict=True)
        weights, biases = zip(*(glorot(rng, n, n_inputs, gain) for rng, n in shapes), strict=True)
        return weights, biases
    # As many for each: scaled at once, as `Generator.uniform` does it.
    n_outputs = outputs[0]
    bound = np.sqrt(gain / (n_inputs + n_outputs)) if n_outputs else 0.0
    drawn = np.empty((len(rngs), n_outputs * (n_inputs + 1)))
    for rng, row in zip(rngs, drawn, strict=True):
        rng.random(out=row)
    drawn *= bound - -bound
    drawn += -bound
    both = np.split(drawn, [n_outputs * n_inputs], axis=1)
    return list(both[0].reshape(len(rngs), n_outputs, n_inputs)), list(both[1])


class Shared(nn.Module, ABC):
    """Base of modules with parameters that are drawn from the seed of a model alone."""

    @abstractmethod
    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        """Draw the parameters of one model."""


class PerTask(nn.Module, ABC):
    """Base of modules with parameters of every task, drawn from the seed and the task's name."""

    @abstractmethod
    def initialize(self, model: int, rngs: Sequence[np.random.Generator], gain: float) -> None:
        """Draw the parameters of all tasks of one model, each from its own generator."""
