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
