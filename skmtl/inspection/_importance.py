"""What every feature is worth to every task."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy import sparse, stats
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, validate_parameter_constraints
from sklearn.utils.parallel import Parallel, delayed

from skmtl._innermost import final_estimator, knows_tasks, unwrap
from skmtl._warnings import known_labels
from skmtl.inspection._importance_result import TaskImportance
from skmtl.inspection._permuted import permuted, read_features
from skmtl.inspection._task_data import indexable
from skmtl.metrics._make_scorer import MultiTaskScorer, make_multitask_scorer
from skmtl.metrics._scored_tasks import read_scored_targets, rescored
from skmtl.tasks._columns import match
from skmtl.tasks._features import as_table, read_task_column
from skmtl.tasks._labels import weights_as_array, with_events_folded
from skmtl.tasks._no_numbers import named_columns
from skmtl.tasks._rows import some_rows

CONSTRAINTS = {
    "n_repeats": [Interval(Integral, 1, None, closed="left")],
    "features": ["array-like", dict, None],
    "confidence": [Interval(Real, 0, 1, closed="neither")],
    "random_state": ["random_state"],
    "n_jobs": [Integral, None],
}


def task_importance(
    estimator,
    X,
    y,
    *,
    scoring=None,
    n_repeats=10,
    features=None,
    sample_weight=None,
    confidence=0.95,
    random_state=None,
    n_jobs=None,
):
    r"""Measure what every feature is worth to every task: how much its score falls without it.

    A feature is taken away by permuting its column. With the score :math:`s_t` of a task, and
    :math:`s_{jtr}` after the r-th of R permutations of feature j, its importance for the task is

    .. math:: i_{jt} = \frac{1}{R} \sum_{r = 1}^{R} (s_t - s_{jtr})

    as in [1]_, for each task by itself. One prediction for all tasks serves them all.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator of this package; also as the last step of a
        :class:`~sklearn.pipeline.Pipeline`, whose columns of X are then permuted before its
        first step, or in a fitted search.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Features of rows that were not learned from, if what is asked is which features are worth
        anything in new rows. With the task feature in long form.
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels of any types; any may be missing.
    scoring : str, callable or dict, default=None
        What falls: what :func:`~skmtl.make_multitask_scorer` takes as a metric, or returns;
        tasks that it is not for are left out. By default each task's own score, see
        :func:`~skmtl.task_scores`: the share of deviance explained, which has one scale for tasks
        of all types, or accuracy for classifiers.
    n_repeats : int, default=10
        Permutations of each feature.
    features : array-like or dict, default=None
        Columns of X by name or position, one feature each; or a dict of features that have
        several columns, which are permuted together: ``{"place": ["lat", "lon"]}``. By default
        every column.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels.
    confidence : float, default=0.95
        Level of the intervals.
    random_state : int, RandomState instance or None, default=None
        Draws the permutations.
    n_jobs : int, default=None
        Number of features at the same time, by joblib. None means 1 unless in a
        :obj:`joblib.parallel_backend` context, -1 all processors. Results do not depend on it.

    Returns
    -------
    importance : TaskImportance
        Importances with intervals, and the scores behind them.

    Raises
    ------
    ValueError
        If there is no label, no such feature, or X has no columns.
    TypeError
        If the estimator is none of this package.

    See Also
    --------
    sklearn.inspection.permutation_importance : One number for all tasks.
    skmtl.inspection.TaskImportanceDisplay : The same as a figure.

    Notes
    -----
    The interval is that of Student's t for the mean of the repeats: it says how far more
    permutations of these rows could move the importance, and nothing of other rows.

    Two features that say the same stand in for each other, and neither seems important: give them
    as one (``features``). A permuted column makes rows that do not exist, such as a child with a
    pension, of which a model may say anything.

    Rows without any label are left out. In long form the rows of each task are permuted by
    themselves, so that a feature is not important for telling the tasks apart.

    For complete labels of wide form the numbers are those of
    :func:`~sklearn.inspection.permutation_importance` with the same ``random_state``.

    References
    ----------
    .. [1] L. Breiman, "Random forests", Machine Learning 45, 2001, section 10; A. Fisher, C. Rudin
       and F. Dominici, "All models are wrong, but many are useful", JMLR 20, 2019, section 3.2.

    Examples
    --------
    The first feature serves the first task, the second both:

    >>> import numpy as np
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.inspection import task_importance
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 3))
    >>> y = np.column_stack([X[:, 0] + X[:, 1], X[:, 1] + rng.normal(size=200) > 0])
    >>> y[::3, 0] = np.nan
    >>> model = MultiTaskLinear(alpha=0.01).fit(X[:100], y[:100])
    >>> found = task_importance(model, X[100:], y[100:], random_state=0)
    >>> found.to_frame().round(1)
         0    1
    0  1.0  0.0
    1  1.1  0.4
    2  0.0 -0.0
    """
    given = {
        "n_repeats": n_repeats,
        "features": features,
        "confidence": confidence,
        "random_state": random_state,
        "n_jobs": n_jobs,
    }
    validate_parameter_constraints(CONSTRAINTS, given, caller_name="task_importance")
    final = final_estimator(estimator)
    if not knows_tasks(final):
        raise TypeError(
            f"task_importance needs an estimator of skmtl, got {type(final).__name__}; "
            "IndependentTasks makes one of any scikit-learn estimator, and "
            "sklearn.inspection.permutation_importance is for others."
        )
    X, targets, tasks = _labelled(estimator, X, y, sample_weight)
    columns = read_features(features, X, _task_column(X, targets))
    is_scorer = isinstance(scoring, MultiTaskScorer)
    scorer: Any = scoring if is_scorer else make_multitask_scorer(scoring)
    seed = check_random_state(random_state).randint(np.iinfo(np.int32).max + 1)
    orders = _orders(targets, n_repeats, seed)
    base = scorer._scores_of(final, tasks)
    if not set(base) <= {task.key for task in tasks}:
        raise ValueError(f"scoring={scoring!r} has several metrics of a task; expected one.")
    # What was predicted is not sent elsewhere.
    labels = [replace(task, column=task.column._replace(decide=None)) for task in tasks]
    after = Parallel(n_jobs=n_jobs)(
        delayed(_scores)(estimator, X, targets, labels, scorer, orders, positions)
        for positions in columns.values()
    )
    scores = np.array([[[one[key] for key in base] for one in repeats] for repeats in after])
    before = np.array(list(base.values()))
    repeats = before - scores.swapaxes(0, 1)
    scored = [task for task in tasks if task.key in base]
    mean, interval = interval_of_mean(repeats, confidence)
    return TaskImportance(
        task_names=[task.name for task in scored],
        feature_names=list(columns),
        importance=mean,
        interval=interval,
        repeats=repeats,
        score=before,
        n_labels=np.array([int((task.weight > 0).sum()) for task in scored]),
        confidence=confidence,
    )


def _scores(estimator, X, targets, tasks, scorer, orders, positions):
    """Scores of the tasks, by key, for each order of the rows of these columns."""
    found = []
    for order in orders:
        final, inner = unwrap(estimator, permuted(X, positions, order))
        with known_labels():
            found.append(scorer._scores_of(final, rescored(final, inner, targets, tasks)))
    return found


def _labelled(estimator, X, y, sample_weight):
    """X of the rows that have a label, their `Targets`, and a `ScoredTask` for each task."""
    X = as_table(X)
    X = X.tocsr() if sparse.issparse(X) else X
    if len(X.shape) != 2:
        raise ValueError(f"X has shape {X.shape}; expected a table, whose columns are permuted.")
    final, inner = unwrap(estimator, X)
    targets, tasks = read_scored_targets(final, inner, y, sample_weight)
    has_label = targets.row_is_observed
    if not has_label.any():
        raise ValueError("y has no label to score: every one is missing or has weight zero.")
    if has_label.all():
        return X, targets, tasks
    y = with_events_folded(y, final.tasks, is_long=targets.tasks.is_long)
    rows, weights = np.flatnonzero(has_label), weights_as_array(sample_weight, y)
    X, y = some_rows(X, rows), some_rows(indexable(y), rows)
    weights = None if weights is None else weights[rows]
    return X, *read_scored_targets(final, unwrap(estimator, X)[1], y, weights)


def _task_column(X, targets):
    """Long form: position in X of the column that names the tasks of the rows; None for none.

    Found by what it holds: steps before the estimator may have moved or renamed it.
    """
    if targets.task_index is None:
        return None
    columns: Any = named_columns(X) if not sparse.issparse(X) else _dense_columns(X.tocsc())
    known = targets.task_index >= 0
    for j, (_, column) in enumerate(columns):
        try:
            labels = read_task_column(column).labels
        except ValueError:
            # Of no type that could name a task.
            continue
        found = match(targets.tasks.names, labels[known])
        if np.array_equal(found, targets.task_index[known]):
            return j
    return None


def _dense_columns(X):
    """Position and values of every column, one after the other."""
    for j in range(X.shape[1]):
        yield j, X[:, [j]].toarray()[:, 0]


def _orders(targets, n_repeats, seed):
    """Orders of rows, one after the other as scikit-learn has them; long form: within tasks."""
    n_rows = len(targets.weights)
    index = np.zeros(n_rows, dtype=int) if targets.task_index is None else targets.task_index
    orders = np.empty((n_repeats, n_rows), dtype=np.intp)
    for task in np.unique(index):
        rows = np.flatnonzero(index == task)
        random, shuffled, order = np.random.RandomState(seed), np.arange(len(rows)), rows
        for repeat in range(n_repeats):
            random.shuffle(shuffled)
            order = order[shuffled]
            orders[repeat, rows] = order
    return orders


def interval_of_mean(repeats, confidence):
    """Mean of the repeats that are known, and Student's interval of it; NaN of a single one."""
    known = ~np.isnan(repeats)
    n_known = known.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, repeats, 0.0).sum(axis=0) / n_known
        squares = np.where(known, (repeats - mean) ** 2, 0.0).sum(axis=0) / (n_known - 1)
        error = np.sqrt(np.where(n_known > 1, squares, np.nan) / n_known)
    half = stats.t.ppf((1 + confidence) / 2, np.maximum(n_known - 1, 1)) * error
    return mean, np.stack([mean - half, mean + half], axis=-1)
