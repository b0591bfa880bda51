"""Losses that one may divide by."""

from __future__ import annotations

import torch
from torch import Tensor

# Losses below count as this; the constant of the code of FAMO and DB-MTL.
SMALLEST_LOSS = 1e-8


def positive(losses: Tensor) -> Tensor:
    """Losses of at least `SMALLEST_LOSS`; NaN stays NaN."""
    return losses.clamp(min=SMALLEST_LOSS)


def softmax_over(logits: Tensor, observed: Tensor) -> Tensor:
    """Softmax over the observed tasks of each model, 0 for the others."""
    return torch.softmax(logits.masked_fill(~observed, -torch.inf), dim=1).masked_fill(~observed, 0)


def mean_over(values: Tensor, observed: Tensor) -> Tensor:
    """Mean over the observed tasks of each model, (n_models, 1)."""
    total = values.masked_fill(~observed, 0).sum(dim=1, keepdim=True)
    return total / observed.sum(dim=1, keepdim=True).clamp(min=1)
