"""Numbers that a balancing method learns beside the network."""

from __future__ import annotations

import torch
from torch import Tensor

# Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8


class AdamVector:
    """One number a task and model, 0 at first, moved by Adam where the task has labels.

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
        mean = BETA_1 * self._mean + (1 - BETA_1) * gradient
        square = BETA_2 * self._square + (1 - BETA_2) * gradient**2
        first, second = mean / (1 - BETA_1**n_steps), square / (1 - BETA_2**n_steps)
        move = first / (second.sqrt() + EPSILON) + self.decay * self.values
        values = self.values - self.learning_rate * move
        self.values = torch.where(observed, values, self.values)
        self._mean = torch.where(observed, mean, self._mean)
        self._square = torch.where(observed, square, self._square)
        self._n_steps = torch.where(observed, n_steps, self._n_steps)
