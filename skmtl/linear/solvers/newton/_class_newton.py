r"""Newton's method on small problems with classes: tasks by themselves, a ridge, few labels.

.. math:: \min_\Theta \sum_i c_i \Bigl(\log \sum_k e^{\theta_k'z_i} - \theta_{y_i}'z_i\Bigr)
          + \tfrac12 \sum_{jk} \rho_j \theta_{kj}^2

with the features z, less their offset, and 1 for the intercept, which :math:`\rho` leaves free.
`_newton` goes on from where this ends, and certifies it: the same steps, which take several times
as long there, as they are those of any loss and any quadratic penalty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import lapack

from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Stopping
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._loss_codes import SOFTMAX

Array = NDArray[Any]

MAX_PRODUCTS = 2**20
"""Labels times squares of unknowns of a task up to which this is faster: measured from 100 to
20,000 labels of 3 to 10 classes."""

HALVINGS, SUFFICIENT = 30, 1e-4
"""How often a step is halved at most, and part of its slope that it has to bring."""


def class_newton(problem: Problem, start: Start, stopping: Stopping) -> tuple[Start, int]:
    """Where steps lead that need no certificate, and their number; the start where not taken."""
    if not is_small(problem):
        return start, 0
    loss, p = problem.loss, problem.shape[0]
    assert isinstance(loss, DataLoss)
    X = loss.design.X - loss.design.offset
    ridge = np.full(p + (problem.intercept is not None), problem.parts[0].Q.on_mean)
    ridge[p:] = 0.0
    Z = np.vstack([X.T, np.ones((len(ridge) - p, len(X)))])
    theta, n_iter = np.vstack([start.W, np.atleast_2d(start.b)])[: len(ridge)].T.copy(), 0
    max_gap = stopping.max_gap / problem.n_tasks
    for block in loss.blocks:
        columns = np.arange(len(theta))[block.outputs].reshape(block.values.shape[1], -1)
        for own, y, c in zip(columns, block.values.T, block.label_weights.T, strict=True):
            labels = np.arange(len(own))[:, None] == y
            theta[own], n = _steps(Z, labels, c, ridge, theta[own], max_gap, stopping.max_iter)
            n_iter = max(n, n_iter)
    b = theta[:, p] if problem.intercept is not None else start.b
    return Start(theta[:, :p].T.copy(), b), n_iter


def is_small(problem: Problem) -> bool:
    """Whether all tasks have classes, and nothing to do with each other, and labels are few."""
    loss, (p, _) = problem.loss, problem.shape
    assert isinstance(loss, DataLoss)
    codes = [block.task.compiled_loss for block in loss.blocks]
    most = max(block.task.n_outputs_ for block in loss.blocks)
    return (
        loss.task_index is None
        and not isinstance(loss.design.X, StoredRows)
        and all(code is not None and code[0] == SOFTMAX for code in codes)
        and not sparse.issparse(loss.design.X)
        and loss.n_samples * (most * (p + 1)) ** 2 <= MAX_PRODUCTS
        and problem.parts[0].Q.is_ridge
        and problem.parts[0].Q.on_mean > 0.0
        and not (problem.intercept and problem.intercept.alpha)
    )


def _steps(
    Z: Array, labels: Array, c: Array, ridge: Array, theta: Array, max_gap: float, max_iter: int
) -> tuple[Array, int]:
    """Steps from theta (K, q), for features Z (q, n), until the gap is expected to be small."""
    value, slope, shares = _at(Z, labels, c, ridge, theta)
    for n_iter in range(max_iter):
        gradient = slope @ Z.T + ridge * theta
        free = ridge == 0.0
        size = float((gradient[:, ~free] ** 2).sum()) / (2.0 * ridge[0]) if len(ridge) > 1 else 0.0
        curvature = float(c.sum()) / len(theta)
        size += float((gradient[:, free] ** 2).sum()) / (2.0 * curvature or 1.0)
        if not max_gap < size < np.inf:
            return theta, n_iter
        step = _direction(Z, shares, c, ridge, gradient)
        along, length = float(np.vdot(gradient, step)), 1.0
        for _ in range(HALVINGS):
            found = theta + length * step
            new, slope, shares = _at(Z, labels, c, ridge, found)
            if new <= value + SUFFICIENT * length * along:
                break
            length *= 0.5
        else:
            return theta, n_iter
        theta, value = found, new
    return theta, max_iter


def _at(
    Z: Array, labels: Array, c: Array, ridge: Array, theta: Array
) -> tuple[float, Array, Array]:
    """The objective, the slopes of the loss at the labels, and the shares of the classes."""
    below = theta @ Z
    below -= below.max(axis=0)
    odds = np.exp(below)
    total = odds.sum(axis=0)
    shares = odds / total
    value = float(c @ (np.log(total) - below.sum(axis=0, where=labels)))
    return value + 0.5 * float(ridge @ (theta**2).sum(axis=0)), c * (shares - labels), shares


def _direction(Z: Array, shares: Array, c: Array, ridge: Array, gradient: Array) -> Array:
    """Newton's step (K, q). Classes' intercepts, all moved alike, change nothing."""
    (K, n), q = shares.shape, len(Z)
    weighted = shares[:, None] * (c * Z)
    H = -(weighted.reshape(-1, n) @ (shares[:, None] * Z).reshape(-1, n).T).reshape(K, q, K, q)
    of_classes = np.einsum("kjkl->kjl", H)
    of_classes += weighted @ Z.T
    np.einsum("kjkj->kj", H)[...] += ridge
    free = np.flatnonzero(ridge == 0.0)
    H[:, free, :, free] += c.sum() / K**2
    solved = lapack.dposv(H.reshape(K * q, -1), -gradient.ravel(), lower=1)[1]
    return np.asarray(solved).reshape(K, q)
