r"""Objectives of tasks by themselves: a loss of labels, and a ridge.

.. math:: \sum_i c_{ti} \, \ell_t(y_{ti}, z_i'\theta_t) + \tfrac12 \sum_j \rho_j \theta_{tj}^2

The features z are those of X less an offset and, last, a one where intercepts are free, for which
:math:`\rho` is 0. Labels, coefficients :math:`\theta` (n_tasks, q) and what belongs to them have a
row for each task.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._weighted_grams import weighted_grams
from skmtl.linear.solvers.compiled._label_gradients import evaluate
from skmtl.linear.solvers.compiled._losses import loss_conjugate, loss_value
from skmtl.linear.solvers.compiled._small_gram import add_gram

Array = NDArray[Any]

EQUAL = 1e-12
"""Relative difference of curvatures that is rounding."""


FEW_NUMBERS = 2**17
"""Numbers of X, times tasks, up to which matrix products are slower. Measured: 2 to 60 features."""


class LabelPoint(NamedTuple):
    """Scores, slopes and curvatures (n_tasks, n), gradients (n_tasks, q), sums of curvatures."""

    raw: Array
    slope: Array
    bend: Array
    gradient: Array
    bent: Array


class LabelRows(NamedTuple):
    r"""Rows of data and what is penalised.

    Attributes
    ----------
    X : ndarray of shape (n, p)
        Features, one row after another.
    offset : ndarray of shape (p,)
        What is taken from them.
    y, c : ndarray of shape (n_tasks, n)
        Labels and their weights.
    codes, deltas : ndarray of shape (n_tasks,)
        Losses and their parameters.
    ridge : ndarray of shape (q,)
        :math:`\rho`.
    """

    X: Array
    offset: Array
    y: Array
    c: Array
    codes: Array
    deltas: Array
    ridge: Array

    @classmethod
    def of(cls, X: Array, loss: DataLoss, ridge: Array) -> Self:
        """Those of a loss, wide, of tasks that have one output and a compiled loss each."""
        y, c = np.empty((2, loss.n_tasks, len(X)))
        codes, deltas = np.empty(loss.n_tasks, dtype=np.intp), np.empty(loss.n_tasks)
        for block in loss.blocks:
            y[block.outputs], c[block.outputs] = block.values.T, block.label_weights.T
            assert block.task.compiled_loss is not None
            codes[block.outputs], deltas[block.outputs] = block.task.compiled_loss
        offset = np.require(loss.design.offset, requirements=["C", "W"])
        return cls(X, offset, y, c, codes, deltas, ridge)

    def of_tasks(self, some: slice) -> Self:
        """Those of some tasks."""
        y, c, codes, deltas = (x[some] for x in (self.y, self.c, self.codes, self.deltas))
        return self._replace(y=y, c=c, codes=codes, deltas=deltas)

    def of_rows(self, step: int) -> Self:
        """Those of every ``step``-th row, times that."""
        X, y = (np.ascontiguousarray(x) for x in (self.X[::step], self.y[:, ::step]))
        return self._replace(X=X, y=y, c=step * self.c[:, ::step])

    @property
    def has_intercept(self) -> bool:
        """Whether intercepts are free."""
        return len(self.ridge) > len(self.offset)

    def empty(self) -> LabelPoint:
        """Memory of a point."""
        m, n = self.y.shape
        raw, slope, bend = np.empty((3, m, n))
        return LabelPoint(raw, slope, bend, np.zeros((m, len(self.ridge))), np.zeros(m))

    def evaluate(self, theta: Array, tasks: Array, point: LabelPoint) -> None:
        """Write the point of some tasks at theta."""
        evaluate(*self, tasks, theta, *point)

    def hessians(self, bend: Array) -> Array:
        """Matrices (m, q, q) of curvatures (m, n) of m tasks."""
        H = self._grams(bend)
        H.reshape(len(H), -1)[:, :: H.shape[1] + 1] += self.ridge
        return H

    def _grams(self, bend: Array) -> Array:
        first = bend[:1]
        if len(bend) > 1 and first[0, 0] > 0.0:
            # Where tasks start from constants, one matrix is that of all of them.
            ratios = bend[:, :1] / first[0, 0]
            if (np.abs(bend - ratios * first) <= EQUAL * bend).all():
                return ratios[:, :, None] * self._grams(first)
        if self.X.size * len(bend) <= FEW_NUMBERS:
            return self._small_grams(bend)
        grams, p = weighted_grams(self.X, bend.T, self.offset), len(self.offset)
        if not self.has_intercept:
            return grams
        H, sums = np.empty((len(bend), p + 1, p + 1)), bend.sum(axis=1)
        H[:, :p, :p], H[:, p, p] = grams, sums
        H[:, p, :p] = H[:, :p, p] = bend @ self.X - sums[:, None] * self.offset
        return H

    def _small_grams(self, bend: Array) -> Array:
        q = len(self.ridge)
        rows, H = np.ones((4, q)), np.zeros((len(bend), q, q))
        for G, h in zip(H, np.ascontiguousarray(bend), strict=True):
            add_gram(self.X, self.offset, h, rows, G)
        return H

    def expected_gaps(self, point: LabelPoint, tasks: Array) -> Array:
        r"""At gradients :math:`\sum_j g_j^2 / 2 \rho_j`, with its curvature for an intercept."""
        g = point.gradient[tasks]
        of_W = g[:, : len(self.offset)]
        gaps = np.vecdot(of_W, of_W) * (0.5 / self.ridge[0])
        if self.has_intercept:
            gaps += 0.5 * g[:, -1] ** 2 / point.bent[tasks]
        return gaps

    def gaps(self, theta: Array, tasks: Array, point: LabelPoint) -> Array:
        r"""Primal values less dual ones, of the slopes u moved until they sum to 0.

        .. math:: F(Z\theta) + \tfrac12 \sum_j \rho_j \theta_j^2
                  + F^*(u) + \sum_j \frac{(Z'u)_j^2}{2 \rho_j}

        They are moved along the curvature, where intercepts are free. A bound is 0 at least, as
        losses are.
        """
        u = point.slope[tasks]
        if self.has_intercept:
            u -= (u.sum(axis=1) / point.bent[tasks])[:, None] * point.bend[tasks]
        products = u @ self.X - np.multiply.outer(u.sum(axis=1), self.offset)
        bound = np.vecdot(products, products) * (-0.5 / self.ridge[0])
        primal = 0.5 * theta[tasks] ** 2 @ self.ridge
        for k, t in enumerate(tasks):
            labels = self.codes[t], self.deltas[t], self.y[t], self.c[t]
            bound[k] -= loss_conjugate(*labels[:2], u[k], *labels[2:])
            primal[k] += loss_value(*labels[:2], point.raw[t], *labels[2:])
        gaps = np.maximum(primal - np.maximum(bound, 0.0), 0.0)
        return np.where(gaps < np.inf, gaps, np.inf)
