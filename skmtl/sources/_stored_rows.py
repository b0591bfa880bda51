"""Features that stay where they are: a matrix of which a block of rows at a time is in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import copy
from functools import partial, reduce
from itertools import pairwise
from operator import add
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.sources._array_source import FEWEST_ROWS, MOST_BYTES
from skmtl.sources._base import Source, naming_block

Array = NDArray[Any]


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
            self._extremes = self.total(_extremes, merge=_outermost)
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
        return _less(X, of_tasks[index[rows]], np.sqrt(self.shape[0]) * ROUNDING)

    def blocks(self) -> Iterator[tuple[slice, Array]]:
        """Blocks in order: which rows these are, and the rows."""
        n_seen = 0
        for number, (X, _, _) in self.source.blocks():
            start = int(self.starts[min(number, len(self.starts) - 1)])
            for rows, part in self._part(start, self._read(X, number)):
                n_seen += rows.stop - rows.start
                self.check_number(n_seen, at_least=False)
                yield rows, part
        self.check_number(n_seen)

    def check_number(self, n_seen: int, *, at_least: bool = True) -> None:
        """Raise where a pass has seen other rows than there are."""
        if n_seen > self.shape[0] or (at_least and n_seen < self.shape[0]):
            raise ValueError(
                f"{self.source!r} gave {n_seen} rows in this pass, but {self.shape[0]} before: it "
                "has to yield the same blocks every time."
            )

    def each(
        self, function: Callable[..., Any], parts: Callable[[slice], tuple[Any, ...]] | None = None
    ) -> Iterator[tuple[slice, Any]]:
        """What a function says of every block, found where the block is.

        Parameters
        ----------
        function : callable
            Of the rows of a block, and what goes along with them.
        parts : callable, default=None
            From which rows these are to what goes along with them, a tuple.

        Yields
        ------
        rows, result
            Which rows, and what the function says of them.
        """
        far = self.source.far
        if far is None:
            for rows, X in self.blocks():
                yield rows, function(X, *(() if parts is None else parts(rows)))
            return
        asked, of_blocks = self._questions(parts)
        yield from zip(of_blocks, far.ask(partial(_of_far_block, function), asked), strict=True)

    def total(
        self,
        function: Callable[..., Any],
        parts: Callable[[slice], tuple[Any, ...]] | None = None,
        merge: Callable[[Any, Any], Any] = add,
    ) -> Any:
        """What a function says of every block, as in `each`, put together by another."""
        far = self.source.far
        if far is None:
            return reduce(merge, (result for _, result in self.each(function, parts)))
        asked, _ = self._questions(parts)
        return far.ask(partial(_of_far_block, function), asked, merge)

    def _questions(self, parts: Any) -> tuple[list[Any], list[slice]]:
        """For every block of the source what `_of_far_block` needs, or None; and which rows."""
        asked: list[Any] = []
        found: list[slice] = []
        for start, stop in pairwise(self.starts.tolist()):
            first, last, some = start, stop, None
            if self.index is not None:
                first, last = np.searchsorted(self.index, [start, stop]).tolist()
                if last - first < stop - start:
                    some = self.index[first:last] - start
            if first == last:
                asked.append(None)
                continue
            rows = slice(first, last)
            less = None if self._shift is None else (self._shift[0], self._shift[1][rows])
            threshold = np.sqrt(self.shape[0]) * ROUNDING
            how = self.read, self.dtype, some, less, threshold
            asked.append((how, () if parts is None else parts(rows)))
            found.append(rows)
        return asked, found

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
            return np.concatenate([x for _, x in self.each(partial(_column, column))])
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
        for part, X in some.each(_itself):
            out[part] = X
        return out[back]

    def min(self, axis: int | None = None, initial: float = np.inf) -> Any:
        """Smallest number of every column, or of all; NaN where one is missing."""
        lowest = self.extremes[0]
        return lowest if axis == 0 else np.minimum(lowest.min(initial=np.inf), initial)

    def __matmul__(self, W: Array) -> Array:
        out = np.empty((self.shape[0], *W.shape[1:]))
        for rows, raw in self.each(partial(_times, W)):
            out[rows] = raw
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
        found: Array = self.X.total(_transposed_times, lambda rows: (U[rows],))
        return found


def _less(X: Array, less: Array, rounding: float) -> Array:
    """X less what it is shifted by; 0 where rounding is left."""
    X = X - less
    X[np.abs(X) <= rounding * np.abs(less)] = 0.0
    return X


def _of_far_block(function: Callable[..., Any], X: Any, asked: Any) -> Any:
    """What a function says of a block, from the X of a source."""
    (read, dtype, some, less, rounding), parts = asked
    X = read(X).astype(dtype, copy=False)
    X = X if some is None else X[some]
    X = X if less is None else _less(X, less[0][less[1]], rounding)
    return function(X, *parts)


def _itself(X: Array) -> Array:
    return X


def _column(column: int, X: Array) -> Array:
    return X[:, column]


def _times(W: Array, X: Array) -> Array:
    found: Array = X @ W
    return found


def _transposed_times(X: Array, U: Array) -> Array:
    found: Array = X.T @ U
    return found


def _extremes(X: Array) -> tuple[Array, Array]:
    return X.min(axis=0), X.max(axis=0)


def _outermost(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])
