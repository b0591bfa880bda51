"""Memory that steps of `ManualGradients` use again and again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[Any]

IN_CACHE = 2**19
"""Bytes of the gradients of some tasks, so that they stay near: half of what a core often has."""

SIZES = 3
"""Sizes of batches that memory is kept for: most, the last of an epoch, and all rows."""


class ArrayAndTensor:
    """Memory that torch and numpy both see: numpy's BLAS may be twice as fast as torch's."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor.detach()
        self.array: Array = self.tensor.numpy()
        self.transposed = self.array.swapaxes(-1, -2)


class Buffers:
    """Where a pass over a batch of so many rows leaves its intermediate results.

    Parameters
    ----------
    like : Tensor of shape (n_models, ...)
        Decides the number of models and the dtype.
    n_rows : int
        Rows of the batch.
    widths : sequence of int
        Units of each layer.
    n_outputs : int
        Raw scores of a row.
    """

    def __init__(
        self,
        like: Tensor,
        n_rows: int,
        widths: Sequence[int],
        n_outputs: int,
    ) -> None:
        def new(width: int) -> ArrayAndTensor:
            return ArrayAndTensor(like.new_empty(len(like), n_rows, width))

        self.units = [new(width) for width in widths]
        # What enters an activation, and then its derivative.
        self.sums = [new(width) for width in widths]
        self.slopes = [new(width) for width in widths]
        self.raw = new(n_outputs)
        self.ones = np.ones((1, n_rows), dtype=self.raw.array.dtype)
        self.like, self.widths, self.n_rows = like, widths, n_rows
        self.of_tasks: list[Tensor] | None = None

    def slopes_of_tasks(self, n_tasks: int) -> list[Tensor]:
        """Slopes (some tasks, n_models, n, width) of every layer."""
        if self.of_tasks is None:
            size = self.like.element_size() * len(self.like) * self.n_rows * max(self.widths)
            some = min(n_tasks, max(1, IN_CACHE // size))
            self.of_tasks = [
                self.like.new_empty(some, len(self.like), self.n_rows, width)
                for width in self.widths
            ]
        return self.of_tasks


class BuffersBySize:
    """Buffers for each size of batch; where the sizes change a lot, of the last few only."""

    def __init__(self, like: Tensor, widths: Sequence[int], n_outputs: int) -> None:
        self.like, self.settings = like, (widths, n_outputs)
        self.by_size: dict[int, Buffers] = {}

    def __getitem__(self, n_rows: int) -> Buffers:
        if n_rows not in self.by_size:
            if len(self.by_size) == SIZES:
                self.by_size.clear()
            self.by_size[n_rows] = Buffers(self.like, n_rows, *self.settings)
        return self.by_size[n_rows]


def views(flat: Tensor, sizes: list[int], like: Sequence[Tensor]) -> list[Tensor]:
    """Parts of an array (n_models, size) with the shapes of tensors."""
    parts = flat.split(sizes, dim=-1) if sizes else []
    return [part.view(p.shape) for part, p in zip(parts, like, strict=False)]


def in_pairs(tensors: Sequence[Tensor]) -> list[tuple[ArrayAndTensor, ArrayAndTensor]]:
    """Weights with their biases."""
    shared = [ArrayAndTensor(tensor) for tensor in tensors]
    return list(zip(shared[::2], shared[1::2], strict=True))
