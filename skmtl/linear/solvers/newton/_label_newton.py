"""Problems of few columns and tasks by themselves, by compiled Newton steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Solution, Stopping
from skmtl.tasks._loss_codes import LOGISTIC, POISSON, SQUARED

Array = NDArray[Any]

BENDING = (SQUARED, LOGISTIC, POISSON)
"""Losses that bend everywhere: from any point Newton's method leads on."""

ROWS_PER_UNKNOWN = 20
"""Labels that stand for many more in a rough matrix; measured: from 10 to 40 hardly matters."""

MAX_FEATURES = 127
"""Features up to which compiled steps are faster. Measured from 60 to 200,000 rows, for up to 400
tasks."""

AT_ONCE = 2**20
"""Raw scores, and numbers of Hessians, of tasks that take their steps at a time."""

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
        from skmtl.linear.solvers.compiled._label_newton import (
            CHUNK,
            newton_steps,
            workspace,
        )
    except ImportError:  # numba: slower without, that is all.
        return None
    p, n_tasks = problem.shape
    X, offset = loss.design.X, loss.design.offset
    X = np.require(X.toarray() if sparse.issparse(X) else X, requirements=["C", "W"])
    ridge = np.full(4 * (p // 4 + 1), problem.parts[0].Q.on_mean)
    theta = np.zeros((n_tasks, len(ridge)))
    theta[:, :p] = start.W.T
    if problem.intercept:
        ridge[p], theta[:, p] = 0.0, start.b
    n_rows = min(-(-ROWS_PER_UNKNOWN * (p + 1) * CHUNK // len(X)), CHUNK)
    steps = n_rows, stopping.max_gap / n_tasks, stopping.max_iter
    gap, n_iter, labels = 0.0, 1, _labels(loss, codes, n_tasks)
    n_at_once = max(AT_ONCE // max(len(X), len(ridge) ** 2), 1)
    for first in range(0, n_tasks, n_at_once):
        some = slice(first, first + n_at_once)
        data = X, offset, *(np.ascontiguousarray(of_tasks[some]) for of_tasks in labels), ridge
        work = workspace(len(theta[some]), len(X), len(ridge))
        left, n = newton_steps(data, theta[some], work, *steps)
        gap, n_iter = gap + left, max(n, n_iter)
        if gap == np.inf:
            return None
    return Solution(theta[:, : p + (problem.intercept is not None)].T.ravel(), gap, n_iter)


def _labels(
    loss: DataLoss, codes: list[tuple[int, float]], n_tasks: int
) -> tuple[Array, Array, Array, Array]:
    """Labels and their weights (n_tasks, n), codes and parameters of losses (n_tasks,)."""
    y, c = np.empty((2, n_tasks, loss.n_samples))
    kinds, deltas = np.empty(n_tasks, dtype=np.intp), np.empty(n_tasks)
    for block, (code, delta) in zip(loss.blocks, codes, strict=True):
        y[block.outputs], c[block.outputs] = block.values.T, block.label_weights.T
        kinds[block.outputs], deltas[block.outputs] = code, delta
    return y, c, kinds, deltas


def fits(problem: Problem, loss: DataLoss) -> bool:
    """Whether columns are few, and tasks have nothing to do with each other."""
    n, p = loss.design.X.shape
    return (
        loss.task_index is None
        and p <= MAX_FEATURES
        and (n * p <= MAX_NUMBERS or not sparse.issparse(loss.design.X))
        and problem.parts[0].Q.is_ridge
        and problem.parts[0].Q.on_mean > 0.0
        and not (problem.intercept and problem.intercept.alpha)
    )
