"""Memory that steps of `ByHand` use again and again."""

from __future__ import annotations

import numpy as np

IN_CACHE = 2**19
"""Bytes of the gradients of some tasks, so that they stay near: half of what a core often has."""


class Shared:
    """Memory that torch and numpy both see: numpy's BLAS may be twice as fast as torch's."""

    def __init__(self, tensor):
        self.tensor = tensor.detach()
        self.array = self.tensor.numpy()
        self.transposed = self.array.swapaxes(-1, -2)


class Room:
    """Where a pass over a batch of so many rows leaves its intermediate results."""

    def __init__(self, like, n_rows, widths, n_outputs):
        def shared(width):
            return Shared(like.new_empty(len(like), n_rows, width))

        self.units = [shared(width) for width in widths]
        self.slopes = [shared(width) for width in widths]
        self.raw = shared(n_outputs)
        self.ones = np.ones((1, n_rows), dtype=self.raw.array.dtype)
        self.like, self.widths, self.n_rows, self.of_tasks = like, widths, n_rows, None

    def slopes_of_tasks(self, n_tasks):
        """Slopes (some tasks, n_models, n, width) of every layer."""
        if self.of_tasks is None:
            size = self.like.element_size() * len(self.like) * self.n_rows * max(self.widths)
            some = min(n_tasks, max(1, IN_CACHE // size))
            self.of_tasks = [
                self.like.new_empty(some, len(self.like), self.n_rows, width)
                for width in self.widths
            ]
        return self.of_tasks
