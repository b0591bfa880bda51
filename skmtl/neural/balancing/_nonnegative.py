"""Quadratic programs over nonnegative vectors, many with one matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import nnls

Array = NDArray[Any]

# Below, one program after the other is quicker than all at once.
FEW_VARIABLES = 20
# Programs that block pivoting has not solved by then are left to the active-set method.
MAX_PIVOTS = 8
# Programs pivoted together: their systems are padded to the largest.
BLOCK = 25


def nonnegative_minima(matrix: Array, linear: Array) -> Array:
    r"""Minimise :math:`\frac12 v'Mv - b'v` over :math:`v \geq 0`, for each row b.

    Parameters
    ----------
    matrix : array of shape (n, n)
        M, positive definite.
    linear : array of shape (m, n)
        Rows b.

    Returns
    -------
    minima : ndarray of shape (m, n)
        Rows v.
    """
    minima = np.zeros_like(linear)
    # Without a positive entry in b, 0 is the minimum.
    todo = np.flatnonzero((linear > 0).any(axis=1))
    if len(matrix) > FEW_VARIABLES and len(todo) > 1:
        todo = _pivot(matrix, linear, minima, todo)
    if len(todo):
        factor = cholesky(matrix)
        targets = solve_triangular(factor, linear[todo].T, trans=1)
        for row, target in zip(todo, targets.T, strict=True):
            minima[row] = nnls(factor, target)[0]
    return minima


def _pivot(matrix: Array, linear: Array, minima: Array, todo: Array) -> Array:
    """Block principal pivoting (Kim and Park, SIAM J. Sci. Comput. 33, 2011, algorithm 2).

    Guesses which entries are positive, solves for them, and exchanges those that break the
    optimality conditions. Writes what it solves, and returns the rows it could not.
    """
    n = len(matrix)
    positive = _guess(matrix, linear[todo])
    fewest = np.full(len(todo), n + 1)
    patience = np.full(len(todo), 3)
    for _ in range(MAX_PIVOTS):
        minima[todo] = _solve_on(matrix, linear[todo], positive)
        slope = minima[todo] @ matrix - linear[todo]
        wrong = np.where(positive, minima[todo] < 0, slope < -1e-12)
        n_wrong = wrong.sum(axis=1)
        patience = np.where(n_wrong < fewest, 3, patience - 1)
        fewest = np.minimum(fewest, n_wrong)
        left = n_wrong > 0
        todo, fewest, patience = todo[left], fewest[left], patience[left]
        positive = positive[left] ^ wrong[left]
        if not len(todo) or (patience < 0).all():
            break
    return todo


def _guess(matrix: Array, linear: Array, n_steps: int = 20) -> Array:
    """Entries that are positive after some accelerated projected gradient steps."""
    step = 1.0 / np.linalg.eigvalsh(matrix)[-1]
    now = ahead = np.zeros_like(linear)
    for k in range(n_steps):
        new = np.maximum(ahead - step * (ahead @ matrix - linear), 0.0)
        ahead = new + k / (k + 3) * (new - now)
        now = new
    positive: Array = now > 0
    return positive


def _solve_on(matrix: Array, linear: Array, positive: Array) -> Array:
    """Stationary points over the entries marked positive, 0 elsewhere."""
    sizes = positive.sum(axis=1)
    found = np.zeros_like(linear)
    by_size = np.argsort(sizes, kind="stable")
    for start in range(0, len(sizes), BLOCK):
        rows = by_size[start : start + BLOCK]
        width = int(sizes[rows[-1]])
        index = np.argsort(~positive[rows], axis=1, kind="stable")[:, :width]
        padding = np.arange(width) >= sizes[rows, None]
        systems = matrix[index[:, :, None], index[:, None, :]]
        systems[padding[:, :, None] | padding[:, None, :]] = 0.0
        systems[:, np.arange(width), np.arange(width)] += padding
        targets = np.where(padding, 0.0, np.take_along_axis(linear[rows], index, axis=1))
        solved = np.linalg.solve(systems, targets[:, :, None])[:, :, 0]
        found[rows[:, None], index] = solved
    return found
