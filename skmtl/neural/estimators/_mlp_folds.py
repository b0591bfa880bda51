"""Which rows train networks of several settings, and which are held out."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length

from skmtl.model_selection._folds import Folds, is_number, read_folds, spread_folds
from skmtl.model_selection._strata import strata_of
from skmtl.neural.networks._tasks import find_network_tasks, restrict
from skmtl.tasks._rows import some_rows
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

N_FOLDS, OF_MANY, MANY = 10, 5, 5_000
"""Folds where ``cv`` is None, and from so many rows on: a network of nine tenths of few rows is
better than one of three quarters (measured: benchmarks/accuracy), with many rows it is the same."""

ROWS, MOST_FOLDS = 4_000, 32
"""Of few rows there are as many folds as have about so many rows in all: with 120 rows of edm the
error is 1 % smaller than with ten."""


def folds_of(
    cv: Any, targets: Targets, used: Array, X: Any, y: Any, sample_weight: Any, groups: Any
) -> Folds:
    """Training and test rows of every fold; a number spreads the rows with labels alone.

    ``used`` are the positions of these; X, y and groups are as they were given.
    """
    if not is_number(cv):
        return read_folds(cv, X, y, groups, strata=partial(strata_of, targets))
    n_folds, n_parts = cv, len(used)
    if groups is not None:
        check_consistent_length(targets.values, groups)
        groups = some_rows(groups, used)
        n_parts = len(np.unique(groups))
    if n_folds is None:
        of_few = min(max(N_FOLDS, ROWS // len(used)), MOST_FOLDS)
        n_folds = min(of_few if len(used) < MANY else OF_MANY, max(2, n_parts))
    folds = spread_folds(strata_of(targets.take(used)), int(n_folds), groups)
    return [(used[train], used[test]) for train, test in folds]


def with_labels(folds: Folds, used: Array, targets: Targets) -> tuple[Folds, Folds]:
    """Folds that have labels on both sides, as given and by the positions of the rows in use.

    Labels of tasks from which nothing can be learnt do not count.

    Raises
    ------
    ValueError
        If there is none.
    """
    place = np.full(len(targets.values), -1)
    place[used] = np.arange(len(used))
    can_teach = restrict(targets, find_network_tasks(targets)).row_is_observed
    given, within = [], []
    for fold in folds:
        if all(can_teach[rows].any() for rows in fold):
            given.append(fold)
            train, test = (place[rows][place[rows] >= 0] for rows in fold)
            within.append((train, test))
    if not given:
        raise ValueError(
            "No fold has labels both to train on and to hold out. Use fewer folds, or a splitter "
            "that puts labels into each."
        )
    return given, within
