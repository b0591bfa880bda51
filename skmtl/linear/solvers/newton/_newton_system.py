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

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.solvers.newton._factors import Factors
from skmtl.linear.solvers.newton._hessians import Hessians
from skmtl.linear.solvers.newton._quadratic_penalty import QuadraticPenalty

Array = NDArray[Any]


class NewtonSystem(Protocol):
    """A matrix close to the Hessian."""

    def solve(self, gradient: Array) -> Array:
        """Its inverse times a gradient (q, n_outputs), one row per feature and intercepts last."""


def newton_system(penalty: QuadraticPenalty, stacks: list[Hessians]) -> NewtonSystem:
    """The Hessian of the whole objective from those of the tasks, which it writes over."""
    for stack in stacks:
        if stack.is_invariant:
            _bend_along_shifts(stack.matrices, len(penalty.own), penalty.is_alone)
        _add_diagonal(stack.matrices, penalty.own)
    if penalty.Q.dense is not None:
        return OneSystem(penalty, *stacks)
    if penalty.couples:
        return CoupledSystem(penalty, *stacks)
    return TaskSystems(stacks)


def task_by_task(penalty: QuadraticPenalty, stacks: list[Hessians]) -> NewtonSystem:
    """Without what is between tasks, for any matrix over them."""
    (stack,) = stacks
    K = stack.columns.shape[1]
    for A, diagonal in zip(stack.matrices, penalty.diagonal[:, ::K].T, strict=True):
        _add_diagonal(A[None], diagonal)
    return TaskSystems(stacks, penalty)


def _bend_along_shifts(H: Array, q: int, where: Array) -> None:
    """Give softmax a curvature where all classes move alike and nothing else has one, in place.

    No gradient leads there, so that solutions of H (m, K q, K q) stay the same and are unique.
    """
    K = H.shape[1] // q
    by_output = H.reshape(-1, K, q, K, q)
    for j in np.flatnonzero(where).tolist():
        level = np.einsum("tkk->t", by_output[:, :, j, :, j]) / K**2
        by_output[:, :, j, :, j] += level[:, None, None]


def _add_diagonal(H: Array, diagonal: Array) -> None:
    """Add a diagonal (q,) for every output to matrices (m, K q, K q), in place."""
    n = H.shape[1]
    H.reshape(len(H), -1)[:, :: n + 1] += np.tile(diagonal, n // len(diagonal))


class TaskSystems:
    """Tasks that have nothing to do with each other."""

    def __init__(self, stacks: list[Hessians], penalty: QuadraticPenalty | None = None) -> None:
        self.stacks, self.penalty = stacks, penalty
        self.factors = [Factors(stack.matrices) for stack in stacks]

    def solve(self, gradient: Array) -> Array:
        if len(self.stacks) == 1 and self.stacks[0].is_plain:
            solved = self.factors[0].solve(gradient.T).T
            return self.penalty.project(solved) if self.penalty else solved
        solved = np.empty_like(gradient)
        for stack, factors in zip(self.stacks, self.factors, strict=True):
            stack.put(factors.solve(stack.take(gradient)), solved)
        return self.penalty.project(solved) if self.penalty else solved


class DiagonalSystem:
    """The diagonal of the Hessian alone, where features are many."""

    def __init__(self, penalty: QuadraticPenalty, point: DataPoint) -> None:
        self.penalty, h, design = penalty, point.curvature.diagonal, point.loss.design
        diagonal = design.squares(h)
        if len(penalty.own) > len(diagonal):
            diagonal = np.vstack([diagonal, design.sums(h)])
        diagonal = penalty.project(diagonal + penalty.diagonal)
        # What has no curvature at all has no gradient either.
        self.diagonal = np.where(diagonal > 0.0, diagonal, 1.0)

    def solve(self, gradient: Array) -> Array:
        return gradient / self.diagonal


class CoupledSystem:
    """Tasks that are pulled to their mean, or have one intercept."""

    def __init__(self, penalty: QuadraticPenalty, stack: Hessians) -> None:
        self.stack, A = stack, stack.matrices
        K = stack.columns.shape[1]
        is_shared = np.zeros(len(penalty.own), dtype=bool)
        is_shared[-1] = penalty.shares_intercept
        self.shared = np.tile(is_shared, K)
        self.local = ~self.shared
        self.P = np.tile(penalty.pull[~is_shared], K)
        self.pulled = self.P != 0.0
        beside, corner = A[:, self.local][:, :, self.shared], A[:, self.shared][:, :, self.shared]
        self.beside = beside
        if penalty.shares_intercept:
            A = A[:, self.local][:, :, self.local]
        H = A.copy()
        _add_diagonal(H, self.P)
        self.inverse = Factors(H).inverse
        free = penalty.has_free_mean[penalty.pull != 0.0] if stack.is_invariant else None
        self.system = Factors(self._of_shared(A, corner.sum(axis=0), free)[None])
        # Two stacks of that size are enough.
        stack.matrices = A[:0]

    def _of_shared(self, A: Array, corner: Array, free: Array | None) -> Array:
        """System for the mean of what is pulled to it, and for the shared intercepts.

        ``free`` is where that mean has no penalty, for a loss that all outputs can move with.
        """
        q = len(self.P)
        inverse = self.inverse.reshape(-1, q)
        mean = self.P[:, None] * (inverse.T @ A.reshape(-1, q))
        cross = self.P[:, None] * (inverse.T @ self.beside.reshape(len(inverse), -1))
        along = np.matmul(self.inverse, self.beside)
        corner = corner - np.tensordot(self.beside, along, axes=([0, 1], [0, 1]))
        mean = mean[np.ix_(self.pulled, self.pulled)]
        mean = 0.5 * (mean + mean.T)
        if free is not None and len(free):
            _bend_along_shifts(mean[None], len(free), free)
        cross = cross[self.pulled]
        return np.block([[mean, cross], [cross.T, corner]])

    def solve(self, gradient: Array) -> Array:
        g = self.stack.take(gradient)
        own, n_pulled = g[:, self.local], int(self.pulled.sum())
        z = np.matmul(self.inverse, own[:, :, None])[:, :, 0]
        beside = np.tensordot(z, self.beside, axes=([0, 1], [0, 1]))
        pulls = (self.P * z.sum(axis=0))[self.pulled]
        right = np.concatenate([pulls, g[:, self.shared].sum(axis=0) - beside])
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
        self.stack, q, p = stack, len(penalty.own), penalty.n_features
        n_tasks, n_own = stack.matrices.shape[:2]
        full = np.zeros((n_tasks, n_own, n_tasks, n_own))
        for t, A in enumerate(stack.matrices):
            full[t, :, t] = A
        deviation = np.eye(n_tasks) - 1.0 / n_tasks
        # What acts on a task by itself is in A already.
        of_features = penalty.Q.full - penalty.Q.on_mean * np.eye(n_tasks)
        for j in range(n_own):
            full[:, j, :, j] += of_features if j % q < p else penalty.pull[-1] * deviation
        H = full.reshape(n_tasks * n_own, -1)
        if stack.is_invariant:
            by_output = H.reshape(n_tasks, -1, q, n_tasks, n_own // q, q)
            for j in np.flatnonzero(penalty.has_free_mean).tolist():
                among = by_output[:, :, j, :, :, j]
                among += np.einsum("tktk->", among) / (n_tasks * n_own // q) ** 2
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
