"""Gradients no longer than they should be."""

from __future__ import annotations

import torch

from skmtl.neural.optimizers._base import Gradients, Optimizer, Wrapped


class Clipped(Wrapped):
    r"""Shorten the gradient of each model, over all its parameters, to a norm of at most c.

    .. math:: g \leftarrow \min(1, c / \|g\|) \, g

    Parameters
    ----------
    optimizer : Optimizer or Wrapped
        What takes the steps. A penalty that it adds to the gradient is not clipped.
    max_norm : float
        c

    References
    ----------
    Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural networks",
    ICML 2013, algorithm 1.
    """

    def __init__(self, optimizer: Optimizer | Wrapped, max_norm: float) -> None:
        super().__init__(optimizer)
        self.max_norm = max_norm

    def step(self, gradients: Gradients) -> None:
        """A step with the clipped gradients; the given ones stay as they are."""
        present = [gradient for gradient in gradients if gradient is not None]
        if present:
            norms = [torch.linalg.vector_norm(g.unsqueeze(1).flatten(1), dim=1) for g in present]
            norm = torch.linalg.vector_norm(torch.stack(norms), dim=0)
            # Of a gradient of 0 the quotient is infinite.
            share = (self.max_norm / norm).clamp(max=1.0)
            gradients = [
                g if g is None else g * share.view(-1, *[1] * (g.ndim - 1)) for g in gradients
            ]
        self.optimizer.step(gradients)
