r"""Hessians of the loss, a matrix over the unknowns of each task.

A task has K outputs, and as unknowns q for each of them: the coefficients and, where there is
one, the intercept. What a label contributes is the product of the second derivative of its loss
(K, K) with that of its features, so that the matrices are weighted Gram matrices, one for each
pair of outputs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.solvers.newton._quadratic_penalty import QuadraticPenalty

Array = NDArray[Any]

ROUNDING = 1e-12
"""Curvature, relative to the largest, that there is not."""


SMALLEST = 1e-300
"""In place of a sum of 0."""


class Hessians:
    """The Hessians :math:`A_t` of tasks with as many outputs K.

    Attributes
    ----------
    columns : ndarray of shape (n_tasks, K)
        Columns of the coefficients that belong to each task.
    matrices : ndarray of shape (n_tasks, K q, K q)
        Hessians over the coefficients and the intercept of the first output, of the second, ...
    is_invariant : bool
        Whether the loss does not bend where all outputs of a task move alike, as softmax.
    is_plain : bool
        Whether each task has one column, and they are in order.
    """

    is_invariant = False

    def __init__(self, columns: Array, matrices: Array) -> None:
        self.columns, self.matrices = columns, matrices
        m, K = columns.shape
        self.is_plain = K == 1 and bool((columns[:, 0] == np.arange(m)).all())

    def take(self, G: Array) -> Array:
        """The unknowns (n_tasks, K q) of these tasks, of all (q, n_outputs)."""
        if self.is_plain:
            return G.T[: len(self.columns)]
        return G[:, self.columns].transpose(1, 2, 0).reshape(len(self.columns), -1)

    def put(self, x: Array, G: Array) -> None:
        """The inverse of `take`."""
        m, K = self.columns.shape
        G[:, self.columns] = x.reshape(m, K, -1).transpose(2, 0, 1)


def hessians(
    point: DataPoint,
    penalty: QuadraticPenalty,
    n_outputs: int,
    *,
    by_output: bool = False,
    is_damped: bool = False,
) -> list[Hessians]:
    """Those of all tasks at a point; tasks with as many outputs are together.

    ``by_output`` leaves out what is between the outputs of a task, ``is_damped`` takes
    `Curvature.upper` for tasks with one output.
    """
    loss, with_ones = point.loss, len(penalty.own) > penalty.n_features
    is_long = loss.task_index is not None
    if by_output or point.curvature.is_diagonal:
        h = point.curvature.upper if is_damped else point.curvature.diagonal
        K = n_outputs // penalty.n_tasks if penalty.couples else 1
        return [_of_outputs(_grams(loss, h, with_ones), K)]
    found: dict[int, list[Hessians]] = {}
    for outputs, matrices in point.curvature.blocks():
        K = matrices.shape[2]
        columns = np.arange(n_outputs) if is_long else np.arange(n_outputs)[outputs]
        if is_damped and K == 1:
            matrices = point.curvature.upper[:, outputs][:, :, None, None]
        stack = Hessians(columns.reshape(-1, K), of_pairs(loss, matrices, with_ones))
        shifts = np.abs(matrices.sum(axis=-1)).max()
        stack.is_invariant = bool(shifts <= ROUNDING * np.abs(matrices).max())
        found.setdefault(K, []).append(stack)
    if penalty.couples and len(found) > 1:
        # Levels of quantiles beside classes, of which there are as many.
        levels = _joined(found.pop(1))
        order = np.argsort(levels.columns[:, 0])
        K = n_outputs // penalty.n_tasks
        found[K].append(_of_outputs(levels.matrices[order], K, levels.columns[order, 0]))
    return [_joined(stacks) for stacks in found.values()]


def _of_outputs(grams: Array, K: int, outputs: Array | None = None) -> Hessians:
    """Of tasks with K outputs that have nothing to do with each other, from those of each output.

    Where tasks are compared, it is the same output of all of them: levels of quantiles.
    """
    place = np.arange(len(grams)).reshape(-1, K)
    columns = place if outputs is None else outputs[place]
    if K == 1:
        return Hessians(columns, grams)
    m, q = len(columns), grams.shape[1]
    full = np.zeros((m, K, q, K, q))
    for k in range(K):
        full[:, k, :, k] = grams[place[:, k]]
    return Hessians(columns, full.reshape(m, K * q, -1))


def shrink(stacks: list[Hessians], n_some: int, n_all: int) -> None:
    r"""Make Hessians of some rows more like those of all, in place (tasks with one output).

    Correlations :math:`r_{jk}` of features that are drawn from a part of the rows vary by
    :math:`v = 1/n_{some} - 1/n_{all}` about. Times :math:`1 - \lambda` they are closest to
    those of all rows, in squares, for :math:`\lambda = \sum v / \sum r_{jk}^2`, at most 1:
    close to 1 where features have little to do with each other, and to 0 where they have.

    References
    ----------
    J. Schaefer and K. Strimmer, "A shrinkage approach to large-scale covariance matrix
    estimation", Statistical Applications in Genetics and Molecular Biology 4, 2005, equation 8.
    """
    variance = 1.0 / n_some - 1.0 / n_all
    for stack in stacks:
        if stack.columns.shape[1] > 1:
            continue
        for H in stack.matrices:
            diagonal = np.diagonal(H).copy()
            scale = np.sqrt(np.where(diagonal > 0.0, diagonal, np.inf))
            squares = np.square(H / scale / scale[:, None])
            total = float(squares.sum() - np.trace(squares))
            q = len(H)
            H *= 1.0 - min(variance * q * (q - 1) / max(total, SMALLEST), 1.0)
            np.fill_diagonal(H, diagonal)


def _joined(stacks: list[Hessians]) -> Hessians:
    if len(stacks) == 1:
        return stacks[0]
    columns = np.concatenate([stack.columns for stack in stacks])
    joined = Hessians(columns, np.concatenate([stack.matrices for stack in stacks]))
    joined.is_invariant = all(stack.is_invariant for stack in stacks)
    return joined


def of_pairs(loss: DataLoss, curvature: Array, with_ones: bool) -> Array:
    """Hessians (n_tasks, K q, K q) from matrices (n_samples, members, K, K) over outputs."""
    n, K = len(curvature), curvature.shape[2]
    upper = np.triu_indices(K)
    pairs = curvature[:, :, upper[0], upper[1]].reshape(n, -1)
    grams = _grams(loss, pairs, with_ones)
    q = grams.shape[1]
    grams = grams.reshape(-1, len(upper[0]), q, q)
    full = np.empty((len(grams), K, q, K, q))
    full[:, upper[0], :, upper[1]] = full[:, upper[1], :, upper[0]] = grams.swapaxes(0, 1)
    return full.reshape(-1, K * q, K * q)


def _grams(loss: DataLoss, h: Array, with_ones: bool) -> Array:
    """Gram matrices of weights h, with the column of ones where there are intercepts."""
    first = h[:, :1]
    if loss.task_index is None and h.shape[1] > 1 and first[0, 0] > 0:
        # Where all rows are alike, as those of a constant prediction, one matrix is enough.
        ratios = h[0] / first[0, 0]
        if (np.abs(h - first * ratios) <= ROUNDING * np.abs(ratios) * first).all():
            return ratios[:, None, None] * _grams(loss, first, with_ones)
    return loss.design.grams(h, with_ones=with_ones)
