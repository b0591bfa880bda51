"""What is asked of tasks and of the weights of new rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks import Quantile
from skmtl.tasks._by_name import column_names, columns_of, order_of
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


def check_tasks(tasks: TaskSet, score: str) -> None:
    """Raise for tasks of which nothing can be said, or not by this score."""
    names = ["y"] if tasks.is_long else tasks.names.tolist()
    for name, task in zip(names, tasks.tasks, strict=True):
        if task.has_times:
            raise ValueError(
                f"Task {name!r} is {task.alias}: the residual of a time up to which nothing was "
                "seen is not known, so that no interval can be said to cover it. Leave the task "
                "out, and use predict_survival of the estimator."
            )
        if score == "quantile" and not (task.is_classification or isinstance(task, Quantile)):
            raise ValueError(
                f"Task {name!r} is {task.alias}, but conformity_score='quantile' needs predicted "
                "quantiles: declare Quantile([0.05, 0.5, 0.95]) in tasks=."
            )


def row_weights(sample_weight: Any, n_rows: int, tasks: TaskSet) -> Array:
    """Weights (n, n_columns) of new rows; NaN where none are given."""
    n_columns = len(tasks.tasks)
    if sample_weight is None:
        return np.full((n_rows, n_columns), np.nan)
    names = column_names(sample_weight)
    if names is not None:
        # As in `fit`: columns with names go by them.
        columns, tasks_of_columns = (
            columns_of(sample_weight),
            ["y"] if tasks.is_long else tasks.names,
        )
        order = order_of(names, list(tasks_of_columns), "sample_weight")
        sample_weight = np.column_stack([np.asarray(columns[k]) for k in order])
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape not in {(n_rows,), (n_rows, n_columns)}:
        raise ValueError(
            f"sample_weight has shape {weights.shape}; expected ({n_rows},) or "
            f"({n_rows}, {n_columns})."
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError("sample_weight has to be finite and not negative.")
    return np.broadcast_to(weights.reshape(n_rows, -1), (n_rows, n_columns))
