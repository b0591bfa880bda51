"""scikit-learn's metrics, task by task, over observed labels."""

from collections.abc import Mapping

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metadata_routing import UNUSED

from skmtl._base import mean_score
from skmtl.metrics._keys import MEAN
from skmtl.metrics._parts import read_parts
from skmtl.metrics._single_metric import as_scorer, evaluate, family_of, is_binary_only
from skmtl.metrics._task_scores import task_scores
from skmtl.metrics._unwrap import knows_tasks, unwrap
from skmtl.metrics._views import view_of_part, views_of_other
from skmtl.tasks._resolve import TASK_TYPES

FAMILIES = ("regression", "classification")


def make_multitask_scorer(
    metric=None, *, average="mean", greater_is_better=True, response_method="predict"
):
    """Make a scorer that applies a metric to every task, over its observed labels.

    Each task is handed to scikit-learn's scorer as if it were an estimator of its own, on the
    rows whose label is observed and of positive weight; for complete labels the result is
    scikit-learn's number. Tasks of a type that a metric of scikit-learn is not for (regression
    or classification) are left out.

    Parameters
    ----------
    metric : str, callable, dict or None, default=None
        - a name of :func:`sklearn.metrics.get_scorer_names`: "r2", "roc_auc", ...;
        - a function ``metric(y_true, y_pred) -> float``, or what
          :func:`sklearn.metrics.make_scorer` makes of one; a function that is not scikit-learn's
          is applied to all tasks;
        - a dict from task type to one of these, such as
          ``{"regression": "r2", "binary": "roc_auc"}``. "classification" stands for "binary" and
          "multiclass", "regression" also for "count", where these are not named. Tasks of other
          types are left out;
        - None: each task's own score, see :func:`task_scores`; R2 or accuracy for an estimator
          that is not of this package.
    average : {"mean", "worst"} or None, default="mean"
        The mean or the lowest score of the tasks, or None for a dict with one score a task and
        "mean", which scikit-learn takes as several metrics: name one in ``refit``. Tasks whose
        score is NaN do not count.
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
        If `metric` is no name that scikit-learn knows; by the scorer, if no task is of a type
        that the metric is for, or weights are given to a metric that takes none.

    See Also
    --------
    task_scores : The score of every task, as `score` averages them.

    Notes
    -----
    Probabilities come with the classes of `fit`: a fold without one of them is no problem. A
    class that `fit` did not see has probability 0 and counts as a miss. "roc_auc" is averaged
    one-vs-rest for more than two classes. Where a metric needs a positive class, it is the one
    scikit-learn's default names (1) if the task has it, else the last of two.

    A score is NaN for a task without labels, and where the metric has no value: one class only
    for "roc_auc", one label only for "r2", more than two classes for "f1" (use "f1_macro").

    Estimators of scikit-learn can be scored as well, against labels with gaps: those that
    predict a column a task and, for metrics of probabilities, have ``predict_proba`` as a list
    (forests, :class:`~sklearn.multioutput.MultiOutputClassifier`) or with a column a binary
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
    {'mean': 1.0, '0': 0.99, '1': 1.0}
    >>> cross_val_score(IndependentTasks(), X, y, scoring=make_multitask_scorer("r2")).round(2)
    array([0.98, 1.  , 0.98, 0.99, 0.98])
    """
    scorer = MultiTaskScorer(
        metric,
        average=average,
        greater_is_better=greater_is_better,
        response_method=response_method,
    )
    scorer._scorers()
    if average not in ("mean", "worst", None):
        raise ValueError(f"average={average!r}; expected 'mean', 'worst' or None.")
    return scorer


class MultiTaskScorer(BaseEstimator):
    """What `make_multitask_scorer` returns."""

    # scikit-learn reads from the signature of `score` what may be routed to a scorer.
    __metadata_request__score = {"estimator": UNUSED}

    def __init__(
        self, metric=None, *, average="mean", greater_is_better=True, response_method="predict"
    ):
        self.metric = metric
        self.average = average
        self.greater_is_better = greater_is_better
        self.response_method = response_method

    def __call__(self, estimator, X, y, sample_weight=None):
        """Score a fitted estimator."""
        return self.score(estimator, X, y, sample_weight)

    def score(self, estimator, X, y, sample_weight=None):
        """Score a fitted estimator; the same as calling the scorer."""
        scores = self._task_scores(estimator, X, y, sample_weight)
        if self.average is None:
            return {MEAN: mean_score(list(scores.values())), **scores}
        if self.average == "worst":
            defined = [score for score in scores.values() if not np.isnan(score)]
            return min(defined, default=float("nan"))
        return mean_score(list(scores.values()))

    def _task_scores(self, estimator, X, y, sample_weight):
        final, inner_X = unwrap(estimator, X)
        if not knows_tasks(final):
            views = views_of_other(estimator, X, y, sample_weight)
        elif self.metric is None:
            scores = task_scores(final, inner_X, y, sample_weight)
            scores.pop(MEAN)
            return scores
        else:
            views = [view_of_part(part) for part in read_parts(final, inner_X, y, sample_weight)]
        scorers = self._scorers()
        chosen = [(view, scorer) for view in views for scorer in _choose(scorers, view)]
        if all(scorer is None for _, scorer in chosen):
            types = sorted({view.alias for view in views})
            raise ValueError(f"metric={self.metric!r} is for none of the task types {types}.")
        return {
            view.key: np.nan if scorer is None else evaluate(scorer, view)
            for view, scorer in chosen
        }

    def _scorers(self):
        """scikit-learn's scorer of each task type or family; one under None is for all."""
        metric = self.metric
        if metric is None:
            metric = {"regression": "r2", "classification": "accuracy"}
        if not isinstance(metric, Mapping):
            metric = {None: metric}
        elif unknown := set(metric) - {*TASK_TYPES, *FAMILIES}:
            raise ValueError(
                f"metric names the task type {min(map(repr, unknown))}; expected some of "
                f"{sorted({*TASK_TYPES, *FAMILIES})}."
            )
        options = {
            "greater_is_better": self.greater_is_better,
            "response_method": self.response_method,
        }
        return {alias: as_scorer(entry, **options) for alias, entry in metric.items()}


def _choose(scorers, view):
    """The scorer of a task, in a list; [None] for a score of NaN, [] to leave the task out.

    Whether a task is binary or multiclass may change from fold to fold. That must not change
    the keys of the dict, so such a task stays.
    """
    scorer = scorers.get(None, scorers.get(view.alias, scorers.get(view.family)))
    if scorer is None:
        related = view.family == "classification" and {"binary", "multiclass"} & set(scorers)
        return [None] if related else []
    if family_of(scorer) not in (None, view.family):
        return []
    is_multiclass = view.classes is not None and len(view.classes) > 2
    return [None] if is_multiclass and is_binary_only(scorer) else [scorer]
