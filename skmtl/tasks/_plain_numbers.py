"""An array of numbers that are all to be predicted as such: read without a look at each column."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._columns import is_finite
from skmtl.tasks._regression import Regression
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

ENOUGH = 2
"""Labels of a task from which on nothing is to be said of their number."""


def read_plain_numbers(y: Any, declared: Any, kind: str) -> Targets | None:
    """What `read_targets` makes of y without weights; None of what takes a closer look.

    That is all but an array whose columns are regression, by ``kind`` or as ``declared``.
    """
    is_regression = isinstance(declared, str) and (
        declared == "regression" or (declared == "auto" and kind == "regression")
    )
    if not is_regression or kind == "classification":
        return None
    if type(y) is not np.ndarray or y.dtype.kind not in "iuf" or y.ndim not in (1, 2):
        return None
    values = np.array(y, dtype=np.float64, order="C")
    weights, n_labels = np.ones(values.shape), np.full(values.shape[1:] or (1,), len(values))
    if not is_finite(values):
        missing = np.isnan(values)
        values[missing] = weights[missing] = 0.0
        if np.isinf(values).any():
            return None
        n_labels = np.atleast_1d(np.sum(~missing, axis=0))
    if not len(n_labels) or n_labels.min() < ENOUGH:
        return None
    tasks = tuple([_task(n) for n in n_labels.tolist()])
    return Targets(
        TaskSet(tasks, np.arange(len(tasks)), n_labels, False, y.ndim == 1), values, weights
    )


def _task(n_labels: int) -> Regression:
    task = Regression()
    task._begin(n_labels, 0.0, 1.0)
    return task
