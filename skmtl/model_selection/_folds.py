"""What ``cv`` means, wherever it is a parameter: a number, a splitter or (train, test) rows."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import check_cv
from sklearn.utils import check_consistent_length

from skmtl.model_selection._groups import read_groups
from skmtl.model_selection._strata import Strata
from skmtl.model_selection._stratify import deal_by_rarity, stratify

Array = NDArray[Any]
Folds = list[tuple[Array, Array]]

N_SPLITS = 5
"""What None stands for, as in scikit-learn."""

SEED = 0
"""Of the folds that a number stands for: they are the same in every fit."""


def is_number(cv: Any) -> bool:
    """Whether the folds are ours to make."""
    return cv is None or isinstance(cv, Integral)


def read_folds(
    cv: Any, X: Any, y: Any, groups: Any = None, *, strata: Callable[[], Strata]
) -> Folds:
    """Training and test rows of every fold.

    A splitter sees X, y and groups as the user gave them. A number, or None for 5, stands for
    shuffled folds that spread the labels of every task and class, as `strata` tells them.
    """
    if groups is not None:
        check_consistent_length(X, groups)
    if is_number(cv):
        return spread_folds(strata(), N_SPLITS if cv is None else int(cv), groups)
    folds = [
        (_positions(train), _positions(test)) for train, test in check_cv(cv).split(X, y, groups)
    ]
    if not folds:
        raise ValueError(
            f"cv={cv!r} makes no fold. A generator is used up by the first fit: give a list of it."
        )
    return folds


def spread_folds(strata: Strata, n_splits: int, groups: Any = None, seed: int = SEED) -> Folds:
    """Shuffled folds, the same for the same seed, that have their share of every task and class.

    With one label per row (long form, one task), or with groups, those of `MultiTaskKFold`.
    With several, as even as it takes next to no time to get them.
    """
    rng = np.random.RandomState(seed)
    check_rows(len(strata.codes), n_splits)
    strata = strata.with_labelled_tasks()
    if groups is None and strata.codes.shape[1] > 1:
        return rows_of_folds(deal_by_rarity(strata, n_splits, rng), n_splits)
    return rows_of_folds(even_folds(strata, n_splits, rng, groups), n_splits)


def check_rows(n_rows: int, n_splits: int) -> None:
    """Raise where a fold would have no row."""
    if n_rows < n_splits:
        raise ValueError(
            f"cv={n_splits} folds are more than the rows, n_samples={n_rows}; use fewer."
        )


def even_folds(strata: Strata, n_splits: int, rng: Any, groups: Any = None) -> Array:
    """Fold of each row, as `MultiTaskKFold` makes them."""
    n_rows, groups = len(strata.codes), read_groups(groups, n_splits)
    sizes = np.full(n_splits, n_rows // n_splits) + (np.arange(n_splits) < n_rows % n_splits)
    return stratify(strata, sizes, np.full(n_splits, 1.0 / n_splits), rng, groups)


def rows_of_folds(fold: Array, n_splits: int) -> Folds:
    """Training and test rows of every fold, ascending, from the fold that each row is in."""
    return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for f in range(n_splits)]


def _positions(rows: Any) -> Array:
    rows = np.asarray(rows)
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.intp)
