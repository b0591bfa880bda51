"""Rows for validation that leave every task, and every class, in training."""

from __future__ import annotations

import numpy as np


def validation_split(targets, fraction, rng):
    """Indices of training and of validation rows.

    One row with a label of each task (and of each class of a classification task) always
    stays in training; a task with a single label is therefore not validated.

    Raises
    ------
    ValueError
        If no row is left for validation.
    """
    n_rows = len(targets.values)
    order = rng.permutation(n_rows)
    needed = np.zeros(n_rows, dtype=bool)
    for labels in _groups(targets.take(order)):
        needed[order[_first_of_each(labels)]] = True
    free = order[~needed[order]]
    validation = free[: int(np.ceil(fraction * n_rows))]
    if not len(validation):
        raise ValueError(
            f"early_stopping=True needs rows for validation, but every one of the {n_rows} rows "
            "with labels holds the only label of a task or class that is left for training. "
            "Set early_stopping=False or give more rows."
        )
    is_training = np.ones(n_rows, dtype=bool)
    is_training[validation] = False
    return np.flatnonzero(is_training), np.sort(validation)


def _groups(targets):
    """For each column of y: a number for its task or class in each row, -1 where unobserved."""
    values = targets.values.reshape(len(targets.values), -1)
    weights = targets.weights.reshape(values.shape)
    for t, task in enumerate(targets.tasks.tasks):
        group = np.zeros(len(values)) if targets.task_index is None else targets.task_index
        if task.is_classification:
            group = group * len(task.classes_) + values[:, t]
        yield np.where(weights[:, t] > 0, group, -1)


def _first_of_each(labels):
    found, first = np.unique(labels, return_index=True)
    return first[found >= 0]
