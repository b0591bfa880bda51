"""What a source of blocks is, and what is summed up over them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from skmtl.sources._blocks import Block, read_block, rows_of


class Source(ABC):
    """Rows that come in blocks, as often as they are asked for.

    `fit` of an estimator takes one in place of X and y. Any object that yields blocks whenever it
    is iterated, a list of pairs (X, y) for example, is as good: `Source` is the base of those that
    know more, such as how to read the labels alone.

    A subclass yields in `__iter__` tuples (X, y) or (X, y, sample_weight), in the same order every
    time; blocks may have different numbers of rows, but at least one.

    See Also
    --------
    ArraySource : Arrays and memory maps.
    ParquetSource : Parquet files.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskLinearRegressor
    >>> from skmtl.sources import Source
    >>> class Days(Source):
    ...     def __iter__(self):
    ...         for day in range(3):
    ...             rng = np.random.default_rng(day)
    ...             X = rng.normal(size=(50, 4))
    ...             yield X, X[:, :2] + 0.1 * rng.normal(size=(50, 2))
    >>> model = MultiTaskLinearRegressor().fit(Days())
    >>> model.n_features_in_, model.statistics_.n_labels_
    (4, array([150, 150]))
    """

    @property
    def far(self) -> Any:
        """Who is asked about blocks that stay where they are; None where they are read here."""
        return None

    @property
    def name_of_y(self) -> Any:
        """Name of labels of one task, as a Series has it; None where there is none."""
        return None

    @abstractmethod
    def __iter__(self) -> Iterator[Any]:
        """Yield the blocks, from the first one."""

    def blocks(self) -> Iterator[tuple[int, Block]]:
        """Numbers of the blocks, from 0, and the blocks themselves.

        Yields
        ------
        number, (X, y, sample_weight)
            ``sample_weight`` is None where a block has none.

        Raises
        ------
        ValueError, TypeError
            If there is no block, or one is no tuple of two or three, or has no rows.
        """
        number = -1
        for number, found in enumerate(self):
            with naming_block(number):
                block = read_block(found)
            yield number, block
        if number < 0:
            raise ValueError(f"{self!r} has no block.")

    def labels(self) -> Iterator[tuple[int, tuple[Any, Any]]]:
        """Numbers of the blocks, and their labels; a source that can read these without X does.

        Yields
        ------
        number, (y, sample_weight)
            ``sample_weight`` is None where a block has none.
        """
        for number, (_, y, sample_weight) in self.blocks():
            yield number, (y, sample_weight)

    def read_features(self) -> Iterator[Any]:
        """Features of the blocks: what predictions are made of.

        Yields
        ------
        X
            Of one block.
        """
        for _, (X, _, _) in self.blocks():
            yield X

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[int, Any]]:
        """Features of the blocks in an order that is drawn, with the position of the first row.

        Here they come in their own order, which is all that iteration can do.

        Parameters
        ----------
        rng : numpy.random.Generator
            Draws the order.

        Yields
        ------
        start, X
            Position among all rows, and features.
        """
        start = 0
        for _, (X, _, _) in self.blocks():
            yield start, X
            start += rows_of(X)

    def take(self, rows: Any) -> Any:
        """Features of rows at any positions, ascending; None from a source that has no such access.

        Parameters
        ----------
        rows : ndarray of int
            Positions among all rows.

        Returns
        -------
        X : array-like or None
            Their features.
        """
        return None

    def statistics(self, task_feature: int | str | None = None) -> Any:
        """Sum up what squared loss needs of all rows, in one pass.

        Parameters
        ----------
        task_feature : int or str, default=None
            Long form: the column of X that says which task a row belongs to.

        Returns
        -------
        statistics : skmtl.linear.TaskStatistics
            Of all blocks. Their memory does not depend on the number of rows.

        Raises
        ------
        ValueError, TypeError
            If X has NaN or infinity, labels are no numbers, or a block has other columns, or
            tasks, than those before; the message has the number of the block.
        """
        # Linear models are built on this.
        from skmtl.linear import TaskStatistics

        found = TaskStatistics(task_feature=task_feature)
        for number, block in self.blocks():
            with naming_block(number):
                found.update(*block)
        return found


@contextmanager
def naming_block(number: int) -> Iterator[None]:
    """Let errors tell in which block they were found."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"Block {number}: {error}") from error
