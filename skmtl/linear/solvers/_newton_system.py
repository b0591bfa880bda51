r"""Systems of Newton's method: the Hessian of the loss of every task, and what couples tasks.

A task has the matrix :math:`A_t` over its coefficients and intercepts, those of all its outputs.
Penalties that act alike on all tasks, with :math:`J = 11' / T` the matrix :math:`a J + b (I - J)`
over tasks, leave one matrix per task and one small system for what tasks share: with
:math:`D = a`, :math:`P = b - a` (for intercepts 0 and :math:`\iota`) and the mean m,

.. math:: (A_t + D + P) x_t = g_t + P m, \qquad
          \sum_t P H_t^{-1} (A_t + D) m = \sum_t P H_t^{-1} g_t, \quad H_t = A_t + D + P.

One intercept for all tasks is a part of what they share, too.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._losses import DataLoss, DataPoint
from skmtl.linear.solvers._factors import Factors
from skmtl.linear.solvers._quadratic_penalty import QuadraticPenalty

Array = NDArray[Any]


class NewtonSystem(Protocol):
    """A matrix close to the Hessian."""

    def solve(self, gradient: Array) -> Array:
        """Its inverse times a gradient (q, n_outputs), one row per feature and intercepts last."""


class Hessians:
    """The Hessians :math:`A_t` of tasks with as many outputs K.

    Attributes
    ----------
    columns : ndarray of shape (n_tasks, K)
        Columns of the coefficients that belong to each task.
    matrices : ndarray of shape (n_tasks, K q, K q)
        Hessians over the coefficients and the intercept of the first output, of the second, ...
    """

    def __init__(self, columns: Array, matrices: Array) -> None:
        self.columns, self.matrices = columns, matrices
        self._is_plain = columns.shape[1] == 1 and bool(
            (columns[:, 0] == range(len(columns))).all()
        )

    def take(self, G: Array) -> Array:
        """The unknowns (n_tasks, K q) of these tasks, of all (q, n_outputs)."""
        if self._is_plain:
            return G.T[: len(self.columns)]
        return G[:, self.columns].transpose(1, 2, 0).reshape(len(self.columns), -1)

    def put(self, x: Array, G: Array) -> None:
        """The inverse of `take`."""
        m, K = self.columns.shape
        G[:, self.columns] = x.reshape(m, K, -1).transpose(2, 0, 1)


def hessians(point: DataPoint, n_outputs: int, with_intercepts: bool) -> list[Hessians]:
    """Those of all tasks at a point; tasks with as many outputs are together."""
    loss = point.loss
    is_long = loss.task_index is not None
    if point.curvature.is_diagonal:
        columns = np.arange(n_outputs)[:, None]
        return [Hessians(columns, _bordered(loss, point.curvature.diagonal, with_intercepts))]
    found: dict[int, list[Hessians]] = {}
    for outputs, matrices in point.curvature.blocks():
        K = matrices.shape[2]
        columns = np.arange(n_outputs) if is_long else np.arange(n_outputs)[outputs]
        of_pairs = _of_pairs(loss, matrices, with_intercepts)
        found.setdefault(K, []).append(Hessians(columns.reshape(-1, K), of_pairs))
    return [_joined(stacks) for stacks in found.values()]


def _joined(stacks: list[Hessians]) -> Hessians:
    if len(stacks) == 1:
        return stacks[0]
    columns = np.concatenate([stack.columns for stack in stacks])
    return Hessians(columns, np.concatenate([stack.matrices for stack in stacks]))


def _of_pairs(loss: DataLoss, curvature: Array, with_intercepts: bool) -> Array:
    """Hessians (n_tasks, K q, K q) from matrices (n_samples, members, K, K) over outputs."""
    n, K = len(curvature), curvature.shape[2]
    upper = np.triu_indices(K)
    pairs = curvature[:, :, upper[0], upper[1]].reshape(n, -1)
    grams = _bordered(loss, pairs, with_intercepts)
    q = grams.shape[1]
    grams = grams.reshape(-1, len(upper[0]), q, q)
    full = np.empty((len(grams), K, q, K, q))
    full[:, upper[0], :, upper[1]] = full[:, upper[1], :, upper[0]] = grams.swapaxes(0, 1)
    return full.reshape(-1, K * q, K * q)


def _bordered(loss: DataLoss, h: Array, with_intercepts: bool) -> Array:
    """Gram matrices of weights h, with the column of ones for the intercepts."""
    grams = loss.design.grams(h)
    if not with_intercepts:
        return grams
    m, p, _ = grams.shape
    bordered = np.empty((m, p + 1, p + 1))
    products, sums = loss.design.adjoint(h)
    bordered[:, :p, :p], bordered[:, p, p] = grams, sums
    bordered[:, p, :p] = bordered[:, :p, p] = products.T
    return bordered


def newton_system(penalty: QuadraticPenalty, stacks: list[Hessians]) -> NewtonSystem:
    """The Hessian of the whole objective from those of the tasks."""
    if penalty.Q.dense is not None:
        return OneSystem(penalty, *stacks)
    if penalty.couples:
        return CoupledSystem(penalty, *stacks)
    return TaskSystems(penalty, stacks)


def _plus_diagonal(A: Array, diagonal: Array) -> Array:
    """Matrices (m, K q, K q) plus a diagonal (q,) for every output."""
    H = A.copy()
    q = A.shape[1]
    H.reshape(len(A), -1)[:, :: q + 1] += np.tile(diagonal, q // len(diagonal))
    return H


class TaskSystems:
    """Tasks that have nothing to do with each other."""

    def __init__(self, penalty: QuadraticPenalty, stacks: list[Hessians]) -> None:
        self.stacks = stacks
        self.factors = [Factors(_plus_diagonal(stack.matrices, penalty.own)) for stack in stacks]

    def solve(self, gradient: Array) -> Array:
        solved = np.empty_like(gradient)
        for stack, factors in zip(self.stacks, self.factors, strict=True):
            stack.put(factors.solve(stack.take(gradient)), solved)
        return solved


class CoupledSystem:
    """Tasks that are pulled to their mean, or have one intercept."""

    def __init__(self, penalty: QuadraticPenalty, stack: Hessians) -> None:
        self.stack = stack
        K = stack.columns.shape[1]
        A = _plus_diagonal(stack.matrices, penalty.own)
        self.P = np.tile(penalty.pull, K)
        shared = np.zeros_like(self.P, dtype=bool)
        if penalty.shares_intercept:
            shared[len(penalty.own) - 1 :: len(penalty.own)] = True
        self.shared, self.local, self.pulled = shared, ~shared, self.P[~shared] != 0
        self.P = self.P[self.local]
        if penalty.shares_intercept:
            self.beside = A[:, self.local][:, :, shared]
            corner = A[:, shared][:, :, shared].sum(axis=0)
            A = A[:, self.local][:, :, self.local]
        else:
            self.beside, corner = A[:, :, :0], np.zeros((0, 0))
        self.inverse = Factors(_plus_diagonal(A, self.P)).inverse
        self.system = Factors(self._of_shared(A, corner)[None])

    def _of_shared(self, A: Array, corner: Array) -> Array:
        """System for the mean of what is pulled to it, and for the shared intercepts."""
        q = len(self.P)
        inverse = self.inverse.reshape(-1, q)
        mean = self.P[:, None] * (inverse.T @ A.reshape(-1, q))
        cross = self.P[:, None] * (inverse.T @ self.beside.reshape(len(inverse), -1))
        along = np.matmul(self.inverse, self.beside)
        corner = corner - np.tensordot(self.beside, along, axes=([0, 1], [0, 1]))
        mean = mean[np.ix_(self.pulled, self.pulled)]
        cross = cross[self.pulled]
        return np.block([[0.5 * (mean + mean.T), cross], [cross.T, corner]])

    def solve(self, gradient: Array) -> Array:
        g = self.stack.take(gradient)
        own, n_pulled = g[:, self.local], int(self.pulled.sum())
        z = np.matmul(self.inverse, own[:, :, None])[:, :, 0]
        right = np.concatenate(
            [
                (self.P * z.sum(axis=0))[self.pulled],
                g[:, self.shared].sum(axis=0) - np.tensordot(z, self.beside, axes=([0, 1], [0, 1])),
            ]
        )
        shared = self.system.solve(right[None])[0]
        pull = np.zeros_like(self.P)
        pull[self.pulled] = self.P[self.pulled] * shared[:n_pulled]
        own = own + pull - self.beside @ shared[n_pulled:]
        x = np.empty_like(g)
        x[:, self.local] = np.matmul(self.inverse, own[:, :, None])[:, :, 0]
        x[:, self.shared] = shared[n_pulled:]
        solved = np.empty_like(gradient)
        self.stack.put(x, solved)
        return solved


class OneSystem:
    """All unknowns in one system, for any matrix over tasks."""

    def __init__(self, penalty: QuadraticPenalty, stack: Hessians) -> None:
        self.stack, q = stack, len(penalty.own)
        n_tasks, n_own = stack.matrices.shape[:2]
        full = np.zeros((n_tasks, n_own, n_tasks, n_own))
        for t, A in enumerate(stack.matrices):
            full[t, :, t] = A
        unit = np.eye(n_tasks)
        for j in range(n_own):
            if j % q < penalty.n_features:
                full[:, j, :, j] += penalty.Q.full
            else:
                full[:, j, :, j] += penalty.pull[-1] * (unit - 1.0 / n_tasks)
        H = full.reshape(n_tasks * n_own, -1)
        self.expand = None
        if penalty.shares_intercept:
            self.expand = _sharing(n_tasks, n_own, q)
            H = self.expand.T @ H @ self.expand
        self.factors = Factors(H[None])

    def solve(self, gradient: Array) -> Array:
        g = self.stack.take(gradient)
        right = g.ravel() if self.expand is None else self.expand.T @ g.ravel()
        x = self.factors.solve(right[None])[0]
        x = x if self.expand is None else self.expand @ x
        solved = np.empty_like(gradient)
        self.stack.put(x.reshape(g.shape), solved)
        return solved


def _sharing(n_tasks: int, n_own: int, q: int) -> Array:
    """From unknowns of which the intercepts are those of the first task to all of them."""
    is_intercept = np.arange(n_own) % q == q - 1
    kept = np.ones((n_tasks, n_own), dtype=bool)
    kept[1:, is_intercept] = False
    column = np.where(kept, np.cumsum(kept).reshape(kept.shape) - 1, 0)
    column[1:, is_intercept] = column[0, is_intercept]
    expand = np.zeros((n_tasks * n_own, int(kept.sum())))
    expand[np.arange(n_tasks * n_own), column.ravel()] = 1.0
    return expand
