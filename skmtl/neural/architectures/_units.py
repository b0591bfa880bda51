"""What is done to the units of a layer: activations, and dropout."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "silu": nn.functional.silu,
    "gelu": nn.functional.gelu,
}


class Dropout(nn.Module):
    """Dropout that draws from generators of its own, one per model.

    ``probability`` is that of all models, or a sequence of as many as there are.
    """

    def __init__(self, probability: float | Sequence[float]) -> None:
        super().__init__()
        self.probability = probability
        self.generators: list[torch.Generator] = []

    def seed(self, seeds: Sequence[int], device: torch.device) -> None:
        """Start one generator per model."""
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    @property
    def is_silent(self) -> bool:
        """Whether no unit is left out, of any model."""
        return not self.training or not np.any(self.probability)

    def mask(self, x: Tensor) -> Tensor | None:
        """Factors of units like ``x``: 0 for those left out; None where none is."""
        if self.is_silent:
            return None
        keep = np.broadcast_to(np.subtract(1.0, self.probability), len(self.generators)).tolist()
        mask = torch.empty_like(x)
        for model, generator in enumerate(self.generators):
            mask[model].bernoulli_(keep[model], generator=generator).div_(keep[model])
        return mask

    def forward(self, x: Tensor) -> Tensor:
        mask = self.mask(x)
        return x if mask is None else x * mask
