"""scikit-learn's metrics, task by task, over observed labels."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED

from skmtl._innermost import knows_tasks, unwrap
from skmtl.metrics._averages import average_over_tasks, check_average, with_summaries
from skmtl.metrics._metric_by_type import assign_scorers, check_several, read_metric
from skmtl.metrics._one_task import score_of_task
from skmtl.metrics._scored_tasks import read_scored_tasks
from skmtl.metrics._single_metric import as_scorer, evaluate
from skmtl.metrics._task_scores import own_scores
from skmtl.metrics._views import view_of_task, views_of_other


def make_multitask_scorer(
    metric: Any = None,
    *,
    average: Any = "mean",
    task: Any = None,
    task_weight: Any = None,
    greater_is_better: bool = True,
    response_method: Any = "predict",
) -> Any:
    """Make a scorer that applies a metric to every task, over its observed labels.

    Each task is handed to scikit-learn's scorer as if it were an estimator of its own, on the
    rows whose label is observed and of positive weight; for complete labels the result is
    scikit-learn's number. Tasks of a type that a metric of scikit-learn is not for (regression
    or classification) are left out.

    Parameters
    ----------
    metric : str, callable, dict, list or None, default=None
        - a name of :func:`sklearn.metrics.get_scorer_names`: "r2", "roc_auc", ...;
        - a function ``metric(y_true, y_pred) -> float``, or what
          :func:`sklearn.metrics.make_scorer` makes of one; a function that is not scikit-learn's
          is applied to all tasks;
        - a dict from task to one of these, ``{"income": "neg_mean_absolute_error", "has_pet":
          "roc_auc"}``, by the names of the tasks; tasks that it does not name are left out. With
          ``average=None`` it may have a list of several;
        - a list with one of these for each task, None for one that is left out;
        - a dict from task type to one of these, such as
          ``{"regression": "r2", "binary": "roc_auc"}``; a type is its alias or its class.
          "classification" stands for "binary" and "multiclass", "regression" also for "count" and
          other types of numbers, where these are not named. Tasks of other types are left out.
          Names and types may stand in one dict: a task that is named goes by its name;
        - None: each task's own score, see :func:`task_scores`; R2 or accuracy for an estimator
          that is not of this package.
    average : {"mean", "worst", "weighted"} or None, default="mean"
        The mean or the lowest score of the tasks, the mean weighted by `task_weight`, or None
        for a dict with one score per task, "mean" and "worst", which scikit-learn takes as several
        metrics: name one in ``refit``. Tasks whose score is NaN do not count. Where the metrics
        of the tasks have different units, one with large numbers decides the mean.
    task : str, int or None, default=None
        Name of the only task to score; the scorer then returns its score. A number is a name, or
        the position in a y without names; a name may also be written as the key of
        :func:`task_scores`.
    task_weight : array-like of shape (n_tasks,), dict {task name: weight} or None, default=None
        With ``average="weighted"``: what each task counts for; tasks that a dict does not name
        count 1. None: the number of its observed labels (the sum of their weights), as
        scikit-learn weighs classes by their support.
    greater_is_better : bool, default=True
        For a function: False if low values are good; the scorer then flips the sign.
    response_method : str or list of str, default="predict"
        For a function: where its ``y_pred`` comes from: "predict", "predict_proba" or
        "decision_function", or several in order of preference.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y, sample_weight=None)`` returns a float, or a dict (see
        `average`; keys as in :func:`task_scores`). ``sample_weight`` has shape (n_samples,) or
        (n_samples, n_tasks). It can be pickled, cloned and, under metadata routing, asked for
        ``sample_weight`` with ``set_score_request``.

    Raises
    ------
    ValueError
        If `metric` is no name that scikit-learn knows, or `task_weight` or `average` have no use;
        by the scorer, if there is no such `task`, `metric` names what is no task and no type, or
        has a task with a metric that is not for it, no task is of a type that the metric is for,
        or weights are given to a metric that takes none.

    See Also
    --------
    task_scores : The score of every task, as `score` averages them.
    skmtl.metrics.multitask_score : The same of arrays.

    Notes
    -----
    Probabilities come with the classes of `fit`: a fold without one of them is no problem. A
    class that `fit` did not see has probability 0 and counts as a miss. "roc_auc" is averaged
    one-vs-rest for more than two classes. Where a metric needs a positive class, it is the one
    scikit-learn's default names (1) if the task has it, else the last of two.

    A score is NaN for a task without labels, and where its labels leave the metric without a
    value by scikit-learn's definition, whatever is predicted: labels of one class only for
    "roc_auc", "matthews_corrcoef", "d2_log_loss_score", "d2_brier_score" and likelihood ratios;
    none of the positive class for "average_precision", "recall", "precision", "f1" and "jaccard",
    where to predict none is best, and 0 / 0 (unless `zero_division` was given to
    :func:`~sklearn.metrics.make_scorer`); one label only for "r2", "explained_variance" and
    "d2_absolute_error_score"; more than two classes for "f1" (use "f1_macro"). "accuracy",
    "balanced_accuracy", "neg_log_loss", "neg_brier_score" and averages over classes ("f1_macro")
    have a value for one class, too.

    Estimators of scikit-learn can be scored as well, against labels with gaps: those that
    predict a column per task and, for metrics of probabilities, have ``predict_proba`` as a list
    (forests, :class:`~sklearn.multioutput.MultiOutputClassifier`) or with a column per binary
    task. Their columns are matched to those of y by position.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.model_selection import cross_val_score
    >>> from skmtl import IndependentTasks, make_multitask_scorer
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(60, 3))
    >>> y = np.column_stack([X[:, 0] + 0.1 * rng.normal(size=60), X[:, 1] > 0])
    >>> y[::3, 0] = np.nan
    >>> scorer = make_multitask_scorer({"regression": "r2", "binary": "roc_auc"}, average=None)
    >>> scores = scorer(IndependentTasks().fit(X, y), X, y)
    >>> {key: round(score, 2) for key, score in scores.items()}
    {'mean': 1.0, 'worst': 0.99, '0': 0.99, '1': 1.0}
    >>> cross_val_score(IndependentTasks(), X, y, scoring=make_multitask_scorer("r2")).round(2)
    array([0.98, 1.  , 0.98, 0.99, 0.98])
    >>> make_multitask_scorer("roc_auc", task=1)(IndependentTasks().fit(X, y), X, y)
    1.0
    >>> by_name = make_multitask_scorer({0: "neg_mean_absolute_error", 1: "roc_auc"}, average=None)
    >>> {key: round(score, 2) for key, score in by_name(IndependentTasks().fit(X, y), X, y).items()}
    {'mean': 0.46, 'worst': -0.08, '0': -0.08, '1': 1.0}
    """
    check_average(average, task_weight)
    if task is not None and average != "mean":
        raise ValueError(
            f"average={average!r} has no use with task={task!r}: one task is not averaged."
        )
    check_several(metric, average)
    scorer = MultiTaskScorer(
        metric,
        average=average,
        task=task,
        task_weight=task_weight,
        greater_is_better=greater_is_better,
        response_method=response_method,
    )
    scorer._scorers()
    return scorer


class MultiTaskScorer(BaseEstimator):
    """What `make_multitask_scorer` returns."""

    # scikit-learn reads from the signature of `score` what may be routed to a scorer.
    __metadata_request__score = {"estimator": UNUSED}

    def __init__(
        self,
        metric: Any = None,
        *,
        average: Any = "mean",
        task: Any = None,
        task_weight: Any = None,
        greater_is_better: bool = True,
        response_method: Any = "predict",
    ) -> None:
        self.metric = metric
        self.average = average
        self.task = task
        self.task_weight = task_weight
        self.greater_is_better = greater_is_better
        self.response_method = response_method

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Score a fitted estimator."""
        return self.score(estimator, X, y, sample_weight)

    def _accept_sample_weight(self) -> bool:
        # Scikit-learn asks scorers that are one of several in a search.
        return True

    def score(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Score a fitted estimator; the same as calling the scorer."""
        tasks, scores = self._task_scores(estimator, X, y, sample_weight)
        if self.task is not None:
            return score_of_task(self.task, tasks, scores, self.metric)
        if self.average is None:
            return with_summaries(scores)
        return average_over_tasks(scores, tasks, self.average, self.task_weight)

    def _task_scores(self, estimator: Any, X: Any, y: Any, sample_weight: Any) -> Any:
        """All tasks, and by key the scores of those that the metric is for."""
        final, inner_X = unwrap(estimator, X)
        if knows_tasks(final):
            tasks = read_scored_tasks(final, inner_X, y, sample_weight)
            return tasks, self._scores_of(final, tasks)
        views = views_of_other(estimator, X, y, sample_weight)
        return views, self._scores_of_views(views)

    def _scores_of(self, final: Any, tasks: Any) -> dict[Any, Any]:
        """By key the scores of the `ScoredTask` that the metric is for."""
        if self.metric is None:
            return own_scores(final, tasks)
        return self._scores_of_views([view_of_task(task) for task in tasks])

    def _scores_of_views(self, views: Any) -> dict[Any, Any]:
        assigned = assign_scorers(self._scorers(), views, self.metric)
        return {
            key: np.nan if scorer is None else evaluate(scorer, view)
            for key, view, scorer in assigned
        }

    def _scorers(self) -> Any:
        metric = self.metric
        if metric is None:
            metric = {"regression": "r2", "classification": "accuracy"}
        options = {
            "greater_is_better": self.greater_is_better,
            "response_method": self.response_method,
        }
        return read_metric(metric, partial(as_scorer, **options))
