"""Share of deviance explained, whatever the types of the tasks."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl.metrics._averages import average_over_tasks, check_average
from skmtl.metrics._pairs import Pair, read_pairs
from skmtl.tasks._columns import Column


def d2_score(
    y_true: Any,
    y_pred: Any,
    *,
    average: Any = "mean",
    sample_weight: Any = None,
    task_weight: Any = None,
    tasks: Any = "auto",
    task_ids: Any = None,
) -> Any:
    r"""Share of deviance explained of every task, over its observed labels, and the average.

    What ``score`` of the estimators for any task types averages, for predictions that are there
    already:

    .. math:: D^2 = 1 - \frac{\mathrm{dev}(y, \hat y)}{\mathrm{dev}(y, \hat y_0)}

    with :math:`\hat y_0` the best constant for the same labels; the deviance is that of the task
    type: the squared error (D2 is R2), the Poisson deviance (counts), the log loss (classes). 1
    is perfect, 0 as good as that constant, whatever the type, so that tasks of different types
    can be averaged.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels; NaN, None, pandas.NA, NaT and masked entries are unobserved.
    y_pred : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,), or list
        Predicted values of regressions and counts, probabilities of the positive (second) class
        of binary tasks. Or a list with such an array for each task, one of class probabilities
        of shape (n_samples, n_classes), or None to leave the task out. Columns of a DataFrame
        are matched by name if `y_true` is one too.
    average : {"mean", "worst", "weighted"} or None, default="mean"
        The mean or the lowest score of the tasks, the mean weighted by `task_weight`, or None
        for a dict with the score of each task. Tasks whose score is NaN do not count.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels. A weight of 0 is the same as an unobserved label.
    task_weight : array-like of shape (n_tasks,), dict {task name: weight} or None, default=None
        With ``average="weighted"``: what each task counts for; tasks that a dict does not name
        count 1. None: the number of its observed labels (the sum of their weights).
    tasks : "auto", str, Task, list or dict, default="auto"
        Type of each task, as in the estimators: "auto" reads bool, string, category and 0/1
        labels as classes, other numbers as regression. ``tasks_`` of a fitted estimator also
        says which classes the columns of probabilities stand for (otherwise the labels in
        `y_true`, sorted).
    task_ids : array-like of shape (n_samples,), default=None
        Long form: the task of each row; `y_true` is then 1-D.

    Returns
    -------
    score : float or dict of str to float
        The average, NaN if no task has a score. With ``average=None`` the score of each task;
        the keys are those of :func:`~skmtl.task_scores`, without "mean" and "worst".

    Raises
    ------
    ValueError
        If `y_pred` has other tasks or rows than `y_true`, lacks a prediction beside a label (all
        of a task may be NaN: its score is), or has no probabilities for a task with classes.

    See Also
    --------
    skmtl.task_scores : The score of every task of a fitted estimator.
    multitask_score : Any metric of scikit-learn, task by task.

    Notes
    -----
    The numbers are those of :func:`~sklearn.metrics.r2_score`,
    :func:`~sklearn.metrics.d2_tweedie_score` with ``power=1`` and
    :func:`~sklearn.metrics.d2_log_loss_score`. Where these have none, it is as in
    :meth:`Task.score <skmtl.tasks.Task.score>`: NaN for a single label, 1 or 0 where all labels
    are of one class, a finite number for expected counts of 0. A class unknown to ``tasks_`` has
    probability 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import IndependentTasks
    >>> from skmtl.metrics import d2_score
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> y = np.array([[0.0, 0], [1.5, 0], [np.nan, 0], [4.5, 1], [6.0, np.nan], [np.nan, 1]])
    >>> model = IndependentTasks().fit(X, y)
    >>> y_pred = [model.predict(X)[:, 0], model.predict_proba(X)[1]]
    >>> d2_score(y, y_pred, average=None)
    {'0': 0.99, '1': 0.62}
    >>> bool(np.isclose(d2_score(y, y_pred), model.score(X, y)))
    True
    """
    check_average(average, task_weight)
    pairs = read_pairs(y_true, y_pred, tasks=tasks, sample_weight=sample_weight, task_ids=task_ids)
    scores = {pair.key: _d2(pair) for pair in pairs}
    return average_over_tasks(scores, pairs, average, task_weight)


def _d2(pair: Pair) -> Any:
    task, labels, weight = pair.task, pair.labels, pair.weight
    column = Column(labels, np.ones(len(labels), dtype=bool))
    expected = probabilities(pair) if task.is_classification else pair.predicted
    task.check_expected(expected, pair.name)
    values = task.encode(column, pair.name, unseen="miss")
    metric = task.reference_metric(values, expected)
    if metric is None:
        return task.score(expected, values, weight)
    weights = {} if (weight == 1.0).all() else {"sample_weight": weight}
    return float(metric(labels, expected, **weights))


def probabilities(pair: Pair) -> Any:
    """Class probabilities (n, n_classes) of a task with classes."""
    proba, n_classes = pair.predicted, len(pair.classes)
    is_complete = proba.ndim == 2 or (n_classes == 2 and proba.dtype.kind in "bif")
    if not is_complete or ((proba < 0) | (proba > 1)).any():
        raise ValueError(
            f"Task {pair.name!r} has the classes {pair.classes.tolist()}; expected their "
            "probabilities, (n_samples, n_classes), or of two classes those of the second."
        )
    return proba if proba.ndim == 2 else np.column_stack([1.0 - proba, proba])
