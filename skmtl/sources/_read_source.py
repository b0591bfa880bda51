"""One pass over a source, in which everything is read for the first time."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.sources._array_source import FEWEST_ROWS, MOST_BYTES
from skmtl.sources._base import Source, naming_block
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._columns import Column
from skmtl.tasks._features import read_task_column
from skmtl.tasks._labels import Labels, read_labels

Array = NDArray[Any]


NOTHING = Column(np.zeros(0), np.zeros(0, dtype=bool))


def read_source(estimator: Any, source: Source) -> tuple[Any, Any, Labels]:
    """Features, task column and labels of all blocks.

    Parameters
    ----------
    estimator : MultiTaskEstimator
        Whose `_read_X` reads the features; it learns their names here.
    source : Source
        To read; more than once, if it is large.

    Returns
    -------
    X : ndarray, sparse matrix or StoredRows of shape (n_samples, n_features)
        Features; those of a large source stay there.
    task_column : ndarray of shape (n_samples,) or None
        Long form: the task of each row.
    labels : Labels
        All labels, in memory.
    """
    if source.far is not None and estimator._goes_where_rows_are:
        return _read_far(estimator, source.far)
    reading = _Reading(estimator)
    for number, block in source.blocks():
        if not number:
            with naming_block(number):
                estimator._read_X(block[0], reset=True)
            if vars(estimator).get("_categories"):
                _find_categories(estimator, source)
        with naming_block(number):
            reading.add(*block)
    return reading.ended(source)


def _read_far(estimator: Any, source: Any) -> tuple[Any, Any, Labels]:
    """As `read_source`: every block is read where it is, and what is not features comes here."""
    estimator._read_X(source.example(), reset=True)
    found = source.reduce(partial(_read_block, estimator), _Reading.plus)
    found.estimator = estimator
    return found.ended(source)


def _read_block(estimator: Any, X: Any, y: Any, sample_weight: Any) -> _Reading:
    """What is read of one block; the features themselves are not kept."""
    reading = _Reading(estimator)
    reading.held = None
    if X.shape[0]:
        reading.add(X, y, sample_weight)
    else:
        reading.counts.append(0)
    reading.estimator = None
    return reading


def _find_categories(estimator: Any, source: Source) -> None:
    """Let the estimator know the categories of all blocks, before it makes numbers of them."""
    for number, (X, _, _) in source.blocks():
        with naming_block(number):
            estimator._add_categories(X)


class _Reading:
    """What was read so far."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.counts: list[int] = []
        self.task_columns: list[Column] = []
        self.labels: list[Labels] = []
        self.dtypes: set[Any] = set()
        self.extremes: tuple[Array, Array] | None = None
        # Until they are too many.
        self.held: list[Any] | None = []

    def add(self, X: Any, y: Any, sample_weight: Any) -> None:
        """Read a block."""
        X, task_column = self.estimator._read_X(X, reset=False)
        self._add_labels(y, sample_weight, task_column)
        if self.labels[-1].n_rows != X.shape[0]:
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: X has shape "
                f"{X.shape}, y has {self.labels[-1].n_rows} rows."
            )
        self.counts.append(X.shape[0])
        self.dtypes.add(X.dtype)
        if self.held is not None:
            self.held.append(X)
            if not self._is_small(X.shape[1]):
                for some in self.held:
                    self._widen(some)
                self.held = None
        else:
            self._widen(X)

    def _is_small(self, n_features: int) -> bool:
        n_rows = sum(self.counts)
        return n_rows <= FEWEST_ROWS or 8 * n_rows * n_features <= MOST_BYTES

    def _widen(self, X: Any) -> None:
        X = X.toarray() if sparse.issparse(X) else X
        self._let_extremes_be((X.min(axis=0), X.max(axis=0)))

    def _let_extremes_be(self, found: tuple[Array, Array]) -> None:
        if self.extremes is not None:
            lowest, highest = self.extremes
            found = np.minimum(lowest, found[0]), np.maximum(highest, found[1])
        self.extremes = found

    def plus(self, other: _Reading) -> _Reading:
        """What was read of both, one after the other."""
        both = copy(self)
        both.counts, both.dtypes = self.counts + other.counts, self.dtypes | other.dtypes
        both.task_columns = self.task_columns + other.task_columns
        first = [*self.labels, *other.labels][:1]
        both.labels = self.labels + [_like(first[0], labels) for labels in other.labels]
        if other.extremes is not None:
            both._let_extremes_be(other.extremes)
        return both

    def _add_labels(self, y: Any, sample_weight: Any, task_column: Any) -> None:
        is_long, declared = task_column is not None, self.estimator.tasks
        names = ["y"] if is_long else None
        labels = read_labels(y, sample_weight, names, declared=declared, is_long=is_long)
        if is_long:
            labels.check_long()
            column = read_task_column(task_column)
            if not column.observed.all():
                missing = int((~column.observed).sum())
                raise ValueError(f"The task feature is missing in {missing} rows of X.")
            self.task_columns.append(column)
        if self.labels:
            labels = _like(self.labels[0], labels)
        self.labels.append(labels)

    def ended(self, source: Source) -> tuple[Any, Any, Labels]:
        """All that was read, as `read_source` returns it."""
        if not self.labels:
            raise ValueError("X has no rows: all blocks are empty.")
        task_column = None
        if self.task_columns:
            task_column = _joined([column.labels for column in self.task_columns], "task feature")
        labels = _together(self.labels)
        if self.held is not None:
            is_sparse = any(sparse.issparse(X) for X in self.held)
            stack = (lambda parts: sparse.vstack(parts, format="csr")) if is_sparse else np.vstack
            X = self.held[0] if len(self.held) == 1 else stack(self.held)
            return X, task_column, labels
        assert self.extremes is not None
        dtype = np.result_type(*self.dtypes)
        return (
            StoredRows(source, _Features(self.estimator), self.counts, self.extremes, dtype),
            task_column,
            labels,
        )


class _Features:
    """Reads X of a block as the estimator does, after the first one."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def __call__(self, X: Any) -> Array:
        found = self.estimator._read_X(X, reset=False)[0]
        return np.asarray(found.toarray() if sparse.issparse(found) else found)


def _like(first: Labels, labels: Labels) -> Labels:
    """The columns of a block in the order of those of the first one."""
    if len(labels.columns) != len(first.columns):
        raise ValueError(
            f"y has {len(labels.columns)} tasks, but that of block 0 has {len(first.columns)}."
        )
    if labels.names is None or first.names is None or labels.names == first.names:
        return labels
    pairs = labels.columns_for(first.names, "y")
    columns, weights = [column for column, _ in pairs], [weight for _, weight in pairs]
    return Labels(columns, weights, first.names, labels.is_1d)


def _together(parts: Sequence[Labels]) -> Labels:
    """The labels of all blocks."""
    first = parts[0]
    if len(parts) == 1:
        return first
    columns, weights = [], []
    for t, name in enumerate(first.task_names):
        weights.append(np.concatenate([part.weights[t] for part in parts]))
        columns.append(_one_column([part.columns[t] for part in parts], name))
        for part in parts:
            # Not to have all labels in memory twice.
            part.weights[t], part.columns[t] = np.zeros(0), NOTHING
    return Labels(columns, weights, first.names, first.is_1d)


def _one_column(parts: Sequence[Column], name: Any) -> Column:
    """A column of all blocks; a block without a label says nothing of their dtype."""
    telling = [part for part in parts if part.observed.any()] or [parts[0]]
    kinds = {part.labels.dtype.kind == "O" for part in telling}
    if len(kinds) > 1:
        raise ValueError(f"Task {name!r}: labels are strings in some blocks, numbers in others.")
    dtype = np.result_type(*(part.labels.dtype for part in telling))
    if dtype.kind == "O":
        parts = [part if part.is_string else _without_labels(part) for part in parts]
    categories: dict[Any, None] = {}
    for part in telling:
        categories.update(dict.fromkeys(part.categories))
    return Column(
        np.concatenate([part.labels.astype(dtype) for part in parts]),
        np.concatenate([part.observed for part in parts]),
        any(part.is_categorical for part in telling),
        tuple(categories),
        all(part.is_ordered for part in telling),
        any(part.are_times for part in telling),
    )


def _without_labels(part: Column) -> Column:
    return Column(np.full(len(part.labels), "", dtype=object), part.observed)


def _joined(parts: Sequence[Array], what: str) -> Array:
    """Names of all blocks, which are numbers or strings in all of them."""
    if len({part.dtype.kind == "O" for part in parts}) > 1:
        raise ValueError(f"The {what} holds strings in some blocks, numbers in others.")
    return np.concatenate(parts)
