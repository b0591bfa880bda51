"""What the training loop asks of a balancing method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from sklearn.base import BaseEstimator
from torch import Tensor


class Balancing(BaseEstimator, ABC):
    """How the losses of the tasks become one step of what they share.

    A method maps the current losses to weights; the shared parameters follow the gradient of
    the weighted sum, parameters that belong to one task that of its own loss. A fit works on
    a clone, so a method may keep what it needs between steps in attributes of its own.

    Attributes
    ----------
    is_constant : bool
        Whether all weights are always 1: one backward pass then serves all parameters.
    """

    alias: ClassVar[str]
    is_constant: ClassVar[bool] = False

    def start(self, n_models: int, n_tasks: int) -> None:
        """Forget earlier fits; called once before training."""

    @abstractmethod
    def weights(self, losses: Tensor) -> Tensor:
        """Weights of the tasks in this step.

        Parameters
        ----------
        losses : Tensor of shape (n_models, n_tasks)
            Current losses, without gradient; 0 for a task that has no label in the batch.

        Returns
        -------
        weights : Tensor of shape (n_models, n_tasks)
            Weights >= 0 of their gradients.
        """

    def end_epoch(self, losses: Tensor) -> None:
        """Take note of the mean losses (n_models, n_tasks) of a finished epoch."""
