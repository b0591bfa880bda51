"""How far probabilities are from the shares that come true, in one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.metrics._averages import average_over_tasks, check_average
from skmtl.metrics._calibration_curve import check_bins, curve_of, read_probabilities


def expected_calibration_error(
    y_true: Any,
    y_prob: Any,
    *,
    n_bins: int = 15,
    strategy: Any = "uniform",
    average: Any = "mean",
    sample_weight: Any = None,
    task_weight: Any = None,
    tasks: Any = "auto",
    task_ids: Any = None,
) -> Any:
    r"""Expected calibration error of every classification task, and the average; low is good.

    .. math:: \mathrm{ECE}_t = \sum_b \frac{n_{tb}}{n_t} |\mathrm{observed}_{tb} -
        \mathrm{predicted}_{tb}|

    over the bins b of :func:`task_calibration_curve` [1]_: of a binary task bins of the
    probability of the positive class [2]_, of a task with more classes bins of the probability
    of the most probable one.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels; NaN, None, pandas.NA, NaT and masked entries are unobserved.
    y_prob : list, or array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        A list with the class probabilities of each task, of shape (n_samples, n_classes), or
        None to leave it out: what ``predict_proba`` returns. For binary tasks also
        probabilities of the positive class, a column per task.
    n_bins : int, default=15
        Number of bins of [0, 1]. The error depends on it: compare equal numbers only.
    strategy : {"uniform", "quantile"}, default="uniform"
        Bins of equal width, or with about equally many of the task's labels (whatever their
        weights). A probability on an edge belongs to the bin below.
    average : {"mean", "worst", "weighted"} or None, default="mean"
        The mean or the highest error of the tasks, the mean weighted by `task_weight`, or None
        for a dict with the error of each task.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels. A weight of 0 is the same as an unobserved label.
    task_weight : array-like of shape (n_tasks,), dict {task name: weight} or None, default=None
        With ``average="weighted"``: what each task counts for; tasks that a dict does not name
        count 1. None: the number of its observed labels (the sum of their weights).
    tasks : "auto", str, Task, list or dict, default="auto"
        Type of each task. "auto": all are classes. ``tasks_`` of a fitted estimator also says
        which classes the columns stand for (otherwise the labels in `y_true`, sorted).
    task_ids : array-like of shape (n_samples,), default=None
        Long form: the task of each row; `y_true` is then 1-D.

    Returns
    -------
    error : float or dict of str to float
        Between 0 and 1; NaN for a task without labels. With ``average=None`` the keys are those
        of :func:`~skmtl.task_scores`, without "mean" and "worst".

    Raises
    ------
    ValueError
        If `y_prob` has other tasks or rows than `y_true`, or no probabilities, beside a label.

    See Also
    --------
    task_calibration_curve : The bins themselves.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017, section 2.
    .. [2] M. P. Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining well calibrated
       probabilities using Bayesian binning", AAAI 2015.

    Examples
    --------
    >>> from skmtl.metrics import expected_calibration_error
    >>> expected_calibration_error([0, 1, 1, None], [0.25, 0.25, 0.75, 0.75], n_bins=2)
    0.25
    """
    check_average(average, task_weight)
    check_bins(n_bins, strategy)
    pairs = read_probabilities(y_true, y_prob, tasks, sample_weight, task_ids)
    errors = {pair.key: _error(curve_of(pair, n_bins, strategy)) for pair in pairs}
    return average_over_tasks(errors, pairs, average, task_weight, greater_is_better=False)


def _error(curve: Any) -> float:
    if not len(curve.count):
        return float("nan")
    apart = np.abs(curve.observed - curve.predicted)
    return float(np.average(apart, weights=curve.count))
