"""What scikit-learn's scorers say of several fits at a time: once per task, not once per fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._base import Task

Array = NDArray[Any]
ScoresOfTask = Callable[[Task, Array, Array, Array], Array]
"""From a task, several predictions (m, n, ...), labels and weights to scores (m,)."""


def scores_at_once(scorer: Any) -> ScoresOfTask | None:
    """What gives the scores of a task, where the scorer takes the mean of these; else None."""
    from skmtl.metrics._make_scorer import MultiTaskScorer

    if type(scorer) is not MultiTaskScorer or not isinstance(scorer.metric, str):
        return None
    is_mean = scorer.average == "mean" and scorer.task is None
    return OF_NAMES.get(scorer.metric) if is_mean else None


def negative_log_losses(task: Task, expected: Array, values: Array, weight: Array) -> Array:
    r"""Means of :math:`\log p_{iy_i}` over the labels, as "neg_log_loss".

    Probabilities are at least the rounding of 1, and 0 of classes that training did not see; NaN
    for tasks without classes, or labels, or with one class.
    """
    used = weight > 0
    values, weight = values[used].astype(np.intp), weight[used]
    if not task.is_classification or not len(values):
        return np.full(len(expected), np.nan)
    is_known = values >= 0
    if len(task.classes_) + (not is_known.all()) < 2:
        return np.full(len(expected), np.nan)
    shares = expected[:, np.flatnonzero(used), np.where(is_known, values, 0)] * is_known
    eps = np.finfo(np.float64).eps
    return np.asarray(np.log(np.clip(shares, eps, 1.0 - eps)) @ weight) / float(weight.sum())


OF_NAMES: dict[str, ScoresOfTask] = {"neg_log_loss": negative_log_losses}
