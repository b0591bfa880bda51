"""Dask arrays and dataframes: every worker sums up its blocks, and only sums travel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from operator import add
from typing import Any, Self

from skmtl._dask_rows import delayed_rows, first_rows, merged
from skmtl.sources._base import Source, naming_block
from skmtl.sources._blocks import Block

STAYS = (
    "X is a dask collection, whose blocks only linear models learn from where they are. Others "
    "need the rows here: give networks fit(skmtl.sources.DaskSource(X, y)), which fetches them a "
    "block at a time, in every pass; or bring all rows, or a sample, by X.compute(), y.compute()."
)


class DaskSource(Source):
    """Rows of dask collections, in the blocks that they have.

    For networks, which learn from blocks one after the other: they fetch the blocks, each when it
    is its turn, in every epoch. Linear models need none: `fit` of dask collections themselves has
    every block summed up where it is, by whatever scheduler dask uses, and what comes back are
    sums, and of losses that are not squared a number for each label.

    Parameters
    ----------
    X : dask array of shape (n_samples, n_features), or dask DataFrame
        Features, with the task feature in long form. Columns in several chunks are put together.
    y : dask array, dask DataFrame or Series, or array-like
        Labels of the same rows, of shape (n_samples, n_tasks) or (n_samples,); NaN, None and
        pandas.NA are unobserved. Where numbers of rows are known, chunks may be others than those
        of X; where they are not, as in dataframes, there have to be as many partitions.
    sample_weight : as y, default=None
        Weights of the labels, of shape (n_samples,) or (n_samples, n_tasks).

    See Also
    --------
    ArraySource : Rows in memory, or on a disk.

    Examples
    --------
    >>> import dask.array as da
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.sources import DaskSource
    >>> rng = da.random.default_rng(0)
    >>> X = rng.normal(size=(1_000, 5), chunks=(200, 5))
    >>> Y = X[:, :3] + rng.normal(size=(1_000, 3), chunks=(200, 3))
    >>> model = MultiTaskMLPRegressor(max_iter=2, random_state=0).fit(DaskSource(X, Y))
    >>> model.predict(X)
    dask.array<concatenate, shape=(1000, 3), dtype=float64, chunksize=(200, 3), ...>
    """

    def __init__(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        self.X = X
        self.y = y
        self.sample_weight = sample_weight
        self._may_fetch = True

    @classmethod
    def that_stays(cls, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """A source whose rows are not fetched: who gives collections as X and y expects that.

        Parameters
        ----------
        X, y, sample_weight : dask collection
            As those of `DaskSource`.

        Returns
        -------
        source : DaskSource
            The source.
        """
        source = cls(X, y, sample_weight)
        source._may_fetch = False
        return source

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.X!r})"

    @property
    def name_of_y(self) -> Any:
        """Name of a Series of labels. A dask array has a name that nobody has given it."""
        return self.y.name if hasattr(self.y, "index") and hasattr(self.y, "name") else None

    @property
    def far(self) -> Any:
        """Itself, unless rows may be fetched."""
        return None if self._may_fetch else self

    def __iter__(self) -> Iterator[Block]:
        if not self._may_fetch:
            raise ValueError(STAYS)
        for part in self._parts(_together):
            block = part.compute()
            if block[0].shape[0]:
                yield block

    def labels(self) -> Iterator[tuple[int, tuple[Any, Any]]]:
        """Numbers of the blocks, and their labels (y, sample_weight); of X nothing is fetched."""
        import dask

        # Those of the first block often say what is asked of all.
        first, *others = self._parts(_labels)
        yield 0, first.compute()
        yield from enumerate(dask.compute(*others), 1)

    def statistics(self, task_feature: int | str | None = None) -> Any:
        """Sum up what squared loss needs of all rows, where they are.

        Parameters
        ----------
        task_feature : int or str, default=None
            Long form: the column of X that says which task a row belongs to.

        Returns
        -------
        statistics : skmtl.linear.TaskStatistics
            Of all blocks.

        Raises
        ------
        ValueError, TypeError
            If X has NaN or infinity, labels are no numbers, or rows of X, y and weights are not
            the same; where a block is to blame, with its number.
        """
        found = self.reduce(partial(_statistics, task_feature), add)
        if not hasattr(found, "_task_set"):
            raise ValueError("X has no rows: all blocks of the dask collection are empty.")
        return found

    def reduce(self, of_block: Callable[..., Any], merge: Callable[[Any, Any], Any]) -> Any:
        """What a function says of every block, put together by another.

        Parameters
        ----------
        of_block : callable
            Of a block (X, y, sample_weight).
        merge : callable
            Of two results.

        Returns
        -------
        merged : object
            What ``merge`` makes of all.
        """
        return merged(self._parts(of_block), merge).compute()

    def example(self) -> Any:
        """A few rows of X, which say how columns are called and what they hold.

        Returns
        -------
        rows : array-like
            Rows of the first block that has any.
        """
        found = first_rows(self.X)
        if found is None:
            raise ValueError("X has no rows: all blocks of the dask collection are empty.")
        return found

    def ask(
        self,
        function: Callable[..., Any],
        asked: Sequence[Any],
        merge: Callable[[Any, Any], Any] | None = None,
    ) -> Any:
        """What a function says of the X of each block, and of what is asked about it.

        Parameters
        ----------
        function : callable
            Of X and what is asked.
        asked : sequence
            For every block; None where there is nothing to ask.
        merge : callable, default=None
            Puts results together. By default they are a list.

        Returns
        -------
        answers : object
            What the function has said.
        """
        import dask

        say = dask.delayed(function, pure=False)
        parts = [
            say(X, what) for X, what in zip(self._features, asked, strict=True) if what is not None
        ]
        return list(dask.compute(*parts)) if merge is None else merged(parts, merge).compute()

    @cached_property
    def _features(self) -> list[Any]:
        """X of each block, delayed."""
        return delayed_rows(_features, self.X)

    def _parts(self, of_block: Callable[..., Any]) -> list[Any]:
        """What a function says of every block (X, y, sample_weight), delayed."""
        return delayed_rows(partial(_named, of_block), self.X, self.y, self.sample_weight)


def _named(of_block: Callable[..., Any], number: int, *block: Any) -> Any:
    with naming_block(number):
        return of_block(*block)


def _statistics(task_feature: int | str | None, X: Any, y: Any, sample_weight: Any) -> Any:
    """Of one block, which may have no rows."""
    # Linear models are built on sources.
    from skmtl.linear import TaskStatistics

    found = TaskStatistics(task_feature=task_feature)
    if X.shape[0] or len(y):
        found.update(X, y, sample_weight)
    return found


def _features(number: int, X: Any) -> Any:
    return X


def _together(X: Any, y: Any, sample_weight: Any) -> Block:
    return X, y, sample_weight


def _labels(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
    return y, sample_weight
