"""Which parameters are tried beside alpha, and which are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import ParameterGrid

Array = NDArray[Any]

FIXED = ("alpha", "tasks", "task_feature", "unknown_task", "class_weight", "warm_start")
"""Parameters that are the same, or another, for the whole search."""


def read_grid(grid: Any) -> list[dict[str, Any]]:
    """Combinations of the parameters of a grid; one without any for None."""
    if grid is None:
        return [{}]
    combinations = list(ParameterGrid(grid))
    if not combinations:
        raise ValueError(f"grid={grid!r} has no combination of parameters.")
    for params in combinations:
        for name in FIXED:
            if name in params:
                raise ValueError(
                    f"grid names {name!r}; alphas have a parameter of their own, and tasks, "
                    "task_feature, unknown_task and class_weight hold for all combinations."
                )
    return combinations


def mean_over_folds(score_path: Array) -> Array:
    """Means (n_params, n_alphas) of scores (n_params, n_alphas, n_folds); -inf where none is."""
    counts = (~np.isnan(score_path)).sum(axis=2)
    total = np.nansum(score_path, axis=2)
    return np.divide(total, counts, out=np.full(counts.shape, -np.inf), where=counts > 0)


def select(score_path: Array, rule: str, advice: str = "") -> tuple[int, int]:
    """Row and column of the best parameters, in scores (n_params, n_alphas, n_folds).

    Alphas descend, so that of equal scores the largest alpha wins. Where nothing has a score,
    the error ends in the advice.
    """
    mean = mean_over_folds(score_path)
    if not np.isfinite(mean).any():
        raise ValueError(
            "No fold has a score: none has enough labels both to train and to score on. Use "
            "fewer folds, or a splitter that puts labels into each. R2 needs two labels of a task: "
            f"to leave one out, set scoring='neg_mean_squared_error'.{advice}"
        )
    row, column = np.unravel_index(np.argmax(mean), mean.shape)
    n_folds = int((~np.isnan(score_path[row, column])).sum())
    if rule == "one_standard_error" and n_folds > 1:
        error = np.nanstd(score_path[row, column], ddof=1) / np.sqrt(n_folds)
        column = np.flatnonzero(mean[row] >= mean[row, column] - error)[0]
    return int(row), int(column)
