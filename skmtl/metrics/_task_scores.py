"""The score of every task at once."""

from __future__ import annotations

from typing import Any

from skmtl._innermost import knows_tasks, unwrap
from skmtl.metrics._averages import with_summaries
from skmtl.metrics._scored_tasks import read_scored_tasks


def task_scores(
    estimator: Any, X: Any, y: Any, sample_weight: Any = None, *, metric: Any = None
) -> Any:
    """Score every task over its observed labels.

    The score of a task is what ``estimator.score`` averages: R2 for regression, explained
    Poisson deviance for counts, explained log loss for classes; accuracy for classifiers. In long
    form each task is compared with its own mean, where ``score`` takes the rows of all tasks for
    one variable, whose differences from task to task are easily explained: it is higher. The
    function is a scorer: pass it as ``scoring=task_scores`` to
    :func:`~sklearn.model_selection.cross_validate`, or to
    :class:`~sklearn.model_selection.GridSearchCV` with ``refit="mean"`` or ``refit="worst"``.

    Parameters
    ----------
    estimator : estimator
        Fitted estimator of this package; also as the last step of a
        :class:`~sklearn.pipeline.Pipeline`, or in a fitted search, whose best estimator is
        scored.
    X : {array-like, sparse matrix, DataFrame} of shape (n_samples, n_features)
        Features, with the task feature in long form.
    y : array-like or DataFrame of shape (n_samples, n_tasks) or (n_samples,)
        Labels; columns of a DataFrame are matched by name. A label whose class was not seen
        in `fit` counts as a miss: probability 0.
    sample_weight : array-like of shape (n_samples,) or (n_samples, n_tasks), default=None
        Weights of the labels: an array in the order of this ``y``, columns with names by name.
    metric : str, callable, dict, list or None, default=None
        Another metric, or one for each task: what :func:`make_multitask_scorer` takes. Tasks that
        it is not for are left out.

    Returns
    -------
    scores : dict of str to float
        Score of each task, NaN for one without labels in ``y``, and under "mean" and "worst" the
        mean and the lowest of those that have one. The key of a task is ``str(name)``, whole
        numbers without decimal point; where that is "mean" or "worst", or is the same for
        several tasks, ``repr(name)``. In long form each task is scored on its own rows, tasks
        unknown in `fit` included where the estimator predicts them.

    Raises
    ------
    TypeError
        If the estimator is none of this package, and there is no ``metric``.

    See Also
    --------
    make_multitask_scorer : Any metric of scikit-learn, task by task, in a search.
    skmtl.metrics.d2_score : The same scores of arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import IndependentTasks, task_scores
    >>> X = np.arange(6.0).reshape(-1, 1)
    >>> y = np.array([[0.0, 0], [1.5, 0], [np.nan, 0], [4.5, 1], [6.0, np.nan], [np.nan, 1]])
    >>> model = IndependentTasks().fit(X, y)
    >>> {task: round(score, 2) for task, score in task_scores(model, X, y).items()}
    {'mean': 0.8, 'worst': 0.62, '0': 0.99, '1': 0.62}
    >>> task_scores(model, X, y, metric="roc_auc")
    {'mean': 1.0, 'worst': 1.0, '1': 1.0}
    """
    if metric is not None:
        from skmtl.metrics._make_scorer import make_multitask_scorer

        return make_multitask_scorer(metric, average=None)(estimator, X, y, sample_weight)
    final, X = unwrap(estimator, X)
    if not knows_tasks(final):
        raise TypeError(
            f"task_scores needs an estimator of skmtl, got {type(final).__name__}; "
            "make_multitask_scorer scores others."
        )
    return with_summaries(own_scores(final, read_scored_tasks(final, X, y, sample_weight)))


def own_scores(estimator: Any, tasks: Any) -> dict[Any, Any]:
    """What ``estimator.score`` averages, by key of the `ScoredTask`."""
    return {task.key: estimator._task_score(*task.column) for task in tasks}
