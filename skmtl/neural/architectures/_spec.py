"""What a network is to look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class NetworkSpec:
    """Shape of a network: what `Architecture.build` gets.

    Parameters
    ----------
    n_features : int or tuple of int
        Number of features; the shape of a row, for an architecture that takes such.
    outputs_per_task : sequence of int
        Number of raw scores of each task; 0 for a task whose prediction is constant.
    hidden_layer_sizes, head_hidden_layer_sizes : sequence of int, default=()
        Units of the hidden layers of the trunk, and of each head.
    activation : {"identity", "logistic", "tanh", "relu", "silu", "gelu"}, default="relu"
        Activation of the hidden layers.
    dropout : float, default=0.0
        Probability that a hidden unit is left out of a training step.
    normalization : {"layer", "batch"}, default=None
        What hidden units are normalised over before their activation.
    linear_skip : bool, default=False
        Whether a linear path leads from the inputs to every head. It is put beside the module.
    embedding : dict, default=None
        What is trained before the module; see `Embedding`. The module is told how many numbers
        it finds.
    n_models : int, default=1
        Number of networks that live in the module side by side.

    Examples
    --------
    >>> from skmtl.neural.architectures import HardSharing, NetworkSpec
    >>> spec = NetworkSpec(n_features=4, outputs_per_task=(1, 3), hidden_layer_sizes=(8,))
    >>> sum(parameter.numel() for parameter in HardSharing().build(spec).parameters())
    76
    """

    n_features: int | tuple[int, ...]
    outputs_per_task: Sequence[int]
    hidden_layer_sizes: Sequence[int] = ()
    head_hidden_layer_sizes: Sequence[int] = ()
    activation: str = "relu"
    dropout: float = 0.0
    normalization: str | None = None
    linear_skip: bool = False
    embedding: Mapping[str, Any] | None = None
    n_models: int = 1

    @property
    def n_tasks(self) -> int:
        """Number of tasks."""
        return len(self.outputs_per_task)

    @property
    def n_outputs(self) -> int:
        """Number of raw scores of all tasks."""
        return sum(self.outputs_per_task)

    @property
    def row_shape(self) -> tuple[int, ...]:
        """Shape of a row of X."""
        return self.n_features if isinstance(self.n_features, tuple) else (self.n_features,)

    @property
    def widths(self) -> list[int]:
        """Number of features, and of units of the hidden layers of the trunk."""
        # A row that is no vector is refused before it comes here, or by the first layer.
        return [self.n_features, *self.hidden_layer_sizes]  # type: ignore[list-item]

    @property
    def style(self) -> tuple[str, float, str | None]:
        """Activation, dropout and normalization: what all hidden layers have in common."""
        return self.activation, self.dropout, self.normalization
