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
# Below, elimination is quicker than conjugate gradients. Of 100 variables it takes as long as
# about 80 steps: the rest is not lost where those do not get there.
FEW_TO_ELIMINATE = 50
MAX_CG_STEPS = 30
# What conjugate gradients aim at, relative to the linear part.
CG_PRECISION = 1e-12
TINY = float(np.finfo(np.float64).tiny)


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
    """Block principal pivoting (Kim and Park, SIAM J. Sci. Comput. 33, 2011).

    Guesses which entries are positive, solves for them, and exchanges those that break the
    optimality conditions. Writes what it solves, and returns the rows it could not.
    """
    n = len(matrix)
    minima[todo] = _guess(matrix, linear[todo])
    positive = minima[todo] > 0
    fewest = np.full(len(todo), n + 1)
    patience = np.full(len(todo), 3)
    is_easy = n > FEW_TO_ELIMINATE and positive.mean() > 0.25
    for _ in range(MAX_PIVOTS):
        unsolved = np.ones(len(todo), dtype=bool)
        if is_easy:
            found, unsolved = _conjugate_gradients(matrix, linear[todo], positive, minima[todo])
            minima[todo], is_easy = found, unsolved.mean() < 0.5
        if unsolved.any():
            rows = todo[unsolved]
            minima[rows] = _eliminate(matrix, linear[rows], positive[unsolved])
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
    """Minima after some accelerated projected gradient steps."""
    # By no less than the largest eigenvalue and, for n = 100, by at most 1.16 times that.
    step = np.abs(np.linalg.matrix_power(matrix, 32)).sum(axis=1).max() ** (-1 / 32)
    # A guess does not need more than float32.
    contraction = (np.eye(len(matrix)) - step * matrix).astype(np.float32)
    shift = (step * linear).astype(np.float32)
    now = ahead = np.zeros_like(shift)
    for k in range(n_steps):
        new = ahead @ contraction
        new += shift
        np.maximum(new, 0.0, out=new)
        ahead = new - now
        ahead *= k / (k + 3)
        ahead += new
        now = new
    return now


def _conjugate_gradients(
    matrix: Array, linear: Array, positive: Array, start: Array
) -> tuple[Array, Array]:
    """Stationary points over the entries marked positive, all in one product a step.

    Also whether each was not reached in time, as where gradients of tasks nearly depend on
    each other.
    """
    x = start * positive
    residual = (linear - x @ matrix) * positive
    direction = residual.copy()
    square = _squares(residual)
    target = CG_PRECISION**2 * _squares(linear)
    for _ in range(MAX_CG_STEPS):
        if (square <= target).all():
            break
        product = direction @ matrix
        product *= positive
        step = square / np.maximum(np.einsum("ij,ij->i", direction, product), TINY)
        x += step[:, None] * direction
        product *= step[:, None]
        residual -= product
        last, square = square, _squares(residual)
        direction *= (square / np.maximum(last, TINY))[:, None]
        direction += residual
    return x, square > target


def _squares(rows: Array) -> Array:
    return np.einsum("ij,ij->i", rows, rows)


def _eliminate(matrix: Array, linear: Array, positive: Array) -> Array:
    """Stationary points over the entries marked positive, 0 elsewhere, by elimination."""
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
