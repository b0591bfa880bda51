"""Bases of the modules of which graphs are made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn


class Module(nn.Module):
    """A module whose buffers and parts are found by name."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class Learner(Module):
    """A fitted estimator of one task.

    ``classes`` are those that it speaks of, in its order; None for numbers.
    """

    classes: list[Any] | None = None

    def expected(self, X: Tensor) -> Tensor:
        """Values (n,), quantiles (n, k), or probabilities (n, n_classes)."""
        raise NotImplementedError

    def decisions(self, X: Tensor) -> Tensor:
        """Positions of predicted classes."""
        raise NotImplementedError
