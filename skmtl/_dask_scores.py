"""Scores of dask collections: each block is predicted where it is, predictions are brought here."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skmtl._dask_rows import delayed_rows
from skmtl._scored_columns import ScoredColumn


def scored_by_blocks(
    estimator: Any, X: Any, y: Any, sample_weight: Any, unseen: Any
) -> list[ScoredColumn]:
    """A `ScoredColumn` for each column of y, of all blocks: of X nothing is fetched."""
    import dask

    check_is_fitted(estimator)
    model = dask.delayed(copy.copy(estimator), traverse=False)
    parts = delayed_rows(_scored, X, y, sample_weight, model=model, unseen=unseen)
    blocks = [block for block in dask.compute(*parts) if block]
    return [_joined(columns) for columns in zip(*blocks, strict=True)]


def _scored(
    number: int, X: Any, y: Any, sample_weight: Any, *, model: Any, unseen: Any
) -> list[ScoredColumn]:
    """Those of one block, with decisions in place of what makes them."""
    if not X.shape[0]:
        return []
    columns = model._scored_columns(X, y, sample_weight, unseen=unseen)
    return [
        column._replace(decide=None if column.decide is None else _Known(column.decide()))
        for column in columns
    ]


class _Known:
    """A function that returns what is known."""

    def __init__(self, known: Any) -> None:
        self.known = known

    def __call__(self) -> Any:
        return self.known


def _joined(columns: tuple[ScoredColumn, ...]) -> ScoredColumn:
    """Columns below each other."""
    expected, values, weight = (
        np.concatenate([getattr(column, name) for column in columns])
        for name in ("expected", "values", "weight")
    )
    decisions = [column.decide() for column in columns if column.decide is not None]
    decide = _Known(np.concatenate(decisions)) if decisions else None
    return ScoredColumn(columns[0].task, expected, values, weight, decide)
