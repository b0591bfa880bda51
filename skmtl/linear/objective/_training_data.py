"""What of the data there is something to learn from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._indexing import as_slice
from skmtl.linear.objective._some_rows import as_floats, rows_of
from skmtl.linear.objective._stream_statistics import StreamStatistics
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet
from skmtl.tasks._weights import read_task_weight

Array = NDArray[Any]

VANISHING = 1e-12
"""Stands for a task weight of 0, relative to the largest: the limit of a vanishing weight."""

LARGEST, SMALLEST = 1e70, 1e-100
"""Magnitudes of X and y between which products of both, and their squares, stay in range."""


def learnable_outputs(tasks: TaskSet) -> Array:
    """Mask of the outputs whose tasks have labels."""
    sizes = tasks.n_outputs if tasks.is_long else [task.n_outputs_ for task in tasks.tasks]
    return np.repeat(tasks.n_labels > 0, sizes)


def learnable_tasks(tasks: TaskSet) -> Array:
    """Mask of the tasks that have labels, and something to learn from them."""
    if tasks.is_long:
        return tasks.n_labels > 0
    return (tasks.n_labels > 0) & [task.n_outputs_ > 0 for task in tasks.tasks]


def check_range(X: Any, targets: Targets) -> None:
    """Raise where products of numbers as large, or small, as those of X and y are not numbers."""
    if isinstance(X, StoredRows):
        X = np.array(X.extremes)
    features = (X.data if sparse.issparse(X) else X).ravel(order="K")
    with np.errstate(over="ignore", under="ignore"):
        size_of_X, sizes = float(features @ features), _largest_labels(targets)
    # The squares decide at no cost; only where they are unusual it is worth looking closer.
    if not (SMALLEST**2 <= size_of_X <= LARGEST**2):
        largest = float(np.abs(features).max(initial=0.0))
        if largest > LARGEST or 0.0 < largest < SMALLEST:
            raise ValueError(
                f"The largest number in X is {largest:.3g} in magnitude; linear models are fitted "
                f"to features between {SMALLEST:g} and {LARGEST:g}, as float64 has no squares of "
                "others. Scale X (StandardScaler)."
            )
    worst = int(sizes.argmax())
    if sizes[worst] > LARGEST or 0.0 < sizes[worst] < SMALLEST:
        name = targets.tasks.names.tolist()[worst]
        raise ValueError(
            f"The largest label of task {name!r} is {sizes[worst]:.3g} in magnitude"
            f"{'' if len(sizes) == 1 else ', the largest of all tasks'}; linear models are fitted "
            f"to labels between {SMALLEST:g} and {LARGEST:g}, as float64 has no squares of others. "
            "Scale y: TargetScaler around the estimator, or scale_targets=True where it has that."
        )


def _largest_labels(targets: Targets) -> Array:
    """Largest absolute value of each task, (n_tasks,)."""
    if not targets.tasks.is_long and targets.is_complete:
        # As for X, the squares decide; the shortest way is along the rows.
        values = targets.values.reshape(len(targets.values), -1)
        sizes = np.sqrt(np.einsum("nt,nt->t", values, values))
        if ((sizes >= np.sqrt(len(values)) * SMALLEST) & (sizes <= LARGEST)).all():
            return sizes
    sizes = np.abs(np.where(targets.weights > 0, targets.values, 0.0))
    if not targets.tasks.is_long:
        return sizes.reshape(len(sizes), -1).max(axis=0)
    assert targets.task_index is not None
    largest = np.zeros(targets.tasks.n_tasks)
    np.maximum.at(largest, targets.task_index, sizes)
    return largest


def vanishing_for_zero(task_weights: Array) -> Array:
    """Task weights, with the limit of a vanishing one for 0."""
    return np.maximum(task_weights, VANISHING * task_weights.max())


def learnable(X: Any, targets: Targets, task_weight: Any) -> tuple[Any, Targets, Any]:
    """X, targets and weights of rows and tasks with labels: the others have no influence.

    X may be statistics of a stream, which have the weights of their labels: these are None then.
    """
    if isinstance(X, StreamStatistics):
        return *_learnable_statistics(X, targets, task_weight), None
    label_weights = targets.label_weights(vanishing_for_zero(targets.task_weights(task_weight)))
    if not targets.is_complete and not (rows := targets.row_is_observed).all():
        # Rows of a source stay where they are: of a mask, not of positions.
        X = X[rows] if isinstance(X, StoredRows) else as_floats(rows_of(X, np.flatnonzero(rows)))
        targets, label_weights = targets.take(rows), label_weights[rows]
    X = as_floats(X)
    check_range(X, targets)
    tasks = targets.tasks
    if tasks.is_long:
        if (tasks.n_labels == 0).any():
            targets = targets.without_empty_tasks()
        return X, targets, label_weights
    keep = np.flatnonzero(learnable_tasks(tasks))
    label_weights = label_weights.reshape(len(label_weights), -1)[:, as_slice(keep)]
    return X, targets.select(keep), np.ascontiguousarray(label_weights)


def _learnable_statistics(
    statistics: StreamStatistics, targets: Targets, task_weight: Any
) -> tuple[StreamStatistics, Targets]:
    """`learnable` of rows that are summed up already."""
    tasks, total = targets.tasks, statistics.omega
    omega = read_task_weight(task_weight, tasks.names.tolist(), total)
    share = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    kept = np.flatnonzero(total > 0)
    found = statistics.weighted(vanishing_for_zero(omega) * share).select(kept)
    return found, replace(targets, tasks=tasks.take(kept))
