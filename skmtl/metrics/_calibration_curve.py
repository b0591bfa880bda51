"""Whether probabilities are shares: of 70 % predictions, 70 % should come true."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from skmtl.metrics._d2 import probabilities
from skmtl.metrics._pairs import Pair, read_pairs
from skmtl.tasks._columns import match

STRATEGIES = ("uniform", "quantile")


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """Bins of the predicted probabilities of one task, empty ones left out.

    Parameters
    ----------
    predicted : ndarray of shape (n_bins_used,)
        Mean predicted probability.
    observed : ndarray of shape (n_bins_used,)
        Share of the labels that came true.
    count : ndarray of shape (n_bins_used,)
        Number of labels (the sum of their weights).

    See Also
    --------
    task_calibration_curve : Makes them.

    Examples
    --------
    >>> from skmtl.metrics import task_calibration_curve
    >>> curve = task_calibration_curve([0, 1, 1], [0.25, 0.25, 0.75], n_bins=2)["0"]
    >>> curve.observed - curve.predicted
    array([0.25, 0.25])
    """

    predicted: np.ndarray
    observed: np.ndarray
    count: np.ndarray


def task_calibration_curve(
    y_true: Any,
    y_prob: Any,
    *,
    n_bins: int = 15,
    strategy: Any = "uniform",
    sample_weight: Any = None,
    tasks: Any = "auto",
    task_ids: Any = None,
) -> dict[Any, Any]:
    """Predicted probabilities and observed shares of every classification task, in bins.

    Of a binary task the probability of the positive (second) class is compared with the share
    of that class. Of a task with more classes it is that of the most probable class with the
    share of rows where this is the right one [1]_.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels; NaN, None, pandas.NA, NaT and masked entries are unobserved.
    y_prob : list, or array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        A list with the class probabilities of each task, of shape (n_samples, n_classes), or
        None to leave it out: what ``predict_proba`` returns. For binary tasks also
        probabilities of the positive class, a column per task.
    n_bins : int, default=15
        Number of bins of [0, 1].
    strategy : {"uniform", "quantile"}, default="uniform"
        Bins of equal width, or with about equally many of the task's labels (whatever their
        weights). A probability on an edge belongs to the bin below.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels. A weight of 0 is the same as an unobserved label.
    tasks : "auto", str, Task, list or dict, default="auto"
        Type of each task. "auto": all are classes. ``tasks_`` of a fitted estimator also says
        which classes the columns stand for (otherwise the labels in `y_true`, sorted).
    task_ids : array-like of shape (n_samples,), default=None
        Long form: the task of each row; `y_true` is then 1-D.

    Returns
    -------
    curves : dict of str to CalibrationCurve
        ``predicted``, ``observed`` and ``count`` of each task; keys as in
        :func:`~skmtl.task_scores`,
        without "mean" and "worst".

    Raises
    ------
    ValueError
        If `y_prob` has other tasks or rows than `y_true`, or no probabilities, beside a label.

    See Also
    --------
    expected_calibration_error : One number per task.
    sklearn.calibration.calibration_curve : The same for one complete binary task.

    References
    ----------
    .. [1] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern neural
       networks", ICML 2017, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.metrics import task_calibration_curve
    >>> y_true = np.array([[0.0], [1.0], [1.0], [np.nan]])
    >>> y_prob = np.array([[0.25], [0.25], [0.75], [0.75]])
    >>> curve = task_calibration_curve(y_true, y_prob, n_bins=2)["0"]
    >>> curve.predicted, curve.observed, curve.count
    (array([0.25, 0.75]), array([0.5, 1. ]), array([2., 1.]))
    """
    check_bins(n_bins, strategy)
    pairs = read_probabilities(y_true, y_prob, tasks, sample_weight, task_ids)
    return {pair.key: curve_of(pair, n_bins, strategy) for pair in pairs}


def check_bins(n_bins: Any, strategy: Any) -> None:
    """Raise for bins that cannot be."""
    if not isinstance(n_bins, Integral) or n_bins < 1:
        raise ValueError(f"n_bins={n_bins!r}; expected a whole number, at least 1.")
    if strategy not in STRATEGIES:
        raise ValueError(f"strategy={strategy!r}; expected 'uniform' or 'quantile'.")


def read_probabilities(
    y_true: Any, y_prob: Any, tasks: Any, sample_weight: Any, task_ids: Any
) -> Any:
    """Pairs of the tasks that have classes."""
    pairs = read_pairs(
        y_true,
        y_prob,
        kind="classification",
        tasks=tasks,
        sample_weight=sample_weight,
        task_ids=task_ids,
    )
    found = [pair for pair in pairs if pair.task.is_classification]
    if not found:
        raise ValueError("No task has classes; regressions have no probabilities.")
    return found


def curve_of(pair: Pair, n_bins: Any, strategy: Any) -> Any:
    """Bins of one task."""
    codes = match(pair.classes, pair.labels)
    return curve_of_codes(probabilities(pair), codes, pair.weight, n_bins, strategy)


def curve_of_codes(
    proba: np.ndarray, codes: np.ndarray, weight: np.ndarray, n_bins: Any, strategy: Any
) -> CalibrationCurve:
    """Bins of probabilities (n, n_classes) beside the positions of the right classes."""
    if proba.shape[1] == 2:
        stated, is_true = proba[:, 1], codes == 1
    else:
        stated, is_true = proba.max(axis=1), codes == proba.argmax(axis=1)
    if strategy == "uniform" or not len(stated):
        edges = np.linspace(0.0, 1.0, n_bins + 1)
    else:
        edges = np.percentile(stated, 100 * np.linspace(0.0, 1.0, n_bins + 1))
    bins = np.searchsorted(edges[1:-1], stated)
    sums = [
        np.bincount(bins, weight * of_rows, minlength=n_bins)
        for of_rows in (stated, is_true, np.ones(len(bins)))
    ]
    used = sums[-1] > 0
    predicted, observed, count = (total[used] for total in sums)
    return CalibrationCurve(predicted / count, observed / count, count)
