"""Labels of all tasks as one table of numbers, for what learns from them before the network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._targets import Targets

Array = NDArray[Any]


def as_numbers(targets: Targets) -> Array:
    """Labels (n, n_columns), standardised, and 0 where unobserved.

    A number has one column, classes have one each; in long form all tasks have the same.
    """
    columns = []
    for task, values, weights in targets.columns():
        numbers = task.as_numbers(values, weights).reshape(len(values), -1)
        if task.is_classification and len(task.classes_) > 2:
            numbers = (numbers == np.arange(len(task.classes_))).astype(np.float64)
        is_observed = weights > 0
        observed = numbers[is_observed]
        if not len(observed):
            continue
        center, spread = observed.mean(axis=0), observed.std(axis=0)
        standard = (numbers - center) / np.where(spread > 0, spread, 1.0)
        columns.append(np.where(is_observed[:, None], standard, 0.0))
    return np.hstack(columns)
