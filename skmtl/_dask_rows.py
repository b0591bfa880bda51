"""Dask collections as blocks of rows: what belongs to the same rows, side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

MERGED_AT_ONCE = 4
"""Results that one task puts together (dask.array's own `split_every`)."""


def is_dask(part: Any) -> bool:
    """Whether this is a collection of dask; asks nothing of a table, which may answer by name."""
    return hasattr(type(part), "__dask_graph__")


def is_frame(part: Any) -> bool:
    """Whether this is a dask DataFrame or Series."""
    return is_dask(part) and hasattr(type(part), "map_partitions")


def is_array(part: Any) -> bool:
    """Whether this is a dask array."""
    return is_dask(part) and hasattr(type(part), "rechunk")


def refuse_dask(estimator: Any) -> None:
    """Raise where rows in memory are needed."""
    raise ValueError(
        f"{type(estimator).__name__} needs rows in memory here, but X is a dask collection. "
        "Linear models learn from these where their blocks are (fit of MultiTaskLinear, "
        "MultiTaskLasso, MultiTaskBayesianLinear, ReducedRankRegressor), networks from blocks that "
        "are fetched one after the other: fit(skmtl.sources.DaskSource(X, y)). Or bring the rows "
        "here, all or a sample of them, with X.compute() and y.compute()."
    )


def delayed_rows(function: Callable[..., Any], X: Any, *others: Any, **of_all: Any) -> list[Any]:
    """``function`` of each block of rows, with what belongs to these rows of others.

    Parameters
    ----------
    function : callable
        Of the number of the block, that of X, and that of each of ``others``.
    X : dask array or DataFrame
        Of at least one block. Columns in several chunks are put together.
    *others : dask array, DataFrame or Series, array-like, or None
        As many rows, in the same order. Arrays in other chunks are cut as X is; what is in memory
        goes to the workers in pieces.
    **of_all
        Further arguments, the same for all blocks; may be Delayed.

    Returns
    -------
    results : list of Delayed
        One for each block of rows.

    Raises
    ------
    TypeError
        If X is a collection without rows and columns.
    ValueError
        If numbers of rows differ, as far as they are known; or if lengths of blocks are not known
        and there are other numbers of them.
    """
    from dask import delayed

    X = with_whole_rows(X)
    given = [part for part in others if part is not None]
    if all(is_frame(part) for part in (X, *given)):
        return _of_partitions(function, X, others, of_all)
    columns = [_blocks(X), *(_blocks_like(X, part) for part in others)]
    apply = delayed(function, pure=False)
    return [
        apply(number, *blocks, **of_all) for number, blocks in enumerate(zip(*columns, strict=True))
    ]


def with_whole_rows(X: Any) -> Any:
    """X in blocks of rows, each with all columns."""
    if is_frame(X) and X.ndim == 2:
        return X
    if not (is_array(X) and X.ndim >= 2):
        raise TypeError(
            f"X is a dask {type(X).__name__} of shape {getattr(X, 'shape', '(unknown)')}; expected "
            "a dask array of shape (n_samples, n_features) or a dask DataFrame."
        )
    if all(n == 1 for n in X.numblocks[1:]):
        return X
    chunks: dict[int, Any] = dict.fromkeys(range(1, X.ndim), -1)
    whole = X.rechunk(chunks)
    row_bytes = X.dtype.itemsize * np.prod(X.shape[1:])
    if np.isnan(X.shape[0]) or max(X.chunks[0]) * row_bytes <= _limit():
        return whole
    # Rows of blocks that are narrow are many.
    return X.rechunk({0: "auto", **chunks})


def _limit() -> int:
    """Bytes that dask thinks a block should have."""
    from dask import config
    from dask.utils import parse_bytes

    return int(parse_bytes(config.get("array.chunk-size")))


def first_rows(X: Any, n: int = 2) -> Any:
    """The first rows of the first block that has any; None where none has."""
    for block in _blocks(with_whole_rows(X)):
        rows = block[:n].compute()
        if rows.shape[0]:
            return rows
    return None


def row_counts(part: Any) -> tuple[float, ...]:
    """Number of rows of each block, NaN where it is not known."""
    return tuple(part.chunks[0]) if is_array(part) else (np.nan,) * part.npartitions


def merged(results: Sequence[Any], merge: Callable[[Any, Any], Any]) -> Any:
    """Results of blocks put together, a few at a time, where they are."""
    from dask import delayed

    together = delayed(_reduced, pure=False)
    while len(results) > 1:
        n = MERGED_AT_ONCE
        results = [together(merge, results[i : i + n]) for i in range(0, len(results), n)]
    return results[0]


def _reduced(merge: Callable[[Any, Any], Any], results: Sequence[Any]) -> Any:
    found, *rest = results
    for result in rest:
        found = merge(found, result)
    return found


def _of_partitions(
    function: Callable[..., Any], X: Any, others: Sequence[Any], of_all: Mapping[str, Any]
) -> list[Any]:
    """Of frames: one expression, so that what they have in common is read once."""
    import pandas as pd
    from dask import delayed

    counts = [part.npartitions for part in (X, *others) if part is not None]
    if len(set(counts)) > 1:
        raise ValueError(_OTHER_BLOCKS.format("partitions", counts[0], counts[1:]))
    is_there = [part is not None for part in others]
    found = X.map_partitions(
        _rows_of_partition,
        *(part for part in others if part is not None),
        is_there=is_there,
        meta=pd.Series([], dtype=object),
        enforce_metadata=False,
        align_dataframes=False,
    )
    # Some versions of dask do not look for Delayed among the arguments above.
    apply = delayed(_of_partition, pure=False)
    return [apply(function, rows, **of_all) for rows in found.to_delayed()]


def _rows_of_partition(
    X: Any, *others: Any, is_there: Sequence[bool], partition_info: Any = None
) -> Any:
    """What a function asks of a partition, where dask expects a frame."""
    import pandas as pd

    given = iter(others)
    parts = [next(given) if has_part else None for has_part in is_there]
    number = None if partition_info is None else partition_info["number"]
    found = pd.Series([None], dtype=object)
    found.iat[0] = (number, X, *parts)
    return found


def _of_partition(function: Callable[..., Any], rows: Any, **of_all: Any) -> Any:
    return function(*rows.iat[0], **of_all)


_OTHER_BLOCKS = (
    "X has {1} {0} of rows, other collections of the same rows {2}, and how many rows each has is "
    "not known, so that they cannot be matched. Take X, y and sample_weight from one collection, "
    "or call compute_chunk_sizes() of arrays, to_dask_array(lengths=True) of frames."
)


def _blocks(part: Any) -> list[Any]:
    """Its blocks, as Delayed; not optimised, so that collections share what they are made of."""
    found = part.to_delayed(optimize_graph=False) if is_array(part) else part.to_delayed()
    return list(np.ravel(found))


def _blocks_like(X: Any, part: Any) -> list[Any]:
    """Blocks of the rows that those of X have."""
    counts = row_counts(X)
    if part is None:
        return [None] * len(counts)
    if is_array(part):
        part = part.rechunk(dict.fromkeys(range(1, part.ndim), -1))
        theirs = row_counts(part)
        if not np.isnan(counts + theirs).any():
            _check_rows(sum(counts), sum(theirs))
            return _blocks(part.rechunk({0: counts}))
    if is_dask(part):
        blocks = _blocks(part)
        if len(blocks) != len(counts):
            raise ValueError(_OTHER_BLOCKS.format("blocks", len(counts), [len(blocks)]))
        return blocks
    return _pieces(part, counts)


def _pieces(part: Any, counts: tuple[float, ...]) -> list[Any]:
    """Pieces of what is in memory."""
    if np.isnan(counts).any():
        raise ValueError(
            f"X is a dask collection whose blocks have unknown numbers of rows, and a "
            f"{type(part).__name__} in memory cannot be cut like it. Give it as a dask collection "
            "with the partitions of X, or X with known ones: X.to_dask_array(lengths=True)."
        )
    part = part if hasattr(part, "shape") else np.asarray(part, dtype=object)
    _check_rows(sum(counts), part.shape[0])
    ends = np.cumsum(counts, dtype=np.intp)
    rows = [slice(int(end - n), int(end)) for end, n in zip(ends, counts, strict=True)]
    return [part.iloc[some] if hasattr(part, "iloc") else part[some] for some in rows]


def _check_rows(n_rows: float, theirs: float) -> None:
    if n_rows != theirs:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: X has "
            f"{int(n_rows)} rows, others of the same rows {int(theirs)}."
        )
