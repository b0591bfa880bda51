"""What a training step asks about the losses of a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from torch import Tensor

from skmtl.neural._data import Batch


class Gradients(ABC):
    """Gradients of the losses of the tasks, of one batch at a time.

    `forward` comes first; the other methods are about the batch it was given. What they return
    may lie in memory that the next call writes to.

    A *space* is what gradients of single tasks are compared in: ``"shared"``, all parameters
    that the tasks share; ``"last_shared"``, those closest to the outputs; or
    ``"representation"``, what all tasks read.
    """

    @abstractmethod
    def forward(self, batch: Batch) -> Tensor:
        """Losses (n_models, n_tasks) of a batch, without gradient."""

    @abstractmethod
    def gradients(self, own: Tensor | None, shared: Tensor | None) -> Sequence[Tensor | None]:
        r"""Gradient of :math:`\sum_t w_t L_t` and the penalty for every parameter, or None.

        Parameters
        ----------
        own : Tensor of shape (n_tasks,) or None
            The weights for parameters of single tasks; None: 1.
        shared : Tensor of shape (n_models, n_tasks) or None
            Those for the others; None: the same.
        """

    @abstractmethod
    def jacobian(self, space: str) -> list[Tensor]:
        """Gradients (n_models, n_tasks, size) of every task, one array per tensor of the space."""

    @abstractmethod
    def gramian(self, space: str) -> Tensor:
        """Inner products (n_models, n_tasks, n_tasks) of the gradients of the tasks."""

    @abstractmethod
    def gradients_along(
        self, own: Tensor | None, directions: Sequence[Tensor], space: str
    ) -> Sequence[Tensor | None]:
        """`gradients`, with a direction (n_models, size) for each tensor of the space.

        A direction of the representation goes back through what computes it.
        """
