"""Features that stay where they are: a matrix of which a block of rows at a time is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.sources._array_source import BLOCK_BYTES
from skmtl.sources._base import Source, naming_block

Array = NDArray[Any]


MOST_BYTES, FEWEST_ROWS = 4 * BLOCK_BYTES, 5_000
"""Bytes in float64 that are in memory at a time, and rows that are so always. A source with less is
read into memory."""


ROUNDING = 8 * np.finfo(np.float64).eps
"""Of a number, relative to what it was before a mean was taken from it."""


class StoredRows:
    """Features of a source, seen as one matrix (n_samples, n_features).

    Parameters
    ----------
    source : Source
        Where the blocks are.
    read : callable
        From the X of a block to numbers (n, n_features).
    counts : sequence of int
        Rows of every block.
    extremes : tuple of ndarray of shape (n_features,)
        Smallest and largest number of every column of all rows, NaN where one is missing.
    dtype : dtype
        Of the numbers.

    Notes
    -----
    Like an array it has ``shape`` and ``dtype``, takes products ``X @ W`` and ``X.T @ U``, and rows
    at positions, ``X[rows]``, which are in memory then. A mask, ``X[is_wanted]``, gives another
    matrix that stays where it is.
    """

    ndim = 2

    def __init__(
        self,
        source: Source,
        read: Callable[[Any], Array],
        counts: Sequence[int],
        extremes: tuple[Array, Array],
        dtype: Any,
    ) -> None:
        self.source, self.read = source, read
        # None where they are not known.
        self._extremes: tuple[Array, Array] | None = extremes
        self._n_features = len(extremes[0])
        self.starts = np.concatenate([[0], np.cumsum(counts)])
        self.dtype = np.dtype(dtype)
        # Positions in the source, ascending; None for all.
        self.index: Array | None = None
        self._kept: tuple[Array, Array] | None = None
        self._shift: tuple[Array, Array] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        n_rows = self.starts[-1] if self.index is None else len(self.index)
        return int(n_rows), self._n_features

    @property
    def extremes(self) -> tuple[Array, Array]:
        """Smallest and largest number of every column, NaN where one is missing."""
        if self._extremes is None:
            found = [(X.min(axis=0), X.max(axis=0)) for _, X in self.blocks()]
            lowest, highest = zip(*found, strict=True)
            self._extremes = np.minimum.reduce(lowest), np.maximum.reduce(highest)
        return self._extremes

    @property
    def most_rows(self) -> int:
        """As many rows as may be in memory at a time."""
        return max(FEWEST_ROWS, MOST_BYTES // (8 * self.shape[1]))

    def is_large(self, n_rows: int) -> bool:
        """Whether so many rows are too many to be in memory at a time."""
        return n_rows > self.most_rows

    @property
    def T(self) -> _Transposed:
        """The transpose, to multiply with."""
        return _Transposed(self)

    def astype(self, dtype: Any, copy: bool = True) -> Self:
        """The same in another dtype."""
        return self._changed(dtype=np.dtype(dtype))

    def less(self, shift: Array, task_index: Array) -> Self:
        """The same less what each task has of ``shift`` (n_features, n_tasks)."""
        moved = np.ascontiguousarray(shift.T), task_index
        return self._changed(_shift=moved, _extremes=None)

    def _moved(self, X: Array, rows: Any) -> Array:
        """Some rows, less what they are shifted by; 0 where rounding is left."""
        if self._shift is None:
            return X
        of_tasks, index = self._shift
        less = of_tasks[index[rows]]
        X = X - less
        X[np.abs(X) <= np.sqrt(self.shape[0]) * ROUNDING * np.abs(less)] = 0.0
        return X

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Blocks in order: which rows these are, and the rows."""
        for number, (X, _, _) in self.source.blocks():
            yield from self._part(int(self.starts[number]), self._read(X, number))

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[slice, Array]]:
        """Blocks in an order that is drawn, as far as the source can be read in any."""
        for start, X in self.source.shuffled(rng):
            yield from self._part(start, self._read(X, None))

    def _read(self, X: Any, number: int | None) -> Array:
        if number is None:
            found = self.read(X)
        else:
            with naming_block(number):
                found = self.read(X)
        return found.astype(self.dtype, copy=False)

    def _part(self, start: int, X: Array) -> Iterator[tuple[slice, Array]]:
        """What of some rows of the source belongs to this matrix."""
        first, last = start, start + len(X)
        if self.index is not None:
            first, last = np.searchsorted(self.index, [first, last]).tolist()
            if last - first < len(X):
                X = X[self.index[first:last] - start]
        if last > first:
            rows = slice(first, last)
            yield rows, self._moved(X, rows)

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            rows, column = key
            assert rows == slice(None)
            return np.concatenate([X[:, column] for _, X in self.blocks()])
        key = np.arange(self.shape[0])[key] if isinstance(key, slice) else np.asarray(key)
        if key.dtype == bool:
            positions = np.flatnonzero(key)
            shift = None if self._shift is None else (self._shift[0], self._shift[1][key])
            index = positions if self.index is None else self.index[positions]
            return self._changed(index=index, _shift=shift, _extremes=None)
        return self._moved(self._gather(key if self.index is None else self.index[key]), key)

    def keep(self, rows: Array) -> None:
        """Read these rows once, to have them in memory whenever they are asked for."""
        rows = np.unique(rows if self.index is None else self.index[rows])
        self._kept = None
        self._kept = rows, self._gather(rows)

    @property
    def kept(self) -> Array:
        """Positions of the rows that are kept in memory."""
        rows = self._kept[0] if self._kept is not None else np.zeros(0, dtype=np.intp)
        return rows if self.index is None else np.flatnonzero(np.isin(self.index, rows))

    def _gather(self, rows: Array) -> Array:
        """Rows at positions in the source, in this order."""
        if self._kept is not None:
            known, found = self._kept
            at = np.minimum(np.searchsorted(known, rows), len(known) - 1)
            if (known[at] == rows).all():
                return found[at].astype(self.dtype, copy=False)
        wanted, back = np.unique(rows, return_inverse=True)
        X = self.source.take(wanted)
        if X is not None:
            return self._read(X, None)[back]
        out = np.empty((len(wanted), self.shape[1]), self.dtype)
        some = self._changed(index=wanted, _shift=None, _kept=None)
        for part, X in some.blocks():
            out[part] = X
        return out[back]

    def min(self, axis: int | None = None, initial: float = np.inf) -> Any:
        """Smallest number of every column, or of all; NaN where one is missing."""
        lowest = self.extremes[0]
        return lowest if axis == 0 else np.minimum(lowest.min(initial=np.inf), initial)

    def __matmul__(self, W: Array) -> Array:
        out = np.empty((self.shape[0], *W.shape[1:]))
        for rows, X in self.blocks():
            out[rows] = X @ W
        return out

    def _changed(self, **values: Any) -> Self:
        other = copy(self)
        other.__dict__.update(values)
        return other


class _Transposed:
    """`StoredRows`, transposed."""

    def __init__(self, X: StoredRows) -> None:
        self.X, self.shape = X, X.shape[::-1]

    def __matmul__(self, U: Array) -> Array:
        out = np.zeros((self.shape[0], *U.shape[1:]))
        for rows, X in self.X.blocks():
            out += X.T @ U[rows]
        return out
