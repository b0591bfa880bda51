"""Errors of elastic nets on held-out rows, for every l1_ratio, alpha and fold."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from skmtl._threads import divided_by
from skmtl.linear.cross_validation._elastic_net_path import ElasticNetProblem, path_margin
from skmtl.linear.cross_validation._fold_scores import scores_from_statistics
from skmtl.linear.cross_validation._fold_statistics import (
    Folds,
    fold_statistics,
    folds_fit,
)
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.objective._merged_statistics import MergedStatistics
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.penalties import ElasticNet
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


def elastic_net_errors(
    X: Any,
    targets: Targets,
    folds: Folds,
    alphas: Array,
    l1_ratios: Array,
    options: FitOptions,
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
) -> Array:
    """Mean squared errors (n_l1_ratio, n_alphas, n_folds), for which each task counts the same.

    ``alphas`` are (n_l1_ratio, n_alphas). NaN for a fold that lacks labels to learn from or to
    compare with.
    """
    jobs: Iterator[Any]
    paths = alphas, l1_ratios, options
    if folds_fit(X, targets.weights, folds):
        statistics = fold_statistics(X, targets.values, targets.weights, folds)
        jobs = (delayed(_errors_from_statistics)(targets.tasks, *s, *paths) for s in statistics)
    else:
        jobs = (delayed(_errors_from_rows)(X, targets, *fold, *paths) for fold in folds)
    with divided_by(n_jobs):
        errors = Parallel(n_jobs=n_jobs, verbose=verbose, prefer="threads")(jobs)
    return np.stack(errors, axis=-1)


def elastic_net_model(l1_ratio: float, options: FitOptions) -> PathModel:
    """What is fitted along a path, as `MultiTaskLinear` states it."""
    # There a tolerance is a share of half of the sum of squares.
    options = replace(options, tol=2.0 * options.tol, margin=path_margin(options.tol))
    return PathModel(ElasticNet(l1_ratio), options)


def _errors_from_statistics(
    tasks: TaskSet,
    train: MergedStatistics,
    test: MergedStatistics,
    alphas: Array,
    l1_ratios: Array,
    options: FitOptions,
) -> Array:
    """Mean squared errors (n_l1_ratio, n_alphas) on the held-out rows of a fold."""
    errors = np.empty(alphas.shape)
    for ratio, (l1_ratio, path) in enumerate(zip(l1_ratios.tolist(), alphas, strict=True)):
        of_path = partial(PathProblem.of_statistics, elastic_net_model(l1_ratio, options))
        scores = scores_from_statistics(of_path, tasks, train, test, path, "neg_mean_squared_error")
        errors[ratio] = scores.mse
    return errors


def _errors_from_rows(
    X: Any,
    targets: Targets,
    train: Array,
    test: Array,
    alphas: Array,
    l1_ratios: Array,
    options: FitOptions,
) -> Array:
    """The same without statistics."""
    errors = np.full(alphas.shape, np.nan)
    known, held_out = targets.take(train), targets.take(test)
    tasks = (known.weights > 0).any(axis=0) & (held_out.weights > 0).any(axis=0)
    if not tasks.any():
        return errors
    problem = ElasticNetProblem(X[train], known, options)
    values, weights = held_out.values[:, tasks], held_out.weights[:, tasks]
    X_test, shares = X[test], weights / (weights.sum(axis=0) * tasks.sum())
    for ratio, (l1_ratio, path) in enumerate(zip(l1_ratios, alphas, strict=True)):
        for k, fitted in enumerate(problem.path(path, l1_ratio)):
            residuals = X_test @ fitted.W[:, tasks] + fitted.b[tasks] - values
            errors[ratio, k] = np.vdot(shares, residuals**2)
    return errors
