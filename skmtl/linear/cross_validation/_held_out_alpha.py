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
from functools import partial
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
from skmtl.linear.objective._statistics import gram_bytes
from skmtl.linear.penalties import Penalty
from skmtl.linear.solvers import Case
from skmtl.linear.solvers._admm import ADMM
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.model_selection._folds import N_SPLITS, SEED, Folds, rows_of_folds
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

ROUNDING = 1e-24
"""Share of the squares of constant labels that is left around their mean."""

TIE = 0.01
"""Errors that differ by no larger a share are the same: the larger alpha has less to go wrong
(measured: benchmarks/accuracy, rf1 33.0 -> 30.6, parkinsons 92.7 -> 93.1, others as before)."""

FEWEST_ROWS = 2 * N_SPLITS
"""Rows that differ: with less, a fold has one or none, and the largest alpha is taken."""

SWEEPS = 100
"""Iterations after which a path is left to `ADMM`. Where features are nearly collinear, as in
spectra, descent takes thousands, and the errors of what it has by then are alike for all small
alphas (measured: benchmarks/accuracy, meats 28.6 -> 23.4, all others as before)."""

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
    """The alpha of least held-out error; of about equal ones, or where none tells, the largest.

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
    if not targets.tasks.is_long:
        squares = _squares(counted)
        errors = errors[:, squares > 0] / squares[squares > 0]
    totals = errors.sum(axis=1)
    return float(alphas[np.argmax(totals <= (1.0 + TIE) * totals.min())])


def _squares(targets: Targets) -> Array:
    """Weighted squares of the labels of every task around their mean; 0 for rounding."""
    values, weights = targets.values, targets.weights
    means = (weights * values).sum(axis=0) / weights.sum(axis=0)
    squares = (weights * (values - means) ** 2).sum(axis=0)
    return np.where(squares > ROUNDING * (weights * values**2).sum(axis=0), squares, 0.0)


def _keys(X: Any, targets: Targets) -> Array:
    """A number for each row (n_samples,): its labels and a random combination of its features.

    Whatever the order of the tasks, the units, and the means of the features, of each task in long
    form.
    """
    n_samples, n_features = X.shape
    weights = targets.weights.reshape(n_samples, -1)
    keys = _in_units(targets.values.reshape(n_samples, -1), weights).sum(axis=1)
    w, task = weights.sum(axis=1), targets.task_index
    task = np.zeros(n_samples, dtype=np.intp) if task is None else task
    of_tasks = sparse.csr_array((w, (task, np.arange(n_samples))))
    if isinstance(X, StoredRows):
        of_tasks = of_tasks.tocsc()
        means = X.total(_sums_by_task, lambda rows: (of_tasks[:, rows],))
    else:
        means = of_tasks @ X
    means = means / np.bincount(task, w)[:, None]
    means = means.toarray() if sparse.issparse(means) else means
    spread, size = np.zeros((2, n_features))
    for _, (of_batch, size_of_batch) in _each_batch(
        X, partial(_spread_and_size, means), lambda rows: (task[rows], w[rows])
    ):
        spread += of_batch
        size += size_of_batch
    factors = np.random.RandomState(SEED).normal(size=n_features)
    varied = spread > ROUNDING * size
    factors = np.divide(factors, np.sqrt(spread), out=np.zeros(n_features), where=varied)
    factors *= np.sqrt(w.sum())
    for rows, found in _each_batch(X, partial(_combined, means, factors), lambda r: (task[r],)):
        keys[rows] += found
    return keys


def _each_batch(X: Any, function: Any, parts: Any) -> Iterator[tuple[slice, Any]]:
    """What a function says of rows in order, some at a time, and of what goes along with them."""
    if isinstance(X, StoredRows):
        return X.each(function, parts)
    return ((rows, function(X[rows], *parts(rows))) for rows in batches(X.shape[0], ROWS_AT_ONCE))


def _sums_by_task(X: Array, of_tasks: Any) -> Array:
    found: Array = of_tasks @ X
    return found


def _apart(means: Array, X: Any, task: Array) -> tuple[Array, Array]:
    """Features, and what they are about the mean of their task."""
    X = X.toarray() if sparse.issparse(X) else X
    return X, X - means[task]


def _spread_and_size(means: Array, X: Any, task: Array, w: Array) -> tuple[Array, Array]:
    X, apart = _apart(means, X, task)
    return w @ apart**2, w @ X**2


def _combined(means: Array, factors: Array, X: Any, task: Array) -> Array:
    """A combination of features about their means."""
    # A product of matrices may round the same row otherwise in another place.
    found: Array = (_apart(means, X, task)[1] * factors).sum(axis=1)
    return found


def _in_units(values: Array, weights: Array) -> Array:
    """Labels about the mean of their column, in units of its spread; 0 where unobserved."""
    total = weights.sum(axis=0)
    apart = values - (weights * values).sum(axis=0) / total
    squares = (weights * apart**2).sum(axis=0)
    varied = squares > ROUNDING * (weights * values**2).sum(axis=0)
    units = np.sqrt(np.divide(total, squares, out=np.zeros_like(total), where=varied))
    return np.where(weights > 0, apart * units, 0.0)


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
            fits = _fits(PathProblem.of_statistics(model, learned, tasks), alphas)
            errors[:, kept] = errors_of(held_out.select(kept), fits, len(alphas))
            yield errors
        return
    for fold in folds:
        yield _errors_of_rows(model, X, targets, fold, alphas)


def _fits(problem: PathProblem, alphas: Array) -> list[LinearFit]:
    """Fits for all alphas, by splitting where descent takes long."""
    options = problem.options
    is_free = isinstance(options.solver, str) and options.solver == "auto"
    by_splitting = replace(options, solver=ADMM.name)
    case = Case(
        problem.targets.tasks,
        problem.parts(),
        problem.penalty,
        by_splitting,
        gram_bytes(*problem.data),
    )
    if not is_free or ADMM().lacks(case):
        return [*problem.solutions(alphas)]
    problem.options = replace(options, max_iter=min(options.max_iter, SWEEPS))
    fits = []
    for fitted in problem.solutions(alphas):
        if fitted.n_iter >= problem.options.max_iter:
            problem.options = by_splitting
            return [*problem.solutions(alphas)]
        fits.append(fitted)
    return fits


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
