r"""How the tasks of the long form differ, by a linear model with random intercepts and slopes.

.. math:: y_i = m_0 + m'z_i + b_t + u_t'z_i + e_i, \qquad
    m \sim N(0, \tau I), \quad b_t \sim N(0, \beta), \quad u_t \sim N(0, \delta I), \quad
    e_i \sim N(0, \sigma^2 / s_i)

for row i of task t with weight s, whose inputs in standardised coordinates are z. All variances
are estimated, so that the tasks have as much of their own as their labels show: next to nothing
where they differ by their intercepts only [1]_.

With :math:`w_i = (1, z_i')'`, :math:`v_t = (b_t, u_t')'`, D its variance,
:math:`A_t = \sum_i s_i w_i w_i'` and :math:`c_t = \sum_i s_i y_i w_i`, the best linear predictions
are

.. math:: V_t = (A_t / \sigma^2 + D^{-1})^{-1}, \quad v_t = V_t (c_t - A_t m) / \sigma^2, \quad
    m = \Bigl(P + \sum_t B_t\Bigr)^{-1} \sum_t (c_t - A_t V_t c_t / \sigma^2) / \sigma^2, \quad
    B_t = (A_t - A_t V_t A_t / \sigma^2) / \sigma^2

with :math:`P = \mathrm{diag}(0, 1/\tau, \dots)`, and the variances are raised or lowered by the
ratio of what these predictions are to what they would be by chance [2]_,

.. math:: \delta \leftarrow \frac1\delta \sum_t |u_t|^2
    \Big/ \mathrm{tr} \sum_t \bigl[B_t - B_t (P + \textstyle\sum B)^{-1} B_t\bigr]_{uu}

Labels of two classes are read as the numbers :math:`f_i - l_i'(f_i) / l_i''(f_i)`, which have the
variance :math:`1 / (s_i l_i''(f_i))`, at the raw scores :math:`f_i` that were fitted before [3]_.

References
----------
.. [1] N. M. Laird and J. H. Ware, "Random-effects models for longitudinal data", Biometrics 38,
   1982, eqs. 3.1 and 3.2.
.. [2] D. A. Harville, "Maximum likelihood approaches to variance component estimation and to
   related problems", Journal of the American Statistical Association 72, 1977.
.. [3] N. E. Breslow and D. G. Clayton, "Approximate inference in generalized linear mixed models",
   Journal of the American Statistical Association 88, 1993, section 2.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

TINY = np.finfo(float).tiny

N_STEPS = 15
"""Of the variances: they are known to some percent then, and predictions to their digits."""

CHUNK = 2**22
"""Numbers of rows, or of matrices of tasks, at a time."""

BETWEEN, LEAST, MOST = 0.1, 1e-9, 100.0
"""Of the variance of the labels: where the variances between tasks start, and between what they
stay."""


@dataclass(frozen=True)
class Moments:
    """Sums over the rows of every task: A, c, those of squared labels, and numbers of labels."""

    A: Array
    c: Array
    squares: Array
    counts: Array

    @classmethod
    def of(cls, read: Any, y: Array, weights: Array, bounds: Array) -> Self:
        """Of the rows of each task, from one bound to the next; ``read`` finds their w."""
        n_tasks, width = len(bounds) - 1, read(slice(0, 1)).shape[1]
        A, c = np.empty((n_tasks, width, width)), np.empty((n_tasks, width))
        start, W = 0, np.empty((0, width))
        for t, (low, high) in enumerate(pairwise(bounds.tolist())):
            if high > start + len(W):
                start, W = low, read(slice(low, max(high, low + CHUNK // width)))
            of_task = W[low - start : high - start]
            weighted = of_task * weights[low:high, None]
            A[t], c[t] = weighted.T @ of_task, y[low:high] @ weighted
        squares = np.add.reduceat(weights * y**2, bounds[:-1])
        return cls(A, c, squares, np.diff(bounds))

    def take(self, tasks: Array) -> Moments:
        """Those of some tasks."""
        return Moments(self.A[tasks], self.c[tasks], self.squares[tasks], self.counts[tasks])


class RandomSlopes:
    """The variances, and what is best predicted with them.

    Attributes
    ----------
    common : ndarray of shape (1 + n_directions,)
        m.
    variances : ndarray of shape (2,)
        Between tasks, of intercepts and of slopes.
    noise : float
        Of labels of weight 1.
    """

    def __init__(self, n_slopes: int, variance: float, noise: float | None) -> None:
        self.bounds = LEAST * variance, MOST * variance
        self.first_noise = (1.0 - BETWEEN) * variance
        self.knows_noise = noise is not None
        self.noise = self.first_noise if noise is None else noise
        self.variances = BETWEEN * variance / np.array([1.0, n_slopes])
        self.common_variance = variance / n_slopes

    def fit(self, moments: Moments) -> None:
        """Go on to the variances that are most likely."""
        for _ in range(N_STEPS):
            self._step(moments)

    def _within(self, A: Array) -> Array:
        """V_t of tasks with some A_t."""
        root = np.sqrt(np.repeat(self.variances, [1, A.shape[1] - 1]))
        inner = np.eye(len(root)) + root[:, None] * A * root / self.noise
        return root[:, None] * np.linalg.inv(inner) * root

    def deviations(self, moments: Moments) -> Array:
        """v_t (n_tasks, 1 + n_directions) of some tasks."""
        size = max(1, CHUNK // moments.A[0].size)
        found = np.empty_like(moments.c)
        for start in range(0, len(found), size):
            some = slice(start, start + size)
            left = moments.c[some] - moments.A[some] @ self.common
            found[some] = _apply(self._within(moments.A[some]), left) / self.noise
        return found

    def _step(self, moments: Moments) -> None:
        """Predictions, then variances."""
        A, c, noise = moments.A, moments.c, self.noise
        VA = self._within(A) @ A / noise
        # What is left of a row's weight, once its task has a line of its own.
        rest = np.eye(A.shape[1]) - VA
        B = A @ rest / noise
        precision = np.diag(np.r_[0.0, np.full(A.shape[1] - 1, 1.0 / self.common_variance)])
        C = np.linalg.inv(B.sum(axis=0) + precision)
        self.common = C @ _apply(_turned(rest), c).sum(axis=0) / noise
        v = self.deviations(moments)
        sizes = (v**2).sum(axis=0)
        chances = np.einsum("tii->i", B) - ((B @ C) * B).sum(axis=(0, 2))
        sizes, chances = (np.array([sums[0], sums[1:].sum()]) for sums in (sizes, chances))
        fitted = self.common + v
        error = moments.squares - 2.0 * (fitted * c).sum(axis=1)
        error += (fitted * _apply(A, fitted)).sum(axis=1)
        n_used = np.einsum("tii->", VA) + ((rest @ C @ _turned(rest)) * A).sum() / noise
        if not self.knows_noise:
            # One more label, with the noise of the start: a few may be met by chance.
            n_left = max(moments.counts.sum() - n_used, 0.0)
            self.noise = (max(error.sum(), 0.0) + self.first_noise) / (n_left + 1.0)
        n_common = len(C) - 1 - np.trace(C[1:, 1:]) / self.common_variance
        common_variance = (self.common[1:] ** 2).sum() / max(n_common, TINY)
        self.common_variance = float(np.clip(common_variance, *self.bounds))
        ratios = sizes / np.maximum(chances * self.variances, TINY)
        self.variances = np.clip(ratios, *self.bounds)


def _turned(matrices: Array) -> Array:
    return matrices.swapaxes(-1, -2)


def _apply(matrices: Array, vectors: Array) -> Array:
    """Each matrix times its vector."""
    product: Array = (matrices @ vectors[..., None])[..., 0]
    return product
