"""Explained variance as the multi-task literature reports it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import r2_score

from skmtl.metrics._averages import (
    AVERAGES,
    average_over_tasks,
    average_scores,
    check_average,
)
from skmtl.metrics._pairs import read_pairs

Array = NDArray[Any]

POOLINGS = ("pooled", "variance_weighted")


def explained_variance(
    y_true: Any,
    y_pred: Any,
    *,
    average: Any = "pooled",
    sample_weight: Any = None,
    task_weight: Any = None,
    task_ids: Any = None,
) -> Any:
    r"""Share of the variance of the labels that predictions explain: 1 - SSE / SST.

    Papers that quote it for the School data pool the sums over all tasks [1]_ [2]_:

    .. math:: 1 - \frac{\sum_t \sum_i (y_{ti} - \hat y_{ti})^2}{\sum_t \sum_i (y_{ti} - \bar y)^2}

    with :math:`\bar y` the mean of all labels of all tasks. Later ones average the explained
    variances of the tasks, each around its own mean, which on School is about half as much: say
    which it is.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels, numbers; NaN, None, pandas.NA, NaT and masked entries are unobserved.
    y_pred : array-like or DataFrame, same shape
        Predicted values; columns of a DataFrame are matched by name if `y_true` is one too.
    average : str or None, default="pooled"
        - "pooled": as above. It counts differences between tasks as explained, and needs labels
          of all tasks in the same unit;
        - "variance_weighted": sums pooled as above, but around the mean :math:`\bar y_t` of each
          task: the explained variances of the tasks weighted by their SST, as in
          :func:`~sklearn.metrics.r2_score`;
        - "mean", "worst" (lowest), "weighted" (by `task_weight`): of the explained variances of
          the tasks, which are their R2;
        - None: a dict with that of each task.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels. A weight of 0 is the same as an unobserved label.
    task_weight : array-like of shape (n_tasks,), dict {task name: weight} or None, default=None
        With ``average="weighted"``: what each task counts for; tasks that a dict does not name
        count 1. None: the number of its observed labels (the sum of their weights).
    task_ids : array-like of shape (n_samples,), default=None
        Long form: the task of each row; `y_true` is then 1-D.

    Returns
    -------
    score : float or dict of str to float
        At most 1; NaN where there are fewer than two labels. With ``average=None`` the keys are
        those of :func:`~skmtl.task_scores`, without "mean" and "worst".

    Raises
    ------
    ValueError
        If labels are not numbers, or `y_pred` has other tasks or rows than `y_true` or lacks a
        prediction beside a label (all of a task may be NaN: it does not count).

    See Also
    --------
    sklearn.metrics.explained_variance_score : Another thing: it forgives a constant error.
    multitask_score : Any metric of scikit-learn, task by task.

    References
    ----------
    .. [1] A. Argyriou, T. Evgeniou and M. Pontil, "Convex multi-task feature learning", Machine
       Learning 73, 2008, section on the school data.
    .. [2] B. Bakker and T. Heskes, "Task clustering and gating for Bayesian multitask learning",
       JMLR 4, 2003, section on the school data.

    Examples
    --------
    >>> from skmtl.metrics import explained_variance
    >>> y_true, y_pred = [1.0, 3.0, 11.0, 13.0], [2.0, 2.0, 12.0, 12.0]
    >>> school = ["north", "north", "south", "south"]
    >>> round(explained_variance(y_true, y_pred, task_ids=school), 3)
    0.962
    >>> explained_variance(y_true, y_pred, task_ids=school, average=None)
    {'north': 0.0, 'south': 0.0}
    """
    check_average(average, task_weight, (*POOLINGS, *AVERAGES))
    pairs = read_pairs(
        y_true,
        y_pred,
        kind="regression",
        tasks="regression",
        sample_weight=sample_weight,
        task_ids=task_ids,
    )
    if average == "pooled":
        together = [(pair.labels, pair.predicted, pair.weight) for pair in pairs]
        return _r2(*map(np.concatenate, zip(*together, strict=True)))
    scores = {pair.key: _r2(pair.labels, pair.predicted, pair.weight) for pair in pairs}
    if average == "variance_weighted":
        weight = [_sst(pair.labels, pair.weight) for pair in pairs]
        return average_scores(list(scores.values()), "weighted" if any(weight) else "mean", weight)
    return average_over_tasks(scores, pairs, average, task_weight)


def _r2(labels: Array, predicted: Any, weight: Array) -> float:
    if len(labels) < 2:
        return float("nan")
    weights = {} if (weight == 1.0).all() else {"sample_weight": weight}
    return float(r2_score(labels, predicted, **weights))


def _sst(labels: Array, weight: Array) -> Any:
    return float(weight @ (labels - np.average(labels, weights=weight)) ** 2) if len(labels) else 0
