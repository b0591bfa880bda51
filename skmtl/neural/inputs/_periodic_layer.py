"""The module of `Periodic`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.neural.architectures._layers import Shared


class PeriodicLayer(Shared):
    """Waves (n_models, n, 2 * n_numbers * n_frequencies) of numbers (n_models, n, n_numbers)."""

    def __init__(self, n_models: int, n_numbers: int, n_frequencies: int, scale: float) -> None:
        super().__init__()
        # Not called weight: frequencies are not to be pulled to zero.
        self.frequencies = nn.Parameter(torch.zeros(n_models, 1, n_numbers, n_frequencies))
        self.scale = scale
        self.n_outputs = 2 * n_numbers * n_frequencies

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        drawn = rng.normal(scale=self.scale, size=self.frequencies.shape[1:])
        with torch.no_grad():
            self.frequencies[model] = torch.from_numpy(drawn)

    def forward(self, Z: Tensor) -> Tensor:
        angles = (2 * torch.pi * self.frequencies * Z.unsqueeze(-1)).flatten(2)
        return torch.cat([angles.sin(), angles.cos()], -1)
