r"""Quadratic penalties on coefficients and intercepts, as Newton's method sees them.

The unknowns are :math:`\theta` (q, n_outputs): W and, where there are intercepts, b as the last
row. Over tasks the penalties are :math:`a J + c (I - J)` with :math:`J = 11' / T`, for intercepts
with a = 0 and :math:`c = \iota`; graphs add a matrix of their own for W.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._problem import Problem

Array = NDArray[Any]


class QuadraticPenalty:
    r"""The quadratic part of a problem, all that is penalised there.

    Attributes
    ----------
    own, pull : ndarray of shape (q,)
        a, and c - a: what acts on a task by itself, and on its distance from the mean.
    shares_intercept : bool
        Whether there is one intercept for all tasks.
    is_alone, has_free_mean : ndarray of shape (q,)
        What is not penalised, and does not have to do with the same of other tasks; that has a
        penalty on the distance from the mean, or between tasks, alone.
    couples : bool
        Whether tasks have to do with each other.
    is_regular : bool
        Whether all coefficients are penalised.
    """

    def __init__(self, problem: Problem) -> None:
        self.part = problem.parts[0]
        self.n_features, self.n_outputs = problem.shape
        self.Q, self.n_tasks = self.part.Q, problem.n_tasks
        intercept = problem.intercept
        alpha = intercept.alpha if intercept and self.n_tasks > 1 else 0.0
        q = self.n_features + (intercept is not None)
        self.own, self.pull = np.zeros(q), np.zeros(q)
        self.own[: self.n_features] = self.Q.on_mean
        self.pull[: self.n_features] = self.Q.on_deviation - self.Q.on_mean
        self.shares_intercept = bool(np.isinf(alpha))
        if alpha and not self.shares_intercept:
            self.pull[-1] = alpha
        self.couples = bool(self.Q.dense is not None or self.pull.any() or self.shares_intercept)
        self.is_regular = self.Q.is_regular

    @cached_property
    def is_alone(self) -> Array:
        return (self.own == 0.0) & ~self._compares

    @cached_property
    def has_free_mean(self) -> Array:
        return (self.own == 0.0) & self._compares

    @property
    def _compares(self) -> Array:
        compares: Array = self.pull != 0.0
        compares[: self.n_features] |= self.Q.dense is not None
        return compares

    def gradient(self, theta: Array) -> Array:
        """Of the penalty at theta, which is linear in theta."""
        if not self.couples:
            return theta * self.own[:, None]
        p, bent = self.n_features, np.zeros_like(theta)
        if self.part.has_quadratic:
            bent[:p] = self.part.times_Q(theta[:p])
        if len(bent) > p and not self.shares_intercept:
            bent[p] = self.pull[p] * (theta[p] - self._mean(theta[p]))
        return bent

    @property
    def diagonal(self) -> Array:
        """Curvature by each unknown (q, n_outputs)."""
        own = self.own + self.pull * (1.0 - 1.0 / self.n_tasks)
        diagonal = np.repeat(own[:, None], self.n_outputs, axis=1)
        if self.Q.dense is not None:
            of_tasks = np.repeat(np.diagonal(self.Q.full), self.n_outputs // self.n_tasks)
            diagonal[: self.n_features] = of_tasks
        return diagonal

    def conjugate(self, gradient: Array) -> float:
        """Gap of the coefficients at this gradient of the objective, where they are penalised."""
        g = gradient[: self.n_features]
        if not self.couples:
            return 0.5 * float(np.vdot(g, g)) / self.Q.on_mean
        g = self.part.layout.tasks(g)
        return 0.5 * float(np.vdot(g, self.Q.solve(g)))

    def project(self, gradient: Array) -> Array:
        """Part of a gradient, in place, along what can move: one intercept moves for all tasks."""
        if self.shares_intercept:
            gradient[-1] = self._mean(gradient[-1])
        return gradient

    def _mean(self, b: Array) -> Array:
        """Mean over tasks of each class, repeated for every task."""
        return np.tile(b.reshape(self.n_tasks, -1).mean(axis=0), self.n_tasks)
