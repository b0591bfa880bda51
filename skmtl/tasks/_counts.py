"""How many labels weights stand for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._targets import Targets

Array = NDArray[Any]

WHOLE = 1e-9
"""Distance of a multiple from a whole number, relative to it, that is rounding."""


def numbers_of_labels(targets: Targets) -> Array:
    """How many labels the weights stand for: only their proportions in a task count.

    Where all are whole multiples of the smallest, they are numbers of repeated rows; else their
    sum is that of as many labels as have the variance of a weighted mean (Kish, "Survey
    sampling", Wiley 1965, section 11.7).
    """
    weights = targets.weights.reshape(len(targets.weights), -1)
    if ((weights == 0.0) | (weights == 1.0)).all():
        return weights
    rows, columns = np.nonzero(weights)
    task = columns if targets.task_index is None else targets.task_index[rows]
    s, n_tasks = weights[rows, columns], targets.tasks.n_tasks
    least, largest = np.full(n_tasks, np.inf), np.zeros(n_tasks)
    np.minimum.at(least, task, s)
    np.maximum.at(largest, task, s)
    multiples, parts = s / least[task], s / largest[task]
    is_whole = np.ones(n_tasks, dtype=bool)
    is_whole[task[np.abs(multiples - np.round(multiples)) > WHOLE * multiples]] = False
    squares = np.bincount(task, parts**2, n_tasks)
    kish = np.bincount(task, parts, n_tasks) / np.where(squares > 0, squares, 1.0)
    counts = np.zeros_like(weights)
    counts[rows, columns] = np.where(is_whole[task], np.round(multiples), parts * kish[task])
    return counts
