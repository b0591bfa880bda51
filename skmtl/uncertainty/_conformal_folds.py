"""Which labels are held out for the models that speak of them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.compose._stack_folds import Fold, make_folds
from skmtl.model_selection._folds import N_SPLITS, is_number
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

METHODS = "split", "cv+", "jackknife+"

MANY = 2_000
"""Labels of a task, in the median, from which a part of them is enough.

Of these a fifth is held out; the coverage given 400 such labels has a standard deviation of
sqrt(0.9 * 0.1 / 400) = 1.5 % around 90 %.
"""


def choose_method(method: str, targets: Targets) -> str:
    """What "auto" stands for."""
    if method != "auto":
        return method
    counts = targets.tasks.n_labels
    return "split" if np.median(counts[counts > 0]) >= MANY else "cv+"


def conformal_folds(method: str, cv: Any, given: tuple[Any, Any], targets: Targets) -> list[Fold]:
    """Folds whose test rows no model of theirs sees; of "split" there is one.

    None where there are too few rows to hold some out.
    """
    if method == "jackknife+":
        return _leave_one_out(targets)
    if method == "split" and is_number(cv):
        # Of as many folds as asked for the first; no more than are needed are made ready.
        cv = min(N_SPLITS if cv is None else int(cv), len(targets.weights))
    folds = make_folds(cv, *given, targets)
    if method == "split":
        known = [_without_strangers(fold, targets) for fold in folds[:1]]
        return [fold for fold in known if len(fold.test)]
    held_out = np.bincount(
        np.concatenate([np.zeros(0, dtype=np.intp), *(fold.test for fold in folds)]),
        minlength=len(targets.weights),
    )
    if (held_out > 1).any():
        raise ValueError(
            f"cv={cv!r} holds out {int((held_out > 1).sum())} rows more than once; method='cv+' "
            "needs folds that are a partition, as those of KFold. Use such, or method='split'."
        )
    return folds


def _leave_one_out(targets: Targets) -> list[Fold]:
    rows = np.arange(len(targets.weights))
    if len(rows) == 1:
        return []
    folds = (Fold.of(targets, np.delete(rows, i), rows[i : i + 1]) for i in rows)
    has_label = targets.row_is_observed
    return [
        fold for i, fold in enumerate(folds) if has_label[i] and len(fold.test) and len(fold.taught)
    ]


def _without_strangers(fold: Fold, targets: Targets) -> Fold:
    """The fold with a row more in training for each task that has none there.

    The model is the only one: it has to know all tasks.
    """
    index, held_out = targets.task_index, fold.test
    if index is None:
        observed = targets.weights.reshape(len(targets.weights), -1) > 0
        missing = np.setdiff1d(np.flatnonzero(observed.any(axis=0)), fold.taught)
        moved = [held_out[observed[held_out, t]][:1] for t in missing]
    else:
        # `Fold.of` has left their rows out of both parts.
        everything = np.arange(len(index))
        moved = [everything[~np.isin(index, np.unique(index[fold.train]))]]
        moved += [
            np.flatnonzero((index == t) & (targets.weights > 0))[:1]
            for t in np.setdiff1d(np.unique(index[targets.weights > 0]), fold.taught)
        ]
    train = np.union1d(fold.train, np.concatenate([np.zeros(0, dtype=np.intp), *moved]))
    return Fold.of(targets, train, np.setdiff1d(held_out, train))
