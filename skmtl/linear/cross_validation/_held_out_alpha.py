r"""One of a few alphas, for squared loss, by the labels of rows that are held out.

With the predictions :math:`\hat y^\alpha` of fits to the other folds, the one of least

.. math:: \sum_t \frac{\sum_i s_{ti} (y_{ti} - \hat y^\alpha_{ti})^2}
          {\sum_i s_{ti} (y_{ti} - \bar y_t)^2},

in long form of the sum of all labels over that of all. A task counts by what is explained of all
its held-out labels, not of those of each fold, that may hardly vary.

Which fold a row is in depends on what is in the row, not on its place: a row that is there twice is
in one fold, and the choice is that of the row with twice the weight, in any order of the rows.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning

from skmtl._indexing import batches
from skmtl.linear.cross_validation._fold_scores import errors_of
from skmtl.linear.cross_validation._fold_statistics import fold_statistics, folds_fit
from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.objective._design import make_design
from skmtl.linear.objective._options import FitOptions
from skmtl.linear.penalties import Penalty
from skmtl.model_selection._folds import N_SPLITS, SEED, Folds, rows_of_folds
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

ROUNDING = 1e-24
"""Share of the squares of constant labels that is left around their mean."""

FEWEST_ROWS = 2 * N_SPLITS
"""Rows that differ: with less, a fold has one or none, and the largest alpha is taken."""

ROWS_AT_ONCE = 1_000
"""Bounds the memory beside X."""


def held_out_alpha(
    X: Any,
    targets: Targets,
    label_weights: Array,
    penalty: Penalty,
    options: FitOptions,
    alphas: Array,
) -> float:
    """The alpha of least held-out error; of equal ones the first, and the largest where none tells.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        Features.
    targets : Targets
        Labels of tasks that all have some.
    label_weights : ndarray
        What each label counts.
    penalty : Penalty
        Penalty on these tasks.
    options : FitOptions
        How it is fitted, whatever ``alpha``.
    alphas : ndarray of shape (n_alphas,)
        To choose from, descending.
    """
    counted = replace(targets, weights=label_weights)
    position, row = np.unique(_keys(X, counted), return_inverse=True)
    if len(position) < FEWEST_ROWS:
        return float(alphas[0])
    fold = np.random.RandomState(SEED).permutation(len(position))[row] % N_SPLITS
    folds = rows_of_folds(fold, N_SPLITS)
    model = PathModel(penalty, replace(options, alpha=1.0), targets.sum_by_task(label_weights))
    with warnings.catch_warnings():
        # Of fits that are not taken.
        warnings.simplefilter("ignore", ConvergenceWarning)
        errors = np.sum([*_errors(model, X, counted, folds, alphas)], axis=0)
    if targets.tasks.is_long:
        return float(alphas[np.argmin(errors.sum(axis=1))])
    squares = _squares(counted)
    is_varied = squares > 0
    return float(alphas[np.argmin((errors[:, is_varied] / squares[is_varied]).sum(axis=1))])


def _squares(targets: Targets) -> Array:
    """Weighted squares of the labels of every task around their mean; 0 for rounding."""
    values, weights = targets.values, targets.weights
    means = (weights * values).sum(axis=0) / weights.sum(axis=0)
    squares = (weights * (values - means) ** 2).sum(axis=0)
    return np.where(squares > ROUNDING * (weights * values**2).sum(axis=0), squares, 0.0)


def _keys(X: Any, targets: Targets) -> Array:
    """A number for each row (n_samples,): its labels and a random combination of its features.

    Whatever the order of the tasks.
    """
    labels = np.where(targets.weights > 0, targets.values, 0.0)
    keys = labels.reshape(len(labels), -1).sum(axis=1)
    factors = np.random.RandomState(SEED).normal(size=X.shape[1])
    for rows in batches(len(labels), ROWS_AT_ONCE):
        features = X[rows].toarray() if sparse.issparse(X) else X[rows]
        # A product of matrices may round the same row otherwise in another place.
        keys[rows] += (features * factors).sum(axis=1)
    return keys


def _errors(
    model: PathModel, X: Any, targets: Targets, folds: Folds, alphas: Array
) -> Iterator[Array]:
    """Sums of squared errors (n_alphas, n_tasks) of the held-out labels of every fold.

    0 for tasks that are not in training.
    """
    tasks = targets.tasks
    if not tasks.is_long and folds_fit(X, targets.weights, folds):
        for learned, held_out in fold_statistics(X, targets.values, targets.weights, folds):
            kept, errors = np.flatnonzero(learned.n_labels), np.zeros((len(alphas), tasks.n_tasks))
            fits = PathProblem.of_statistics(model, learned, tasks).solutions(alphas)
            errors[:, kept] = errors_of(held_out.select(kept), fits, len(alphas))
            yield errors
        return
    for fold in folds:
        yield _errors_of_rows(model, X, targets, fold, alphas)


def _errors_of_rows(
    model: PathModel, X: Any, targets: Targets, fold: tuple[Array, Array], alphas: Array
) -> Array:
    """The same for one fold, from its rows."""
    train, test = fold
    learned, held_out = targets.take(train), targets.take(test)
    n_labels = learned.sum_by_task(learned.weights > 0).astype(np.intp)
    learned = replace(learned, tasks=replace(learned.tasks, n_labels=n_labels))
    problem = PathProblem.of_rows(model, X[train], learned)
    kept, n_tasks = n_labels > 0, len(n_labels)
    design, errors = make_design(X[test], held_out), []
    W, b = np.zeros((X.shape[1], n_tasks)), np.zeros(n_tasks)
    for fit in problem.solutions(alphas) if problem is not None else ():
        W[:, kept], b[kept] = fit.W, fit.b
        raw = design.forward(W, b).reshape(held_out.values.shape)
        squares = held_out.weights * (held_out.values - raw) ** 2
        errors.append(held_out.sum_by_task(squares) * kept)
    return np.array(errors)
