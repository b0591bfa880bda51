"""What of the data there is something to learn from."""

import numpy as np

VANISHING = 1e-12
"""Stands for a task weight of 0, relative to the largest: the limit of a vanishing weight."""


def learnable_outputs(tasks):
    """Mask of the outputs whose tasks have labels."""
    sizes = tasks.n_outputs if tasks.is_long else [task.n_outputs_ for task in tasks.tasks]
    return np.repeat(tasks.n_labels > 0, sizes)


def learnable_tasks(tasks):
    """Mask of the tasks that have labels, and something to learn from them."""
    if tasks.is_long:
        return tasks.n_labels > 0
    return (tasks.n_labels > 0) & [task.n_outputs_ > 0 for task in tasks.tasks]


def vanishing_for_zero(task_weights):
    """Task weights, with the limit of a vanishing one for 0."""
    return np.maximum(task_weights, VANISHING * task_weights.max())


def learnable(X, targets, task_weight):
    """X, targets and weights of rows and tasks with labels: the others have no influence."""
    cells = targets.cell_weights(vanishing_for_zero(targets.task_weights(task_weight)))
    rows = targets.row_is_observed
    X = X.astype(np.float64, copy=False)
    if not rows.all():
        X, targets, cells = X[rows], targets.take(rows), cells[rows]
    tasks = targets.tasks
    if tasks.is_long:
        if (tasks.n_labels == 0).any():
            targets = targets.without_empty_tasks()
        return X, targets, cells
    keep = np.flatnonzero(learnable_tasks(tasks))
    return X, targets.select(keep), cells.reshape(len(cells), -1)[:, keep]
