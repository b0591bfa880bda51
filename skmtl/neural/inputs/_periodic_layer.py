"""The module of `Periodic`."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.neural.architectures._parameters import Shared


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

    def gradient(self, Z: Tensor, waves: Tensor, g: Tensor) -> Tensor:
        r"""That of the frequencies from those by the waves: (n_copies, n_models, 1, ...).

        .. math:: \nabla c_k = \sum_i 2 \pi z_i
            \left(g^{\sin}_{ik} \cos(2 \pi c_k z_i) - g^{\cos}_{ik} \sin(2 \pi c_k z_i)\right)
        """
        sines, cosines = waves.chunk(2, -1)
        of_sines, of_cosines = g.chunk(2, -1)
        of_angles = of_sines * cosines - of_cosines * sines
        of_angles = of_angles.unflatten(-1, self.frequencies.shape[2:])
        return (of_angles * (2 * torch.pi * Z.unsqueeze(-1))).sum(-3, keepdim=True)
