"""Errors relative to those of the training mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.metrics._averages import average_over_tasks, check_average
from skmtl.metrics._pairs import Pair, read_pairs
from skmtl.tasks._by_name import column_names, order_of, same_names
from skmtl.tasks._columns import read_column


def average_relative_rmse(
    y_true: Any,
    y_pred: Any,
    *,
    y_train: Any = None,
    folds: Any = None,
    pooled: bool = True,
    average: Any = "mean",
    sample_weight: Any = None,
    task_weight: Any = None,
    task_ids: Any = None,
    train_task_ids: Any = None,
) -> Any:
    r"""Average relative root mean squared error (aRRMSE) of regressions; low is good.

    The relative error of a task on test rows is [1]_

    .. math:: \mathrm{RRMSE}_t = \sqrt{\frac{\sum_i (y_{ti} - \hat y_{ti})^2}
        {\sum_i (y_{ti} - \bar y_t)^2}}

    with :math:`\bar y_t` the mean of its training labels: 1 is as good as predicting that. The
    average over tasks is the aRRMSE. With several folds there are two ways, which can lie far
    apart where a fold has few labels that differ: *pooled*, both sums run over the test rows of
    all folds, each row with the training mean of its fold; *per fold*, the relative errors of
    the folds are averaged. Say which it is.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels of the test rows, numbers; NaN, None, pandas.NA, NaT and masked entries are
        unobserved.
    y_pred : array-like or DataFrame, same shape
        Predicted values; columns of a DataFrame are matched by name if `y_true` is one too.
    y_train : array-like or DataFrame of shape (n_train, n_tasks) or (n_train,), default=None
        Labels of the training rows of a single split.
    folds : array-like of shape (n_samples,), default=None
        Instead of `y_train`: the fold in which each row was a test row, as in
        :func:`~sklearn.model_selection.cross_val_predict`. All other rows were its training
        rows.
    pooled : bool, default=True
        With `folds`: whether sums are pooled over folds, or relative errors averaged.
    average : {"mean", "worst", "weighted"} or None, default="mean"
        The mean (the aRRMSE) or the highest relative error of the tasks, the mean weighted by
        `task_weight`, or None for a dict with that of each task. Tasks for which it is NaN do
        not count.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels in both sums, and in training means of `folds`. A weight of 0 is
        the same as an unobserved label.
    task_weight : array-like of shape (n_tasks,), dict {task name: weight} or None, default=None
        With ``average="weighted"``: what each task counts for; tasks that a dict does not name
        count 1. None: the number of its observed labels (the sum of their weights).
    task_ids, train_task_ids : array-like of shape (n_samples,) and (n_train,), default=None
        Long form: the task of each row of `y_true` and of `y_train`, which are then 1-D.

    Returns
    -------
    error : float or dict of str to float
        At least 0. NaN for a task without test labels, without training labels (rows of a fold
        outside of which the task has none do not count), or whose test labels all equal the
        training mean. With ``average=None`` the keys are those of
        :func:`~skmtl.task_scores`, without
        "mean" and "worst".

    Raises
    ------
    ValueError
        Unless one of `y_train` and `folds` is given, labels are numbers, and `y_pred` has the
        tasks and rows of `y_true` and a prediction beside each label.

    References
    ----------
    .. [1] E. Spyromitros-Xioufis, G. Tsoumakas, W. Groves and I. Vlahavas, "Multi-target
       regression via input space expansion: treating targets as inputs", Machine Learning 104,
       2016, section on the evaluation measure.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.metrics import average_relative_rmse
    >>> y_train, y_test = [[1.0, 5.0], [3.0, np.nan]], [[2.5, 9.0], [1.5, np.nan]]
    >>> average_relative_rmse(y_test, [[2.5, 8.0], [2.0, 0.0]], y_train=y_train, average=None)
    {'0': 0.707, '1': 0.25}
    """
    check_average(average, task_weight)
    if (y_train is None) == (folds is None):
        raise ValueError(
            "Errors are relative to those of the training mean; give either y_train or folds."
        )
    regressions = {"kind": "regression", "tasks": "regression"}
    pairs = read_pairs(
        y_true, y_pred, sample_weight=sample_weight, task_ids=task_ids, **regressions
    )
    if folds is None:
        train = read_pairs(y_train, y_train, task_ids=train_task_ids, **regressions)
        are_named = column_names(y_true) is not None and column_names(y_train) is not None
        means = _match(_training_means(train), pairs, task_ids is not None, are_named)
        errors = {p.key: _relative(p, mean) for p, mean in zip(pairs, means, strict=True)}
    else:
        folds = _read_folds(folds, y_true)
        errors = {pair.key: _over_folds(pair, folds[pair.rows], pooled) for pair in pairs}
    return average_over_tasks(errors, pairs, average, task_weight, greater_is_better=False)


def _training_means(pairs: list[Pair]) -> dict[Any, Any]:
    return {p.name: p.labels.mean() if len(p.labels) else np.nan for p in pairs}


def _match(means: Any, pairs: list[Pair], is_long: Any, are_named: Any) -> Any:
    """Training mean of each task: by name, or by position where one of both has no names."""
    names = [pair.name for pair in pairs]
    if is_long:
        return [means.get(name, np.nan) for name in names]
    if are_named or same_names(names, list(means)):
        at = order_of(list(means), names, "y_train")
        return [list(means.values())[position] for position in at]
    if len(means) != len(names):
        raise ValueError(f"y_train has {len(means)} tasks, but y_true has {len(names)}.")
    return list(means.values())


def _read_folds(folds: Any, y_true: Any) -> Any:
    column = read_column(folds, "folds")
    if len(column.labels) != len(y_true) or not column.observed.all():
        raise ValueError(
            f"folds has {int(column.observed.sum())} values; expected one for each of the "
            f"{len(y_true)} rows of y_true."
        )
    return np.unique(column.labels, return_inverse=True)[1]


def _relative(pair: Pair, mean: Any) -> Any:
    error, baseline = _squares(pair, mean)
    return _root(error.sum(), baseline.sum())


def _over_folds(pair: Pair, fold: Any, pooled: Any) -> Any:
    mean = np.full(len(fold), np.nan)
    for f in np.unique(fold):
        rest = fold != f
        if rest.any():
            mean[~rest] = np.average(pair.labels[rest], weights=pair.weight[rest])
    error, baseline = _squares(pair, mean)
    if pooled:
        return _root(error.sum(), baseline.sum())
    sums = zip(np.bincount(fold, error), np.bincount(fold, baseline), strict=True)
    of_folds = np.array([_root(*both) for both in sums])
    defined = ~np.isnan(of_folds)
    return float(of_folds[defined].mean()) if defined.any() else float("nan")


def _squares(pair: Pair, mean: Any) -> Any:
    """Weighted squared errors of the predictions and of the training mean, 0 without one."""
    error = pair.weight * (pair.labels - pair.predicted) ** 2
    baseline = pair.weight * (pair.labels - mean) ** 2
    return np.where(np.isnan(baseline), 0.0, error), np.nan_to_num(baseline)


def _root(error: Any, baseline: Any) -> Any:
    return float(np.sqrt(error / baseline)) if baseline > 0 else float("nan")
