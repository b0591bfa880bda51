"""On how much of the held-out labels the scores of folds rest, and what to do about little."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import UNSCORED, warn_once

Array = NDArray[Any]

LITTLE = 0.5
"""Share of the held-out labels below which scores say little of them."""


def count_scored(folds: Any, observed: Array, index: Array | None = None) -> tuple[int, int]:
    """Held-out labels whose task has a label in training, and all held-out labels.

    ``observed`` is (n_samples, n_tasks), or in long form (n_samples,) with the task of each row
    in ``index``.
    """
    n_scored = n_all = 0
    for train, test in folds:
        if index is None:
            is_known, held_out = observed[train].any(axis=0), observed[test].sum(axis=0)
        else:
            is_known = np.zeros(int(index.max()) + 1, dtype=bool)
            is_known[index[train][observed[train]]] = True
            held_out = np.bincount(index[test][observed[test]], minlength=len(is_known))
        n_scored += int(held_out[is_known].sum())
        n_all += int(held_out.sum())
    return n_scored, n_all


def warn_of_little(n_scored: int, n_all: int, index: Any = None, task_feature: Any = None) -> None:
    """Warn where scores rest on less than half of the held-out labels."""
    if 0 < n_scored < LITTLE * n_all:
        warn_once(
            f"Scores rest on {n_scored} of {n_all} held-out labels ({n_scored / n_all:.1%}): the "
            "others belong to tasks that the training rows of their fold cannot teach."
            f"{way_out(index, task_feature)}",
            key=UNSCORED,
        )


def way_out(index: Any, task_feature: Any) -> str:
    """What to do where whole tasks are held out; nothing to say in wide form."""
    if index is None:
        return ""
    is_sorted = np.count_nonzero(np.diff(index)) < len(np.unique(index))
    why = "The rows are sorted by task, and f" if is_sorted else "F"
    return (
        f" {why}olds in the order of the rows hold whole tasks out: give cv a number, or "
        f"MultiTaskKFold(5, task_feature={task_feature!r}), to spread the rows of every task."
    )
