"""Affinities from predictions for rows that were not learned from."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from skmtl._correlation import FEWEST_ROWS, correlation
from skmtl.inspection._clones import clone_for
from skmtl.inspection._cross_validate import deviance, evaluate_folds, read_splits
from skmtl.inspection._gain_estimate import estimate_gain, fold_losses, merged


def pair_gains(estimator, data, cv, groups, n_jobs):
    """Entry (i, j): gain of task j from being learned with task i; 0 on the diagonal."""
    members = np.flatnonzero(data.can_learn()).tolist()
    pairs = list(combinations(members, 2))
    learners = _learners(estimator, data, [*([t] for t in members), *pairs])
    splits = read_splits(cv, data, groups)
    evaluated = evaluate_folds(data, learners, splits, deviance, n_jobs)
    alone = [merged(of_fold[: len(members)]) for of_fold in evaluated]
    gains = np.full((data.n_tasks, data.n_tasks), np.nan)
    gains[members, members] = 0.0
    for k, (i, j) in enumerate(pairs, start=len(members)):
        together = [of_fold[k] for of_fold in evaluated]
        gain, _ = estimate_gain(*fold_losses(data, splits, together, alone))
        gains[j, i], gains[i, j] = gain[i], gain[j]
    return gains


def residual_correlations(estimator, data, cv, groups, n_jobs):
    """Correlations (n_tasks, n_tasks) of what is left when each task is learned alone."""
    if data.is_long:
        raise ValueError(
            "method='residual_correlation' compares tasks in rows that have labels of both, which "
            "long form has not; give y with a column per task, or take another method."
        )
    members = np.flatnonzero(data.can_learn()).tolist()
    splits = read_splits(cv, data, groups)
    learners = _learners(estimator, data, [[t] for t in members])
    evaluated = evaluate_folds(data, learners, splits, residual, n_jobs)
    folds = [merged(of_fold) for of_fold in evaluated]
    blocks = [_mean_residuals(data, t, splits, folds) for t in range(data.n_tasks)]
    weights = np.zeros((data.n_rows, data.n_tasks))
    for t, rows in enumerate(data.rows):
        weights[rows, t] = data.weights[t]
    found = np.full((data.n_tasks, data.n_tasks), np.nan)
    for i, A in enumerate(blocks):
        for j, B in enumerate(blocks[: i + 1]):
            both = ~np.isnan(A[:, 0]) & ~np.isnan(B[:, 0])
            if both.sum() >= FEWEST_ROWS:
                weight = np.sqrt(weights[both, i] * weights[both, j])
                found[i, j] = found[j, i] = correlation(A[both], B[both], weight)
    return found


def residual(task, expected, values):
    """What is left to explain: (n, n_columns)."""
    return task.residual(expected, values)


def _mean_residuals(data, t, splits, folds):
    """Residuals (n_samples, n_columns) of a task; NaN where there is none."""
    # A fold that lacks one of several classes has no column for it.
    n_columns = max((found[t].shape[1] for found in folds if t in found), default=1)
    sums, counts = np.zeros((data.n_rows, n_columns)), np.zeros((data.n_rows, 1))
    for (_, test), found in zip(splits, folds, strict=True):
        if t in found and found[t].shape[1] == n_columns:
            rows = data.rows[t][data.labelled_in(test, t)]
            sums[rows] += found[t]
            counts[rows] += 1
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _learners(estimator, data, groups):
    return [(clone_for(estimator, data, members), members) for members in groups]
