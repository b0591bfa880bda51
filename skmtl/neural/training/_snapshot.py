"""Copies of networks that train side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Array = NDArray[Any]


class Snapshot:
    """A copy of the module's state that can be taken for some of the models.

    Attributes
    ----------
    saved : list of Tensor of shape (n_models, size)
        All numbers of each model side by side, one array per dtype.
    """

    def __init__(self, module: nn.Module) -> None:
        # Parameters, and what batch normalisation has learnt; in the memory of the module.
        self.parts: dict[Any, list[Tensor]] = {}
        for tensor in module.state_dict().values():
            part = tensor.view(len(tensor), math.prod(tensor.shape[1:]))
            self.parts.setdefault(tensor.dtype, []).append(part)
        self.saved = self.now()

    def now(self) -> list[Tensor]:
        """A copy of the state as it is, like `saved`."""
        return [torch.cat(parts, dim=1) for parts in self.parts.values()]

    def save(self, models: Array, state: list[Tensor]) -> None:
        """Have the state, which `now` found, of the models where the mask ``models`` is true."""
        if models.all():
            # A copy is replaced as a whole and never written to.
            self.saved = state
            return
        mask = torch.from_numpy(models).to(state[0].device)[:, None]
        # In one assignment, so that an interruption never leaves half of two epochs.
        self.saved = [
            torch.where(mask, new, old) for new, old in zip(state, self.saved, strict=True)
        ]

    def restore(self) -> None:
        """Put the copy back into the module."""
        for parts, saved in zip(self.parts.values(), self.saved, strict=True):
            sizes = [part.shape[1] for part in parts]
            for part, of_part in zip(parts, saved.split(sizes, dim=1), strict=True):
                part.copy_(of_part)


def is_finite(state: list[Tensor]) -> Array:
    """Whether all numbers of each model are, in what `Snapshot.now` found."""
    sums = [numbers.sum(1).cpu().numpy() for numbers in state]
    found: Array = np.asarray(np.isfinite(sums).all(axis=0))
    return found
