"""Problems of few columns, task by task, by compiled Newton steps."""

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

BLOCK = 256
"""Labels of a block, at most."""

ROWS_PER_UNKNOWN = 20
"""Labels that stand for many more in a rough matrix; measured: from 10 to 40 hardly matters."""

MAX_FEATURES, MAX_NUMBERS = 127, 2**22
"""Features, and numbers in X, up to which compiled steps are faster than products of BLAS."""


def label_newton(problem: Problem, start: Start, stopping: Stopping) -> Solution | None:
    """The solution, certified; None where this is not the way to it."""
    loss = problem.loss
    assert isinstance(loss, DataLoss)
    codes = [code for block in loss.blocks if (code := block.task.compiled_loss)]
    bend = [code[0] in BENDING for code in codes]
    if not fits(problem, loss) or len(codes) < len(loss.blocks) or not all(bend):
        return None
    try:
        from skmtl.linear.solvers.compiled._label_newton import columns_of_labels, newton_steps
    except ImportError:  # numba: slower without, that is all.
        return None
    p, n_tasks = problem.shape
    q = p + (problem.intercept is not None)
    X = loss.design.X
    X = X.toarray() if sparse.issparse(X) else X
    Z, n_rows = _blocks(len(X), p, q)
    columns_of_labels(np.require(X, requirements=["C", "W"]), loss.design.offset, Z)
    ridge = np.full(Z.shape[1], problem.parts[0].Q.on_mean)
    ridge[p:q] = 0.0
    theta = np.zeros((n_tasks, len(ridge)))
    theta[:, :p] = start.W.T
    if q > p:
        theta[:, p] = start.b
    gap, n_iter = 0.0, 1
    max_gap = stopping.max_gap / n_tasks
    for block, code in zip(loss.blocks, codes, strict=True):
        labels = _padded(block.values, Z), _padded(block.label_weights, Z)
        for t, y, c in zip(np.arange(n_tasks)[block.outputs], *labels, strict=True):
            steps = n_rows, max_gap, stopping.max_iter
            left, n = newton_steps(Z, y, c, *code, ridge, theta[t], *steps)
            gap, n_iter = gap + left, max(n, n_iter)
            if gap == np.inf:
                return None
    return Solution(theta[:, :q].T.ravel(), gap, n_iter)


def _blocks(n: int, p: int, q: int) -> tuple[Array, int]:
    """Z of compiled steps without features, and the labels of a block that a rough matrix takes."""
    n_blocks = -(-n // BLOCK)
    m = -(-n // (8 * n_blocks)) * 8
    Z = np.empty((n_blocks, -(-q // 4) * 4, m))
    Z[:, p:q], Z[:, q:] = 1.0, 0.0
    Z[-1, :, n - (n_blocks - 1) * m :] = 0.0
    return Z, min(-(-ROWS_PER_UNKNOWN * q * m // n), m)


def _padded(labels: Array, Z: Array) -> Array:
    """Labels (n, n_tasks) as (n_tasks, n_blocks, m), 0 at the end."""
    n, n_tasks = labels.shape
    padded = np.zeros((n_tasks, len(Z) * Z.shape[2]))
    padded[:, :n] = labels.T
    return padded.reshape(n_tasks, len(Z), -1)


def fits(problem: Problem, loss: DataLoss) -> bool:
    """Whether columns are few, and tasks have nothing to do with each other."""
    n, p = loss.design.X.shape
    return (
        loss.task_index is None
        and p <= MAX_FEATURES
        and n * p <= MAX_NUMBERS
        and problem.parts[0].Q.is_ridge
        and problem.parts[0].Q.on_mean > 0.0
        and not (problem.intercept and problem.intercept.alpha)
    )
