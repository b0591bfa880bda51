"""The door: what `fit` takes for a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from skmtl._dask_rows import is_dask, refuse_dask
from skmtl.sources._base import Source
from skmtl.sources._blocks import is_table, rows_of
from skmtl.sources._dask import DaskSource


def as_source(X: Any, y: Any = None, sample_weight: Any = None) -> Source | None:
    """The source that `fit` was given, or None for rows in memory.

    Raises
    ------
    ValueError
        If labels or weights were given beside a source, whose blocks have them, or are a dask
        collection where X is none.
    """
    if is_dask(X):
        if y is None:
            raise ValueError("y is None; expected the labels of the rows of X, fit(X, y).")
        return DaskSource.that_stays(X, y, sample_weight)
    for name, part in (("y", y), ("sample_weight", sample_weight)):
        if is_dask(part):
            raise ValueError(
                f"{name} is a dask {type(part).__name__}, but X a {type(X).__name__}: give both "
                f"as dask collections, or {name}.compute()."
            )
    if type(X) is np.ndarray:
        return None
    if y is not None:
        if isinstance(X, Source):
            raise ValueError("y beside a source: its blocks (X, y) have the labels. Leave y out.")
        return None
    if not isinstance(X, Source):
        if not _is_iterable_of_blocks(X):
            return None
        X = (Listed if isinstance(X, list | tuple) else Iterated)(X)
    if sample_weight is not None:
        raise ValueError(
            "sample_weight beside a source: weights are in its blocks, (X, y, sample_weight)."
        )
    return X


def refuse_as_rows(X: Any) -> None:
    """Raise for a source where rows in memory are meant."""
    if isinstance(X, Source):
        raise ValueError(
            "A source stands for X in fit and in predictions; score and others take rows in "
            "memory. Predict it, predict(source), and compare that with its labels: "
            "skmtl.metrics.multitask_score(y, predictions, metric)."
        )


def refuse_source(estimator: Any, source: Source) -> None:
    """Raise for an estimator that needs all rows at once."""
    if isinstance(source, DaskSource):
        refuse_dask(estimator)
    raise ValueError(
        f"{type(estimator).__name__} does not learn from blocks: it needs all rows in memory, "
        "fit(X, y). Linear models and MultiTaskMLP learn from a source."
    )


class Iterated(Source):
    """Blocks of any iterable.

    Parameters
    ----------
    iterable : iterable
        Of blocks. An iterator gives them once.
    """

    def __init__(self, iterable: Iterable[Any]) -> None:
        self.iterable = iterable
        self._is_used = False

    def __repr__(self) -> str:
        return f"The {type(self.iterable).__name__}"

    def __iter__(self) -> Iterator[Any]:
        found = iter(self.iterable)
        if found is self.iterable:
            if self._is_used:
                raise ValueError(
                    f"A {type(found).__name__} gives its blocks once, but this fit goes over them "
                    "several times. Give a list of blocks, or an object whose __iter__ begins "
                    "anew: a class with a generator function __iter__, for example."
                )
            self._is_used = True
        return found


class Listed(Iterated):
    """Blocks of a list, in any order.

    Parameters
    ----------
    iterable : sequence
        Of blocks.
    """

    def shuffled(self, rng: np.random.Generator) -> Iterator[tuple[int, Any]]:
        """As `Source.shuffled`."""
        blocks: Any = self.iterable
        starts = np.concatenate([[0], np.cumsum([rows_of(block[0]) for block in blocks])])
        for k in rng.permutation(len(blocks)):
            yield int(starts[k]), blocks[k][0]


def _is_iterable_of_blocks(X: Any) -> bool:
    """Whether these are blocks, and no table."""
    if hasattr(X, "shape") or hasattr(X, "__array__") or hasattr(X, "__arrow_c_stream__"):
        return False
    if isinstance(X, str | bytes | Mapping):
        return False
    if isinstance(X, list | tuple):
        first = X[0] if len(X) else None
        return isinstance(first, tuple | list) and len(first) in (2, 3) and is_table(first[0])
    return isinstance(X, Iterable)
