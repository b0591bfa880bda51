"""Dask arrays and dataframes: every worker sums up its blocks, and only sums travel."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from operator import add
from typing import Any, Self

from skmtl._dask_rows import delayed_rows, merged
from skmtl.sources._base import Source, naming_block
from skmtl.sources._blocks import Block

STAYS = (
    "X is a dask collection, of which linear models learn numbers (squared loss) where its blocks "
    "are. Networks, and linear models of classes and counts, need the rows here: give "
    "fit(skmtl.sources.DaskSource(X, y)), which fetches them a block at a time, in every pass; or "
    "all of them, or a sample, by X.compute() and y.compute(). Where labels that are all 0 or 1 "
    "are meant as numbers, declare tasks='regression'."
)


class DaskSource(Source):
    """Rows of dask collections, in the blocks that they have.

    `fit` of a linear model makes one of the dask collections that it is given. Statistics are
    summed up where the blocks are, by whatever scheduler dask uses, and put together a few at a
    time; what comes back is one `TaskStatistics`. For estimators that learn from blocks one after
    the other this source is made by hand: they fetch the blocks, each when it is its turn.

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
    >>> from skmtl import MultiTaskLinearRegressor
    >>> rng = da.random.default_rng(0)
    >>> X = rng.normal(size=(10_000, 20), chunks=(2_000, 20))
    >>> Y = X[:, :3] + rng.normal(size=(10_000, 3), chunks=(2_000, 3))
    >>> model = MultiTaskLinearRegressor("l2", alpha=0.01).fit(X, Y)
    >>> model.predict(X)
    dask.array<concatenate, shape=(10000, 3), dtype=float64, chunksize=(2000, 3), ...>
    """

    def __init__(self, X: Any, y: Any, sample_weight: Any = None) -> None:
        self.X = X
        self.y = y
        self.sample_weight = sample_weight
        self._may_fetch = True

    @classmethod
    def that_stays(cls, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """A source whose rows are not fetched: who gives collections as X and y expects that."""
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
    def is_near(self) -> bool:
        """Whether rows may be fetched."""
        return self._may_fetch

    def __iter__(self) -> Iterator[Block]:
        if not self._may_fetch:
            raise ValueError(STAYS)
        for block in self._results(_together):
            if block[0].shape[0]:
                yield block

    def labels(self) -> Iterator[tuple[int, tuple[Any, Any]]]:
        """Numbers of the blocks, and their labels (y, sample_weight); of X nothing is fetched."""
        yield from enumerate(self._results(_labels))

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
        """What a function says of every block (X, y, sample_weight), put together by another."""
        parts = delayed_rows(partial(_named, of_block), self.X, self.y, self.sample_weight)
        return merged(parts, merge).compute()

    def _results(self, of_block: Callable[..., Any]) -> Iterator[Any]:
        """What a function says of every block, one after the other."""
        for part in delayed_rows(partial(_named, of_block), self.X, self.y, self.sample_weight):
            yield part.compute()


def _named(of_block: Callable[..., Any], number: int, *block: Any) -> Any:
    with naming_block(number):
        return of_block(*block)


def _statistics(task_feature: int | str | None, X: Any, y: Any, sample_weight: Any) -> Any:
    """Of one block, which may have no rows."""
    # Linear models are built on sources.
    from skmtl.linear import TaskStatistics

    found = TaskStatistics(task_feature=task_feature)
    if X.shape[0] or len(y):
        found._take(X, y, sample_weight)
    return found


def _together(X: Any, y: Any, sample_weight: Any) -> Block:
    return X, y, sample_weight


def _labels(X: Any, y: Any, sample_weight: Any) -> tuple[Any, Any]:
    return y, sample_weight
