"""Cosines of the tasks' coefficients."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import mean_variance_axis
from sklearn.utils.validation import check_is_fitted

from skmtl._correlation import cosine
from skmtl._innermost import final_estimator, innermost, unwrap
from skmtl._sparse import without_duplicates
from skmtl.inspection._clones import clone_for
from skmtl.inspection._cross_validate import fit_members
from skmtl.tasks._features import split_task_feature


def fitted_cosines(estimator):
    """Names of the tasks of a fitted estimator, and cosines of its coefficients."""
    final = final_estimator(estimator)
    innermost(final)  # raises where it knows no tasks
    check_is_fitted(final)
    coef, tasks = _coefficients(final), final._task_set
    widths = [task.n_outputs_ for task in tasks.tasks] * (tasks.n_tasks if tasks.is_long else 1)
    blocks = np.split(coef.T, np.cumsum(widths)[:-1], axis=1)
    return tasks.names.tolist(), cosines(blocks)


def coefficient_cosines(estimator, data):
    """Cosines (n_tasks, n_tasks) of coefficients that are learned task by task."""
    blocks, labelled = [None] * data.n_tasks, np.unique(np.concatenate(data.rows))
    for t in np.flatnonzero(data.can_learn()):
        fitted = fit_members(clone_for(estimator, data, [t]), data, [t])
        final, X = unwrap(fitted, data.take(labelled, [t])[0])
        blocks[t] = _coefficients(final).T * _standard_deviations(X, final)[:, None]
    return cosines(blocks)


def _coefficients(final):
    if not hasattr(final, "coef_"):
        raise TypeError(
            f"method='coef_cosine' compares coefficients, but {type(final).__name__} has no coef_; "
            "give a linear estimator such as MultiTaskLinear. Networks are compared by 'tag' or "
            "'grad_cosine', and all estimators by 'pairwise'."
        )
    return np.atleast_2d(final.coef_)


def _standard_deviations(X, final):
    """Standard deviation of every feature."""
    if getattr(final, "task_feature", None) is not None:
        X, _ = split_task_feature(X, final.task_feature)
    if sparse.issparse(X):
        rows = without_duplicates(X.tocsr()).astype(np.float64)
        return np.sqrt(mean_variance_axis(rows, axis=0)[1])
    return np.asarray(X, dtype=np.float64).std(axis=0)


def cosines(blocks):
    """Cosines of all pairs of matrices, one a task; NaN where one is None or zero."""
    n_tasks = len(blocks)
    found = np.full((n_tasks, n_tasks), np.nan)
    for i, A in enumerate(blocks):
        for j, B in enumerate(blocks[: i + 1]):
            if A is not None and B is not None:
                found[i, j] = found[j, i] = cosine(A, B)
    return found
