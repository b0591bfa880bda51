"""Problems of few columns and tasks by themselves, with little between Newton's steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Solution, Stopping
from skmtl.linear.solvers.newton._factors import FEW
from skmtl.linear.solvers.newton._hessian_choice import HessianChoice
from skmtl.linear.solvers.newton._quadratic_penalty import QuadraticPenalty
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._loss_codes import LOGISTIC, POISSON, SQUARED

Array = NDArray[Any]

BENDING = (SQUARED, LOGISTIC, POISSON)
"""Losses that bend everywhere: from any point Newton's method leads on."""

MAX_FEATURES = 127
"""Features up to which these steps are faster. Measured from 60 to 200,000 rows, for up to 400
tasks."""

AT_ONCE = 2**20
"""Raw scores, and numbers of Hessians, of tasks that take their steps at a time."""

FEW_NUMBERS = 2**17
"""Numbers of X up to which few tasks are taken one by one. Measured: 5 to 120 features."""

MAX_NUMBERS = 2**22
"""Numbers in sparse X up to which it is written out."""


def label_newton(problem: Problem, start: Start, stopping: Stopping) -> Solution | None:
    """The solution, certified; None where this is not the way to it."""
    loss = problem.loss
    assert isinstance(loss, DataLoss)
    codes = [code for block in loss.blocks if (code := block.task.compiled_loss)]
    bend = [code[0] in BENDING for code in codes]
    if not fits(problem, loss) or len(codes) < len(loss.blocks) or not all(bend):
        return None
    try:
        from skmtl.linear.solvers.newton._label_rows import LabelRows
        from skmtl.linear.solvers.newton._label_steps import LabelSteps
    except ImportError:  # numba: slower without, that is all.
        return None
    X, penalty, n_tasks = loss.design.X, QuadraticPenalty(problem), problem.shape[1]
    X = np.require(X.toarray() if sparse.issparse(X) else X, requirements=["C", "W"])
    theta, gap, n_iter = np.empty((n_tasks, len(penalty.own))), 0.0, 1
    theta[:, : X.shape[1]] = start.W.T
    if problem.intercept:
        theta[:, -1] = start.b
    all_rows = LabelRows.of(X, loss, penalty.own)
    if X.size <= FEW_NUMBERS and n_tasks <= FEW:
        return _one_by_one(all_rows, theta, stopping)
    n_at_once = max(AT_ONCE // max(len(X), theta.shape[1] ** 2), 1)
    for first in range(0, n_tasks, n_at_once):
        some = slice(first, first + n_at_once)
        rows = all_rows.of_tasks(some)
        steps = LabelSteps(rows, HessianChoice(loss, (X.shape[1], len(rows.y)), penalty))
        # A loss may overflow on a step that is too long; the search then shortens it.
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            found = steps.run(theta[some], stopping.max_gap / n_tasks, stopping.max_iter)
        if found is None:
            return None
        theta[some], gap, n_iter = found[0], gap + found[1], max(n_iter, found[2])
    return Solution(theta.T.ravel(), gap, n_iter)


def _one_by_one(rows: Any, theta: Array, stopping: Stopping) -> Solution | None:
    """Tasks with little data, one after another; ``theta`` is written over."""
    from skmtl.linear.solvers.newton._task_newton import TaskNewton

    total, n_iter, max_gap = 0.0, 1, stopping.max_gap / len(theta)
    for t, of_task in enumerate(theta):
        found = TaskNewton(rows.of_tasks(slice(t, t + 1))).run(of_task, max_gap, stopping.max_iter)
        if found is None:
            return None
        total, n_iter = total + found[0], max(n_iter, found[1])
    return Solution(theta.T.ravel(), total, n_iter)


def fits(problem: Problem, loss: DataLoss) -> bool:
    """Whether columns are few, and tasks have nothing to do with each other."""
    n, p = loss.design.X.shape
    return (
        loss.task_index is None
        and not isinstance(loss.design.X, StoredRows)
        and p <= MAX_FEATURES
        and (n * p <= MAX_NUMBERS or not sparse.issparse(loss.design.X))
        and problem.parts[0].Q.is_ridge
        and problem.parts[0].Q.on_mean > 0.0
        and not (problem.intercept and problem.intercept.alpha)
    )
