"""Folds as further tasks of one problem: where no penalty looks across tasks, all are one fit.

Labels that a fold holds out have weight 0 in its tasks. What takes a step for each fold then takes
one step for all, which is most of the time where there are few rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.cross_validation._path import PathModel, PathProblem
from skmtl.linear.objective._penalty_part import parts_for
from skmtl.linear.objective._training_data import learnable, learnable_outputs
from skmtl.linear.solvers._linear_fit import LinearFit
from skmtl.linear.solvers._shapes import have_shapes
from skmtl.model_selection._folds import Folds
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

SMALL = 2**18
"""Raw scores of all folds up to which steps of several problems cost hardly more than of one."""

SOLVERS = ("auto", "newton")
"""Solvers that take a step of its own length for every task."""


def go_together(model: PathModel, X: Any, targets: Targets, folds: Folds) -> bool:
    """Whether the folds of all data ``X`` and ``targets`` are one problem, and small enough."""
    tasks, options, (n_samples, n_features) = targets.tasks, model.options, X.shape
    n_outputs = len(folds) * int(learnable_outputs(tasks).sum())
    if (
        not n_outputs
        or tasks.is_long
        or tasks.has_squared_loss
        or have_shapes(tasks.tasks)
        or options.center
        or (options.fit_intercept and options.intercept_alpha > 0)
        or not (isinstance(options.solver, str) and options.solver in SOLVERS)
        or max(n_samples, min(n_samples, n_features) ** 2) * n_outputs > SMALL
        # A row has one weight only.
        or any(len(np.unique(train)) < len(train) for train, _ in folds)
    ):
        return False
    penalty = model.penalty_of(np.arange(tasks.n_tasks), tasks.names.tolist())
    parts = parts_for(penalty, 1.0, n_features, tasks, positive=options.positive)
    part = parts[0]
    return len(parts) == 1 and part.is_quadratic and not part.over_tasks and part.Q.is_ridge


def solutions_together(
    model: PathModel, X: Any, folds: Sequence[tuple[Array, Targets]], alphas: Array
) -> Iterator[Sequence[LinearFit | None]]:
    """For each alpha the fits of all folds; None for one without anything to learn.

    Parameters
    ----------
    model : PathModel
        What is fitted.
    X : ndarray or sparse matrix
        Features of all rows.
    folds : list of (rows, targets)
        Training rows, and their labels.
    alphas : ndarray of shape (n_alphas,)
        Alphas.
    """
    labelled = [_labelled(model, X, *fold) for fold in folds]
    found = [of_fold for of_fold in labelled if of_fold is not None]
    if not found:
        yield from ([None] * len(folds) for _ in alphas)
        return
    sets = [targets.tasks for targets, _ in found]
    tasks = TaskSet(
        tuple(task for tasks in sets for task in tasks.tasks),
        np.concatenate([tasks.names for tasks in sets]),
        np.concatenate([tasks.n_labels for tasks in sets]),
    )
    values, weights = (
        np.hstack([getattr(targets, name) for targets, _ in found])
        for name in ("values", "weights")
    )
    penalty = model.penalty_of(np.arange(sets[0].n_tasks), sets[0].names.tolist())
    # The gap is the sum of those of the folds.
    options = replace(model.options, margin=model.options.margin / len(found))
    problem = PathProblem(
        X, Targets(tasks, values, weights), np.hstack([c for _, c in found]), penalty, options
    )
    sizes = [0 if of_fold is None else of_fold[0].tasks.n_outputs for of_fold in labelled]
    ends = np.cumsum(sizes).tolist()
    outputs = [slice(end - size, end) for size, end in zip(sizes, ends, strict=True)]
    for fit in problem.solutions(alphas):
        yield [
            LinearFit(fit.W[:, own], fit.b[own], None, fit.gap, fit.n_iter) if size else None
            for size, own in zip(sizes, outputs, strict=True)
        ]


def _labelled(
    model: PathModel, X: Any, rows: Array, targets: Targets
) -> tuple[Targets, Array] | None:
    """Labels of a fold that there is something to learn from, and their weights, in all rows."""
    if not learnable_outputs(targets.tasks).any():
        return None
    _, some, label_weights = learnable(X[rows], targets, model.task_weight)
    rows = rows[targets.row_is_observed]
    values, weights, counts = (
        _in_all_rows(part, rows, X.shape[0]) for part in (some.values, some.weights, label_weights)
    )
    return Targets(some.tasks, values, weights), counts


def _in_all_rows(some: Array, rows: Array, n_rows: int) -> Array:
    whole = np.zeros((n_rows, *some.shape[1:]))
    whole[rows] = some
    return whole
