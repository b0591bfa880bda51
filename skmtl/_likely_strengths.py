r"""Few labels of one task on few groups of features: the ridge, averaged over its strengths.

Raw scores of rows are Gaussian before any label is seen: with groups :math:`A_j` of centred
features, whose rows have squares of mean 1, and an intercept,

.. math:: f = o + b + g, \qquad g \sim N\bigl(0, \textstyle\sum_j s_j A_j A_j'\bigr),

so that the most likely scores given the labels are those of ridge regression. Strengths s are not
chosen but averaged over: each of a grid counts as its marginal likelihood says,

.. math:: \log L(s) = -\sum_i c_i \, \ell_i(\hat f_i) - \tfrac12 |\hat v|^2 - \tfrac12 \log |H|,

by Laplace's approximation, with :math:`g = Uv`, :math:`UU'` the covariance and H the second
derivative at the mode. For squared loss, where strengths are relative to the noise, it is exact:
with :math:`P = M^{-1} - M^{-1} 1 1' M^{-1} / 1' M^{-1} 1` and M the covariance of the labels,

.. math:: \log L(s) = -\tfrac12 \log |M| - \tfrac12 \log 1' M^{-1} 1 - \tfrac{n - 1}2 \log y' P y.

References
----------
D. J. C. MacKay, "Bayesian interpolation", Neural Computation 4, 1992, sections 3 and 4. C. E.
Rasmussen and C. K. I. Williams, "Gaussian processes for machine learning", MIT Press 2006,
eqs. 2.45 (an unpenalised mean) and 3.32 (Laplace's approximation). J. A. Hoeting et al., "Bayesian
model averaging", Statistical Science 14, 1999, eq. 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from skmtl.tasks._base import Task

Array = NDArray[Any]

OF_SQUARES = (0.0, 0.1, 1.0, 10.0, 1e3)
"""Strengths that are tried for squared loss: variances of a score over that of the noise."""
OF_SCORES = (0.0, 0.1, 1.0, 10.0)
"""The same for others: variances of log-odds and the like, which are hardly above 10."""
OF_INTERCEPT = 100.0
"""Variance of an intercept: log-odds of some tens are as good as certain."""
MOST_DIRECTIONS = 400
"""Unknowns of Newton's method, about a hundredth of a second a step."""
MAX_ITER, TOL = 50, 1e-10
"""Newton's method: steps, and the decrement at which it ends."""
ROUNDING = 1e-12
"""Share of a sum of squares that is rounding."""


class Labels(NamedTuple):
    """Encoded labels of a task, how many each stands for, and whether there is an intercept."""

    task: Task
    values: Array
    counts: Array
    has_intercept: bool


@dataclass(frozen=True)
class Trial:
    """What some strengths say: log likelihood, intercepts (C,), and duals (n, C) of the scores.

    Scores of the group j are :math:`s_j A_j A_j' d`. ``noise`` is the variance of the noise.
    """

    share: float
    strengths: tuple[float, ...]
    likelihood: float
    intercept: Array
    duals: Array
    noise: float = 1.0


def try_strengths(labels: Labels, offset: Array | None, grams: list[Array]) -> list[Trial]:
    """A `Trial` of all strengths of the groups, with and without the ``offset`` (n, C)."""
    is_squared = labels.task.has_squared_loss or not labels.task.is_smooth
    n_rows = len(labels.values)
    nothing = np.zeros((n_rows, labels.task.n_outputs_))
    trials = []
    for strengths in product(OF_SQUARES if is_squared else OF_SCORES, repeat=len(grams)):
        K = np.zeros((n_rows, n_rows))
        for s, gram in zip(strengths, grams, strict=True):
            K += s * gram
        solve = Squared(labels, K) if is_squared else Laplace(labels, K)
        for share in (0.0, 1.0) if offset is not None else (0.0,):
            o = nothing if offset is None else share * offset
            trials.append(Trial(share, strengths, *solve(o)))
    return trials


def likelihoods(trials: list[Trial], prior: Array) -> Array:
    """What each trial counts, of sum 1; ``prior`` are logarithms."""
    logs = np.array([trial.likelihood for trial in trials]) + prior
    weights = np.exp(logs - logs.max())
    return np.asarray(weights / weights.sum())


class Squared:
    """Squared loss with this covariance of scores, in units of the noise."""

    def __init__(self, labels: Labels, K: Array) -> None:
        self.labels = labels
        self.factor = linalg.cho_factor(K + np.diag(1.0 / labels.counts), lower=True)
        self.log_size = 2.0 * float(np.log(np.diag(self.factor[0])).sum())
        self.ones = linalg.cho_solve(self.factor, np.ones(len(K)))

    def __call__(self, offset: Array) -> tuple[float, Array, Array, float]:
        y, n = self.labels.values[:, None] - offset, float(self.labels.counts.sum())
        duals, intercept = linalg.cho_solve(self.factor, y), np.zeros(y.shape[1])
        log_size = self.log_size
        if self.labels.has_intercept:
            total = float(self.ones.sum())
            intercept = duals.sum(axis=0) / total
            duals = duals - np.outer(self.ones, intercept)
            log_size, n = log_size + float(np.log(total)), n - 1.0
        squares = float(self.labels.counts @ np.square(y).sum(axis=1))
        left = max(float(np.vdot(y, duals)), ROUNDING * squares, np.finfo(float).tiny)
        return -0.5 * (log_size + n * np.log(left)), intercept, duals, left / max(n, 1.0)


class Laplace:
    """Any convex loss with this covariance of scores."""

    def __init__(self, labels: Labels, K: Array) -> None:
        self.labels, n_outputs = labels, labels.task.n_outputs_
        values, vectors = linalg.eigh(K)
        most = max(1, MOST_DIRECTIONS // n_outputs)
        used = np.flatnonzero(values > ROUNDING * max(values[-1], ROUNDING))[-most:]
        root = np.sqrt(values[used])
        self.back = vectors[:, used] / root
        parts = [vectors[:, used] * root]
        if labels.has_intercept:
            parts.append(np.full((len(K), 1), np.sqrt(OF_INTERCEPT)))
        self.basis = np.hstack(parts)

    def __call__(self, offset: Array) -> tuple[float, Array, Array]:
        V = np.zeros((self.basis.shape[1], offset.shape[1]))
        value, slope, raw = self._at(V, offset)
        for _ in range(MAX_ITER):
            step, _ = self._solved(raw, slope.ravel())
            decrement, length = float(slope.ravel() @ step), 1.0
            if not decrement > TOL:
                break
            step = step.reshape(V.shape)
            with np.errstate(over="ignore", invalid="ignore"):
                found = self._at(V - step, offset)
                while not found[0] <= value - 1e-4 * length * decrement and length > 1e-8:
                    length *= 0.5
                    found = self._at(V - length * step, offset)
            if not found[0] < value:
                break
            V, (value, slope, raw) = V - length * step, found
        _, log_size = self._solved(raw, slope.ravel())
        n_directions = self.back.shape[1]
        intercept = np.sqrt(OF_INTERCEPT) * V[n_directions:].sum(axis=0)
        return -value - log_size, intercept, self.back @ V[:n_directions]

    def _at(self, V: Array, offset: Array) -> tuple[float, Array, Array]:
        """Loss with half the squares of V, its slope, and raw scores."""
        raw, counts = offset + self.basis @ V, self.labels.counts
        loss, gradient = self.labels.task.loss_and_grad(raw, self.labels.values)
        slope = self.basis.T @ (counts[:, None] * gradient) + V
        return float(counts @ loss) + 0.5 * float(np.vdot(V, V)), slope, raw

    def _solved(self, raw: Array, b: Array) -> tuple[Array, float]:
        """:math:`H^{-1} b` for the second derivative H along V, and log :math:`|H|^{1/2}`."""
        bent = self.labels.task.curvature_matrix(raw, self.labels.values)
        bent = self.labels.counts[:, None, None] * bent
        n = len(b)
        H = np.einsum("ir,icd,is->rcsd", self.basis, bent, self.basis, optimize=True)
        try:
            factor = linalg.cho_factor(H.reshape(n, n) + np.eye(n))
        except linalg.LinAlgError:
            return solved_by_roots(self.basis, bent, b)
        return linalg.cho_solve(factor, b), float(np.log(np.diag(factor[0])).sum())


def solved_by_roots(basis: Array, bent: Array, b: Array) -> tuple[Array, float]:
    """The same where curvatures are so large that the identity is rounding beside them."""
    values, vectors = np.linalg.eigh(bent)
    root = vectors * np.sqrt(np.maximum(values, 0.0))[:, None]
    parts = np.einsum("ir,idc->icrd", basis, root).reshape(-1, len(b))
    _, s, Vt = linalg.svd(parts, full_matrices=False)
    # Of 1 / (1 + s^2) what differs from 1.
    less = 1.0 / (1.0 + (1.0 / np.maximum(s, np.finfo(float).tiny)) ** 2)
    return b - Vt.T @ (less * (Vt @ b)), float(np.log(np.hypot(1.0, s)).sum())
