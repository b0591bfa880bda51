"""Fits to some of the tasks, and what they make of rows they have not seen."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.model_selection import check_cv
from sklearn.utils.parallel import Parallel, delayed

from skmtl._warnings import known_labels, name_tasks
from skmtl.compose._weights import fit_weighted
from skmtl.metrics._unwrap import unwrap
from skmtl.model_selection import MultiTaskKFold
from skmtl.tasks._classes import UNSEEN

# A second shuffle of the folds narrows the interval of a gain by a third; more add little.
ORDERS = 2


def fit(estimator, X, y, sample_weight=None):
    """Fit in place; weights go to the step of a pipeline that takes them."""
    return fit_weighted(estimator, X, y, sample_weight, "y")


def fit_members(estimator, data, members, rows=None):
    """A fit to some of the tasks and rows; an error says to which tasks."""
    try:
        with known_labels():
            return fit(clone(estimator), *data.take(rows, members))
    except Exception as error:
        if len(members) < data.n_tasks:
            names = name_tasks([data.names[t] for t in members])
            error.add_note(
                f"Raised where {names} should be learned without the others. Where the estimator "
                "cannot do that, transfer_gain takes a baseline."
            )
        raise


def read_splits(cv, data, groups=None):
    """Training and test rows of every fold."""
    if cv is not None and not isinstance(cv, int | np.integer):
        return list(check_cv(cv).split(data.X, data.y, groups))
    # Of a label only whether it is there, and its class: one of weight 0 is not there.
    y = np.full((data.n_rows, len(data.column_types)), np.nan)
    for t, (rows, codes) in enumerate(zip(data.rows, data.codes, strict=True)):
        y[rows, 0 if data.is_long else t] = codes
    options = {
        "n_splits": 5 if cv is None else cv,
        "tasks": [
            "multiclass" if task.is_classification else "regression" for task in data.column_types
        ],
    }
    X = y
    if data.is_long:
        X, y, options["task_feature"] = data.index[:, None], y[:, 0], 0
    orders = [MultiTaskKFold(shuffle=True, random_state=k, **options) for k in range(ORDERS)]
    return [split for splitter in orders for split in splitter.split(X, y, groups)]


def judge_folds(data, learners, splits, measure, n_jobs=None):
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
        ``measure(task, link, values)`` has an entry, or a line, a label.
    n_jobs : int, default=None
        Number of fits at the same time.

    Returns
    -------
    judged : list of list of dict
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
    judged = iter(Parallel(n_jobs=n_jobs)(delayed(_judge)(data, measure, *job) for job in jobs))
    return [[next(judged) for _ in learners] for _ in splits]


def _judge(data, measure, estimator, members, train, asked):
    """Fit to the training rows, and measure the labels at the positions ``asked`` of each task."""
    if not asked:
        return {}
    fitted = fit_members(estimator, data, members, train)
    rows_of = {t: data.rows[t][places] for t, places in asked.items()}
    rows = np.unique(np.concatenate(list(rows_of.values())))
    final, X = unwrap(fitted, data.take(rows)[0])
    _, y, weight = data.take(rows, members)
    _, columns = final._linked_targets(X, y, weight, unseen="miss")
    found = {}
    for t, of_task in rows_of.items():
        task, link, values, *_ = columns[0 if data.is_long else list(members).index(t)]
        at = np.searchsorted(rows, of_task)
        found[t] = _measure(measure, task, link[at], values[at])
    return found


def _measure(measure, task, link, values):
    """What is measured, NaN for labels of a class that is unknown to the model."""
    measured = measure(task, link, values)
    if task.is_classification:
        measured[values == UNSEEN] = np.nan
    return measured


def deviance(task, link, values):
    """The loss of a label that `score` is a share of."""
    return task.deviance(link, values)
