"""Fits to some of the tasks, and what they make of rows they have not seen."""

from __future__ import annotations

from copy import copy
from itertools import chain

import numpy as np
from joblib import effective_n_jobs
from sklearn.base import clone
from sklearn.utils.parallel import Parallel, delayed

from skmtl._innermost import innermost, unwrap
from skmtl._warnings import known_labels, name_tasks
from skmtl.compose._weights import fit_weighted
from skmtl.inspection._best_constants import BestConstants
from skmtl.model_selection._folds import (
    N_SPLITS,
    check_rows,
    even_folds,
    is_number,
    read_folds,
    rows_of_folds,
)
from skmtl.model_selection._groups import warn_of_few_labels
from skmtl.model_selection._held_out import warn_of_little, way_out
from skmtl.model_selection._side_by_side import is_network
from skmtl.tasks._classes import UNSEEN
from skmtl.tasks._some_tasks import settings_of_fold

# A second shuffle of the folds narrows the interval of a gain by a third; more add little.
ORDERS = 2


def fit(estimator, X, y, sample_weight=None):
    """Fit in place; weights go to the step of a pipeline that takes them."""
    return fit_weighted(estimator, X, y, sample_weight, "y")


def fit_members(estimator, data, members, rows=None):
    """A fit to some of the tasks and rows; an error says to which tasks."""
    try:
        with known_labels():
            return fit(
                without_absent(clone(estimator), data, members, rows), *data.take(rows, members)
            )
    except Exception as error:
        raise _noted(error, data, members)  # noqa: B904, it is the same error


def fit_jobs(data, jobs):
    """`fit_members` of each (estimator, members, rows); networks of one shape train at once."""
    if not all(is_network(estimator) for estimator, *_ in jobs):
        return [fit_members(estimator, data, *job) for estimator, *job in jobs]
    # Here, as torch is loaded with it.
    from skmtl.neural.training._side_by_side import MOST, fit_all

    rows_together = MOST // (8 * max(1, int(np.prod(np.shape(data.X)[1:]))))
    size, fits = max(1, rows_together // data.n_rows), []
    for some in (jobs[k : k + size] for k in range(0, len(jobs), size)):
        with known_labels():
            found = fit_all(
                [
                    ([without_absent(clone(job[0]), data, *job[1:])], *data.take(*job[:0:-1]))
                    for job in some
                ]
            )
        for [fitted], (_, members, _) in zip(found, some, strict=True):
            if isinstance(fitted, Exception):
                raise _noted(fitted, data, members)
            fits.append(fitted)
    return fits


def _noted(error, data, members):
    """The error of a fit, with the tasks that it was to."""
    if len(members) < data.n_tasks:
        names = name_tasks([data.names[t] for t in members])
        error.add_note(
            f"Raised where {names} should be learned without the others. Where the estimator "
            "cannot do that, transfer_gain takes a baseline."
        )
    return error


def in_batches(estimators, n_jobs):
    """Positions of estimators that are fitted by one process at once: networks, side by side."""
    networks = [k for k, estimator in enumerate(estimators) if is_network(estimator)]
    n_batches = min(effective_n_jobs(n_jobs), len(networks))
    batches = [networks[k::n_batches] for k in range(n_batches)]
    return batches + [[k] for k in range(len(estimators)) if k not in set(networks)]


def without_absent(estimator, data, members, rows):
    """The estimator without what it is told of tasks that have none of these rows (long form)."""
    if data.is_long and rows is not None:
        found = np.intersect1d(data.index[rows], members)
        _, final = innermost(estimator)
        names = data.names_of(members), data.names_of(found)
        final.set_params(**settings_of_fold(final, *names))
    return estimator


def read_splits(cv, data, groups=None):
    """Training and test rows of every fold."""
    if not is_number(cv):
        splits = read_folds(cv, data.X, data.y, groups, strata=data.strata)
        n_evaluated, n_all = _count_evaluated(data, splits)
        if not n_evaluated:
            raise nothing_evaluated(data)
        warn_of_little(n_evaluated, n_all, data.index, data.task_feature)
        return splits
    n_splits, strata = N_SPLITS if cv is None else int(cv), data.strata()
    check_rows(data.n_rows, n_splits)
    warn_of_few_labels(strata, n_splits)
    orders = [
        even_folds(strata, n_splits, np.random.RandomState(seed), groups) for seed in range(ORDERS)
    ]
    return [split for fold in orders for split in rows_of_folds(fold, n_splits)]


def nothing_evaluated(data):
    """The error where no fold can say anything."""
    return ValueError(
        "No fold evaluates a task: that takes labels of it (of two classes, for a task with "
        "classes) in the training rows, and a label in the test rows."
        f"{way_out(data.index, data.task_feature)}"
    )


def _count_evaluated(data, splits):
    """Held-out labels of tasks that the training rows teach, and all held-out labels."""
    n_evaluated = n_all = 0
    for train, test in splits:
        held_out = np.array([len(data.labelled_in(test, t)) for t in range(data.n_tasks)])
        n_evaluated += int(held_out[data.can_learn(train)].sum())
        n_all += int(held_out.sum())
    return n_evaluated, n_all


def evaluate_folds(data, learners, splits, measure, n_jobs=None):
    """What learners make of the test labels of every fold.

    Parameters
    ----------
    data : TaskData
        The data.
    learners : list of (estimator, members)
        What is cloned, and the positions of the tasks that it learns.
    splits : list of (train, test)
        Rows of every fold.
    measure : callable
        ``measure(task, expected, values)`` has an entry, or a line, a label.
    n_jobs : int, default=None
        Number of fits at the same time.

    Returns
    -------
    evaluated : list of list of dict
        For each fold and learner the measured labels of each task, in the order of
        ``data.labelled_in(test, task)``. A task that the training rows teach nothing, or that
        has no test label, is not there.
    """
    jobs = []
    for train, test in splits:
        places = {t: data.labelled_in(test, t) for t in np.flatnonzero(data.can_learn(train))}
        places = {t: of_task for t, of_task in places.items() if len(of_task)}
        for estimator, members in learners:
            asked = {t: places[t] for t in members if t in places}
            jobs.append((estimator, members, train, asked))
    asking = [k for k, job in enumerate(jobs) if job[-1]]
    batches = in_batches([jobs[k][0] for k in asking], n_jobs)
    batches = [[asking[k] for k in batch] for batch in batches]
    found = Parallel(n_jobs=n_jobs)(
        delayed(_evaluate)(data, measure, [jobs[k] for k in batch]) for batch in batches
    )
    of_jobs = dict(zip(chain(*batches), chain(*found), strict=True))
    of_learners = iter([of_jobs.get(k, {}) for k in range(len(jobs))])
    return [[next(of_learners) for _ in learners] for _ in splits]


def evaluate_constants(data, splits, measure):
    """For each fold a dict as in `evaluate_folds`, of the best constant of the training labels."""
    without_X, nothing = copy(data), np.zeros((data.n_rows, 1))
    without_X.X = np.column_stack([data.index, nothing]) if data.is_long else nothing
    types = [clone(task) for task in data.column_types]
    constant = BestConstants(
        types[0] if data.is_long else types, task_feature=0 if data.is_long else None
    )
    learners = [(constant, np.arange(data.n_tasks))]
    return [evaluated for (evaluated,) in evaluate_folds(without_X, learners, splits, measure)]


def _evaluate(data, measure, jobs):
    """Fit to the training rows of each job, and measure the labels that it is asked for."""
    fits = fit_jobs(data, [job[:3] for job in jobs])
    return [
        _evaluate_fit(data, measure, fitted, members, asked)
        for fitted, (_, members, _, asked) in zip(fits, jobs, strict=True)
    ]


def _evaluate_fit(data, measure, fitted, members, asked):
    """Measure the labels at the positions ``asked`` of each task."""
    rows_of = {t: data.rows[t][places] for t, places in asked.items()}
    rows = np.unique(np.concatenate(list(rows_of.values())))
    final, X = unwrap(fitted, data.take(rows)[0])
    _, y, weight = data.take(rows, members)
    _, columns = final._scored_targets(X, y, weight, unseen="miss")
    found = {}
    for t, of_task in rows_of.items():
        task, expected, values, *_ = columns[0 if data.is_long else list(members).index(t)]
        at = np.searchsorted(rows, of_task)
        found[t] = _measure(measure, task, expected[at], values[at])
    return found


def _measure(measure, task, expected, values):
    """What is measured, NaN for labels of a class that is unknown to the model."""
    measured = measure(task, expected, values)
    if task.is_classification:
        measured[values == UNSEEN] = np.nan
    return measured


def deviance(task, expected, values):
    """The loss of a label that `score` is a share of."""
    return task.deviance(expected, values)
