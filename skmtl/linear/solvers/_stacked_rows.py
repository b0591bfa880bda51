r"""Squared loss with a quadratic penalty as least squares over rows, without Gram matrices.

.. math:: \tfrac12 \sum_t \|A_t \theta_t - y_t\|^2
          + \tfrac12 \|W R'\|_F^2 + \tfrac{\iota}{2} \|(I - J) b\|^2,
          \quad A_t = \sqrt{c_t} \, (X, 1), \quad R'R = Q

Singular values of the stack below rounding are left out, relative to the largest. Those of X
itself, not of X'X, so that columns that agree to ten digits still are told apart.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skmtl._indexing import batches
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._task_matrix import TaskMatrix
from skmtl.linear.solvers._normal_equations import warn_not_unique

Array = NDArray[Any]

MAX_UNKNOWN, MAX_WORK = 1000, 1e10
"""Coefficients of one system, and products to form it: some seconds each."""

AT_ONCE = 2**22
"""Numbers of X, 32 MB, of which there are copies at a time."""


def solve_on_rows(problem: Problem) -> Array | None:
    """The optimum of a problem that `ClosedForm` takes, stated on rows; None where it is large."""
    loss, matrix, intercept = problem.loss, problem.parts[0].Q, problem.intercept
    assert isinstance(loss, DataLoss)
    X = loss.design.X
    pulled = intercept.alpha if intercept else 0.0
    is_apart = matrix.is_ridge and not pulled
    q, n_tasks = X.shape[1] + (intercept is not None), loss.n_tasks
    is_array = isinstance(X, np.ndarray) or sparse.issparse(X)
    n_rows = len(loss.blocks[0].values) * (n_tasks if loss.task_index is None else 1)
    is_large = q * (1 if is_apart else n_tasks) > MAX_UNKNOWN or n_rows * q**2 > MAX_WORK
    if not is_array or np.isinf(pulled) or is_large:
        return None
    rows = list(_rows_of_tasks(loss, with_ones=intercept is not None))
    R, n_features = _root(matrix, n_tasks), X.shape[1]
    if is_apart:
        penalty = R[0, 0] * np.eye(n_features, q)
        theta = np.array([_solve([A, penalty], [y]) for A, y in rows])
    else:
        theta = _solve_together(rows, R, n_features, pulled).reshape(n_tasks, q)
    b = theta[:, -1] if intercept else np.zeros(n_tasks)
    return problem.start(theta[:, :n_features].T, b)


def _rows_of_tasks(loss: DataLoss, *, with_ones: bool) -> Iterator[tuple[Array, Array]]:
    """(A, y) of each task, as few rows with the same sum of squares, up to a constant."""
    design, index = loss.design, loss.task_index
    X, q = design.X, design.X.shape[1] + with_ones
    labels, weights = np.empty((2, X.shape[0], 1 if index is not None else loss.n_tasks))
    for block in loss.blocks:
        at = slice(None) if index is not None else block.outputs
        labels[:, at], weights[:, at] = block.values, block.label_weights
    for t in range(loss.n_tasks):
        column = 0 if index is not None else t
        own = weights[:, column] > 0
        if index is not None:
            own &= index == t
        rows = np.flatnonzero(own)
        stack: Any = np.empty((0, q + 1))
        offset = design.offset[:, t] if design.offset.ndim == 2 else design.offset
        for some in batches(len(rows), AT_ONCE // q + 1):
            part = X[rows[some]]
            root = np.sqrt(weights[rows[some], column])[:, None]
            A = root * ((part.toarray() if sparse.issparse(part) else part) - offset)
            y = root * labels[rows[some], column, None]
            stack = np.vstack([stack, np.hstack([A, root, y] if with_ones else [A, y])])
            if len(stack) > q + 1:
                stack = np.linalg.qr(stack, mode="r")
        yield stack[:, :q], stack[:, q]


def _root(matrix: TaskMatrix, n_tasks: int) -> Array:
    """R with R'R = Q."""
    if matrix.dense is not None:
        return np.sqrt(matrix.values)[:, None] * matrix.vectors.T
    J = np.full((n_tasks, n_tasks), 1.0 / n_tasks)
    on_mean, on_deviation = np.sqrt([matrix.on_mean, matrix.on_deviation])
    return on_deviation * np.eye(n_tasks) + (on_mean - on_deviation) * J


def _solve_together(
    rows: list[tuple[Array, Array]], R: Array, n_features: int, pulled: float
) -> Array:
    """All coefficients, those of a task side by side."""
    n_tasks, q = len(rows), rows[0][0].shape[1]
    blocks = [np.zeros((len(A), n_tasks, q)) for A, _ in rows]
    for t, (block, (A, _)) in enumerate(zip(blocks, rows, strict=True)):
        block[:, t] = A
    of_features = np.zeros((n_features, n_tasks, n_tasks, q))
    for j in range(n_features):
        of_features[j, :, :, j] = R
    blocks.append(of_features.reshape(-1, n_tasks, q))
    if pulled:
        of_intercepts = np.zeros((n_tasks, n_tasks, q))
        of_intercepts[:, :, -1] = np.sqrt(pulled) * (np.eye(n_tasks) - 1.0 / n_tasks)
        blocks.append(of_intercepts)
    return _solve([block.reshape(-1, n_tasks * q) for block in blocks], [y for _, y in rows])


def _solve(blocks: list[Array], targets: list[Array]) -> Array:
    """Least squares of the stack; what is beyond the targets is 0."""
    A, y = np.vstack(blocks), np.concatenate(targets)
    found, _, rank, _ = np.linalg.lstsq(A, np.append(y, np.zeros(len(A) - len(y))))
    if rank < A.shape[1]:
        warn_not_unique()
    return found
