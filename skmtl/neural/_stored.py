"""Training rows that stay where they are, and are mixed a few blocks at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl.neural._data import Batch, Rows
from skmtl.sources._stored_rows import StoredRows

Array = NDArray[Any]

MIXED_BYTES = 2**26
"""What rows of a batch are drawn from at a time: blocks far apart in the data, if it can be read in
any order (measured: benchmarks/scale/sources.py)."""


class StoredInputs:
    """What a network reads of `StoredRows`, block by block.

    Parameters
    ----------
    X : StoredRows
        Features.
    inputs : Inputs
        What is read of them.
    dtype : dtype
        In which.
    """

    def __init__(self, X: StoredRows, inputs: Any, dtype: Any) -> None:
        self.X, self.inputs, self.dtype = X, inputs, np.dtype(dtype)
        self.shape = X.shape[0], inputs.n_inputs

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """In order."""
        return ((rows, self._read(X)) for rows, X in self.X.blocks())

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[slice, Array]]:
        """In an order that is drawn."""
        return ((rows, self._read(X)) for rows, X in self.X.shuffled(rng))

    def __getitem__(self, rows: Array) -> Array:
        return self._read(self.X[rows])

    def _read(self, X: Array) -> Array:
        return np.asarray(self.inputs.transform(X, dtype=self.dtype))


class BlockRows(Rows):
    """`Rows` whose features stay in a source; their labels are in memory.

    An epoch goes over the blocks in an order that is drawn, as far as the source allows, and draws
    the rows of its batches from some blocks at a time. There are as many batches as in memory.
    """

    X: Any

    def _hold(self, X: Any) -> Any:
        return X

    def _features(self, index: Tensor) -> Tensor:
        flat = index.reshape(-1).cpu().numpy()
        return torch.from_numpy(self.X[flat]).to(self.device).view(*index.shape, -1)

    def epoch(self, rngs: list[np.random.Generator], size: int) -> Iterator[Batch]:
        """Shuffled batches of all rows, the same for each model."""
        if size >= self.n_rows:
            yield self.all(len(rngs))
            return
        rest: tuple[Array, Array] | None = None
        held: list[tuple[Array, Array]] = []
        rng, n_bytes, n_seen = rngs[0], 0, 0
        for rows, X in self.X.shuffled(rng):
            held.append((np.arange(rows.start, rows.stop), X))
            n_bytes, n_seen = n_bytes + X.nbytes, n_seen + len(X)
            is_last = n_seen == self.n_rows
            if n_bytes < MIXED_BYTES and not is_last:
                continue
            if rest is not None:
                held.append(rest)
            places, X = (np.concatenate(parts) for parts in zip(*held, strict=True))
            held, n_bytes = [], 0
            order = rng.permutation(len(places))
            n_whole = len(order) if is_last else len(order) - len(order) % size
            rest = places[order[n_whole:]], X[order[n_whole:]]
            pool = self._in_memory(X, places)
            for batch in pool.batches(torch.from_numpy(order[None, :n_whole]), size):
                yield batch.for_models(len(rngs))
            # Not to have two pools in memory while the next one is read.
            del pool, places, X
        self.X.X.check_number(n_seen)

    def in_order(self, n_models: int, size: int, index: Array | None = None) -> Iterator[Batch]:
        """All rows, or some, so many at a time, the same for each model."""
        if index is not None:
            yield from super().in_order(n_models, size, index)
            return
        for rows, X in self.X.blocks():
            pool = self._in_memory(X, np.arange(rows.start, rows.stop))
            yield from pool.in_order(n_models, size)

    def all(self, n_models: int = 1) -> Batch:
        """Every row in its order, in memory."""
        every = np.arange(self.n_rows)
        return self._in_memory(self.X[every], every).all(n_models)

    def _in_memory(self, X: Array, places: Array) -> Rows:
        """Some rows as those of a fit in memory."""
        some = Rows.__new__(Rows)
        some.__dict__.update(self.__dict__)
        at = torch.from_numpy(places).to(self.device)
        some.n_rows, some.X = len(places), torch.from_numpy(X).to(self.device)
        some.values = self.values[at]
        some.weights = self.weights[: len(places)] if self.all_alike else self.weights[at]
        some.task_index = None if self.task_index is None else self.task_index[at]
        return some
