"""Numbers that a balancing method learns beside the network."""

from __future__ import annotations

import torch
from torch import Tensor

from skmtl.neural.optimizers._adam import BETA1, BETA2, EPSILON


class AdamVector:
    """One number per task and model, 0 at first, moved by Adam where the task has labels.

    The steps of `skmtl.neural.optimizers.Adam`, but counted for each number apart: a task
    without labels in a batch waits.

    Parameters
    ----------
    like : Tensor of shape (n_models, n_tasks)
        Gives shape, dtype and device.
    learning_rate : float
        Size of a step.
    decay : float, default=0.0
        Pull to 0, apart from the gradients: Adam would blow it up where those are 0.
    """

    def __init__(self, like: Tensor, learning_rate: float, decay: float = 0.0) -> None:
        self.learning_rate = learning_rate
        self.decay = decay
        self.values = torch.zeros_like(like)
        self._mean = torch.zeros_like(like)
        self._square = torch.zeros_like(like)
        self._n_steps = torch.zeros_like(like)

    def step(self, gradient: Tensor, observed: Tensor) -> None:
        """Move against the gradient; tasks without labels stay as they are."""
        n_steps = self._n_steps + 1
        mean = BETA1 * self._mean + (1 - BETA1) * gradient
        square = BETA2 * self._square + (1 - BETA2) * gradient**2
        first, second = mean / (1 - BETA1**n_steps), square / (1 - BETA2**n_steps)
        move = first / (second.sqrt() + EPSILON) + self.decay * self.values
        values = self.values - self.learning_rate * move
        self.values = torch.where(observed, values, self.values)
        self._mean = torch.where(observed, mean, self._mean)
        self._square = torch.where(observed, square, self._square)
        self._n_steps = torch.where(observed, n_steps, self._n_steps)
