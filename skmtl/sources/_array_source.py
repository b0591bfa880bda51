"""Arrays and memory maps, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from skmtl.sources._base import Source
from skmtl.sources._blocks import rows_of
from skmtl.sources._mapped_pages import give_back
from skmtl.tasks._rows import some_rows, takeable

BLOCK_BYTES = 2**25
"""Bytes of a block of X in float64 (measured: benchmarks/scale/sources.py)."""


MOST_BYTES, FEWEST_ROWS = 4 * BLOCK_BYTES, 5_000
"""Bytes in float64 that are in memory at a time, and rows that are so always. A source with less is
read into memory."""


class ArraySource(Source):
    """Arrays and memory maps, of which a block of rows at a time is in memory.

    Parameters
    ----------
    X : {ndarray, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Features, or a memory map or Arrow table of them, with the task feature in long form.
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,), default=None
        Labels; NaN, None, pandas.NA and masked entries are unobserved. Predictions need none.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels.
    block_rows : int, default=None
        Rows of a block; by default as many as have 32 MiB in float64.

    See Also
    --------
    Source : The base class.

    Notes
    -----
    Slices of X are read in the order of the rows, and nothing of it is copied but the block at
    work: X is not validated as a whole, but block by block. Pages of a memory map that were read
    are given back to the system, unless the map is one whose changes are private (mode "c").

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinearRegressor
    >>> from skmtl.sources import ArraySource
    >>> rng = np.random.default_rng(0)
    >>> path = os.path.join(tempfile.mkdtemp(), "X.npy")
    >>> np.save(path, rng.normal(size=(1000, 5)).astype(np.float32))
    >>> X = np.load(path, mmap_mode="r")
    >>> Y = X[:, :2] + 0.1 * rng.normal(size=(1000, 2))
    >>> source = ArraySource(X, Y, block_rows=300)
    >>> len(list(source))
    4
    >>> model = MultiTaskLinearRegressor("l2", alpha=0.1).fit(source)
    >>> np.allclose(model.coef_, MultiTaskLinearRegressor("l2", alpha=0.1).fit(X, Y).coef_)
    True
    """

    def __init__(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, block_rows: int | None = None
    ) -> None:
        self.X = X
        self.y = y
        self.sample_weight = sample_weight
        self.block_rows = block_rows
        check_block_rows(block_rows)
        self._check()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({rows_of(self.X)} rows)"

    @property
    def name_of_y(self) -> Any:
        """Name of a Series of labels."""
        return getattr(self.y, "name", None)

    def __len__(self) -> int:
        """Number of rows."""
        return rows_of(self.X)

    def __iter__(self) -> Iterator[Any]:
        for rows in self._slices():
            yield self._block(rows)
            give_back(self.X, rows)

    def labels(self) -> Iterator[tuple[int, tuple[Any, Any]]]:
        """As `Source.labels`, without reading X."""
        for number, rows in enumerate(self._slices()):
            parts = (self.y, self.sample_weight)
            y, weight = (None if part is None else take_rows(part, rows) for part in parts)
            yield number, (y, weight)

    def read_features(self) -> Iterator[Any]:
        """As `Source.read_features`."""
        for rows in self._slices():
            yield take_rows(self.X, rows)
            give_back(self.X, rows)

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[int, Any]]:
        """As `Source.shuffled`: slices of rows, in any order."""
        slices = self._slices()
        for k in rng.permutation(len(slices)):
            yield slices[k].start, take_rows(self.X, slices[k])
            give_back(self.X, slices[k])

    def take(self, rows: Any) -> Any:
        """As `Source.take`."""
        if not isinstance(self.X, np.memmap):
            return some_rows(self.X, rows)
        found = np.empty((len(rows), self.X.shape[1]), self.X.dtype)
        # A few rows touch as many pages as all of them do.
        for block in self._slices():
            first, last = np.searchsorted(rows, [block.start, block.stop])
            if last > first:
                found[first:last] = self.X[rows[first:last]]
                give_back(self.X, block)
        return found

    def _slices(self) -> list[slice]:
        """Rows of every block."""
        n_rows, size = len(self), self._block_rows
        return [slice(start, min(start + size, n_rows)) for start in range(0, n_rows, size)]

    @property
    def _block_rows(self) -> int:
        if self.block_rows is not None:
            return int(self.block_rows)
        return max(1, BLOCK_BYTES // (8 * max(1, self.X.shape[1])))

    def _block(self, rows: slice) -> tuple[Any, Any, Any]:
        parts = (self.X, self.y, self.sample_weight)
        X, y, weight = (None if part is None else take_rows(part, rows) for part in parts)
        return X, y, weight

    def _check(self) -> None:
        """Raise where the parts do not have the same rows."""
        parts = {"X": self.X, "y": self.y, "sample_weight": self.sample_weight}
        counts = {name: rows_of(part) for name, part in parts.items() if part is not None}
        if len(set(counts.values())) > 1:
            found = ", ".join(f"{name} has {n} rows" for name, n in counts.items())
            raise ValueError(
                f"Found input variables with inconsistent numbers of samples: {found}."
            )


def is_large_map(X: Any) -> bool:
    """Whether X is a memory map of more rows than are in memory at a time."""
    if not isinstance(X, np.memmap) or X.ndim != 2:
        return False
    return len(X) > FEWEST_ROWS and 8 * X.size > MOST_BYTES


def large_map(X: Any, y: Any, sample_weight: Any) -> ArraySource | None:
    """A large memory map, with labels and weights in memory, as a source; None of others."""
    if y is None or not is_large_map(X):
        return None
    return ArraySource(
        X, *(None if part is None else takeable(part) for part in (y, sample_weight))
    )


def check_block_rows(block_rows: Any) -> None:
    """Raise where it is no number of rows."""
    if block_rows is None:
        return
    if not isinstance(block_rows, int | np.integer) or block_rows < 1:
        raise ValueError(f"block_rows={block_rows!r}; expected a whole number above 0, or None.")


def take_rows(part: Any, rows: slice) -> Any:
    """Some rows of an array, a table of any library, or a list."""
    if hasattr(part, "iloc"):
        return part.iloc[rows]
    found = part[rows]
    # A plain array, which every part of numpy and scikit-learn takes for what it is.
    return np.asarray(found) if isinstance(found, np.memmap) else found
