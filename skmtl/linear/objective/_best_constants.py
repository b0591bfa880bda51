"""The best constant predictions: where intercepts start."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._prox_group import BISECTIONS
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


def priors(targets: Targets, label_weights: Array) -> Array:
    """Raw scores of the best constant predictions: the intercepts to start from."""
    weights = label_weights.reshape(len(label_weights), -1).T
    priors = np.concatenate(
        [
            task.raw_prior(values, c) if c.all() else task.raw_prior(values[c > 0], c[c > 0])
            for (task, values, _), c in zip(targets.columns(), weights, strict=True)
        ]
    )
    return np.tile(priors, targets.tasks.n_tasks) if targets.tasks.is_long else priors


def without_outliers(loss: DataLoss, targets: Targets, b: Array) -> Array:
    """The best constants of losses with straight tails, by bisection, in place of their means.

    Far from them, as the mean may be, those losses do not bend, and no Newton step leads on.
    """
    tasks = targets.tasks
    has_tails = [task.has_linear_tails for task in tasks.tasks]
    if not any(has_tails):
        return b
    sizes = tasks.n_outputs if tasks.is_long else [task.n_outputs_ for task in tasks.tasks]
    at = np.repeat(has_tails[:1] * tasks.n_tasks if tasks.is_long else has_tails, sizes)
    values = targets.values[targets.weights > 0]
    low, high = np.full(len(b), values.min()), np.full(len(b), values.max())
    for _ in range(BISECTIONS):
        middle = np.where(at, 0.5 * (low + high), b)
        uphill = DataPoint(loss, loss.design.shift(middle)).intercept_gradient > 0
        low, high = np.where(uphill, low, middle), np.where(uphill, middle, high)
    return np.where(at, 0.5 * (low + high), b)
