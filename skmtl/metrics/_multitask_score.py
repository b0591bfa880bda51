"""scikit-learn's metrics on arrays, task by task, over observed labels."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from sklearn.metrics import d2_log_loss_score, get_scorer, get_scorer_names, make_scorer

from skmtl.metrics._averages import average_over_tasks, check_average
from skmtl.metrics._metric_by_type import assign_scorers, check_several, read_metric
from skmtl.metrics._pairs import Pair, read_pairs
from skmtl.metrics._single_metric import as_scorer, evaluate, family_of
from skmtl.metrics._views import TaskView

# scikit-learn's naming of functions that are lower for better predictions.
LOW_IS_GOOD = ("_error", "_loss", "_deviance")


def multitask_score(
    y_true: Any,
    y_pred: Any,
    metric: Any,
    *,
    average: Any = "mean",
    greater_is_better: Any = None,
    sample_weight: Any = None,
    task_weight: Any = None,
    tasks: Any = "auto",
    task_ids: Any = None,
) -> Any:
    """Apply a metric to every task, over its observed labels, and average.

    What :func:`~skmtl.make_multitask_scorer` does to a fitted estimator, for predictions that are
    there already. For complete labels each task has scikit-learn's number.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels; NaN, None, pandas.NA, NaT and masked entries are unobserved.
    y_pred : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,), or list
        What the metric takes beside labels: predicted labels or values, probabilities of the
        positive class, decision values. Or a list with such an array for each task, one of
        probabilities of shape (n_samples, n_classes), or None to leave the task out: what
        ``predict_proba`` returns. A metric of labels then gets the most probable class. Columns
        of a DataFrame are matched by name if `y_true` is one too.
    metric : callable, str, dict or list
        - a function ``metric(y_true, y_pred) -> float``, whose value is returned as it is;
        - a name of :func:`sklearn.metrics.get_scorer_names`, or what
          :func:`sklearn.metrics.make_scorer` makes of a function: high values are good, as in
          "neg_mean_squared_error";
        - a dict from task type, its alias or its class, to one of these, such as
          ``{"regression": "r2", "classification": "accuracy"}``; tasks of other types are left
          out;
        - a dict by the names of the tasks, or a list with an entry for each of them: see
          :func:`~skmtl.make_multitask_scorer`.
    average : {"mean", "worst", "weighted"} or None, default="mean"
        The mean or the worst score of the tasks, the mean weighted by `task_weight`, or None
        for a dict with the score of each task. Tasks whose score is NaN do not count.
    greater_is_better : bool, default=None
        For a function: whether high values are good, which decides what the worst score is. By
        default they are unless its name ends in "_error", "_loss" or "_deviance", as
        scikit-learn's do.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels. A weight of 0 is the same as an unobserved label.
    task_weight : array-like of shape (n_tasks,), dict {task name: weight} or None, default=None
        With ``average="weighted"``: what each task counts for; tasks that a dict does not name
        count 1. None: the number of its observed labels (the sum of their weights).
    tasks : "auto", str, Task, list or dict, default="auto"
        Type of each task, as in the estimators; ``tasks_`` of a fitted one also says which
        classes the columns of probabilities stand for (otherwise the labels in `y_true`,
        sorted). "auto": all tasks are what a single metric of scikit-learn is for; with a dict,
        or a function of another origin, bool, string, category and 0/1 labels are classes,
        other numbers regression.
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
        If `y_pred` has other tasks or rows than `y_true`, or lacks a prediction beside a label
        (all of a task may be NaN: its score is); if the metric is for none of the task types, or
        rejects the labels of a task.

    See Also
    --------
    skmtl.make_multitask_scorer : The same for a fitted estimator.
    d2_score : Share of deviance explained, for tasks of any types.

    Notes
    -----
    A score is NaN for a task without labels, and where its labels leave the metric without a
    value: see the notes of :func:`~skmtl.make_multitask_scorer`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.metrics import mean_absolute_error
    >>> from skmtl.metrics import multitask_score
    >>> nan = np.nan
    >>> y_true = np.array([[1.0, nan], [2.0, 0.0], [nan, 4.0]])
    >>> y_pred = np.array([[1.5, 9.0], [2.0, 1.0], [7.0, 2.0]])
    >>> multitask_score(y_true, y_pred, mean_absolute_error)
    0.875
    >>> multitask_score(y_true, y_pred, mean_absolute_error, average=None)
    {'0': 0.25, '1': 1.5}
    >>> multitask_score(y_true, y_pred, mean_absolute_error, average="worst")
    1.5

    One task per row, named beside it:

    >>> y_true, y_pred, task = [0, 1, 1, 0], [0.2, 0.9, 0.3, 0.8], ["a", "a", "b", "b"]
    >>> multitask_score(y_true, y_pred, "roc_auc", task_ids=task, average=None)
    {'a': 1.0, 'b': 0.0}
    """
    check_average(average, task_weight)
    check_several(metric, average)
    scorers = read_metric(metric, _as_scorer)
    greater_is_better = _direction(metric, greater_is_better, average)
    family = None if None not in scorers else family_of(scorers[None])
    pairs = read_pairs(
        y_true,
        y_pred,
        kind=family or "any",
        tasks=tasks,
        sample_weight=sample_weight,
        task_ids=task_ids,
    )
    views = [_view(pair) for pair in pairs]
    assigned = assign_scorers(scorers, views, metric)
    scores = {key: _evaluate(scorer, view) for key, view, scorer in assigned}
    return average_over_tasks(
        scores, pairs, average, task_weight, greater_is_better=greater_is_better
    )


@cache
def _known_responses() -> dict[Any, Any]:
    """What scikit-learn's own scorer of a function takes: labels, probabilities, ..."""
    scorers = [get_scorer(name) for name in get_scorer_names()]
    known = {scorer._score_func: scorer._response_method for scorer in scorers}
    # Has no scorer in the older versions.
    return {d2_log_loss_score: "predict_proba", **known}


def _as_scorer(metric: Any) -> Any:
    if not _is_function(metric):
        return as_scorer(metric)
    return make_scorer(metric, response_method=_known_responses().get(metric, "predict"))


def _direction(metric: Any, greater_is_better: Any, average: Any) -> Any:
    """Whether high values are good."""
    metrics = list(metric.values()) if isinstance(metric, Mapping) else [metric]
    metrics = [one for entry in metrics for one in (entry if _is_list(entry) else [entry])]
    are_low = {_is_function(m) and _is_low_good(m, greater_is_better) for m in metrics}
    if average is not None and len(are_low) > 1:
        raise ValueError(
            f"metric={metric!r} mixes values that are good when high and good when low; there is "
            "no average of them. Use scikit-learn's names ('neg_...'), or average=None."
        )
    return not any(are_low)


def _is_list(metric: Any) -> bool:
    return isinstance(metric, list | tuple)


def _is_function(metric: Any) -> bool:
    # A scorer has a sign, so that its high values are good.
    return callable(metric) and not hasattr(metric, "_score_func")


def _is_low_good(function: Any, greater_is_better: Any) -> bool:
    if greater_is_better is not None:
        return not greater_is_better
    return getattr(function, "__name__", "").endswith(LOW_IS_GOOD)


def _view(pair: Pair) -> Any:
    """A task as an estimator that predicts just this."""
    predicted, classes = pair.predicted, pair.classes
    answers = {"predict": lambda: predicted}
    if predicted.ndim == 2 and classes is not None:
        answers["predict"] = lambda: classes[predicted.argmax(axis=1)]
        answers["predict_proba"] = lambda: predicted
    elif classes is not None and len(classes) == 2 and predicted.dtype.kind in "bif":
        answers["predict_proba"] = lambda: np.column_stack([1.0 - predicted, predicted])
        answers["decision_function"] = lambda: predicted
    return TaskView(
        pair.key, pair.name, type(pair.task), answers, pair.labels, pair.weight, classes
    )


def _evaluate(scorer: Any, view: TaskView) -> Any:
    if scorer is None:
        return np.nan
    try:
        return evaluate(scorer, view)
    except ValueError as error:
        raise ValueError(f"Task {view.name!r}: {error}") from error
