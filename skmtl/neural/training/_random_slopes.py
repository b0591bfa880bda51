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

References
----------
.. [1] N. M. Laird and J. H. Ware, "Random-effects models for longitudinal data", Biometrics 38,
   1982, eqs. 3.1 and 3.2.
.. [2] D. A. Harville, "Maximum likelihood approaches to variance component estimation and to
   related problems", Journal of the American Statistical Association 72, 1977.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd

from skmtl._rounding import varies
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.architectures._lines import N_DIRECTIONS, Lines
from skmtl.neural.inputs._inputs import Inputs
from skmtl.neural.training._setup import Fit
from skmtl.tasks._targets import Targets
from skmtl.tasks._weights import in_range

Array = NDArray[Any]

TINY = np.finfo(float).tiny

N_STEPS = 15
"""Of the variances: they are known to some percent then, and predictions to their digits."""

N_ROWS, N_TASKS = 2_000, 500
"""Rows that tell centre, spread and directions of the inputs; tasks that tell the variances."""

CHUNK = 2**22
"""Numbers of rows, or of matrices of tasks, at a time."""

BETWEEN, LEAST = 0.1, 1e-9
"""Of the variance of the labels: where the variances between tasks start, and where they end."""


def start_at_lines(fit: Fit, module: MultiTaskModule, index: Sequence[Array | None]) -> None:
    """Let each model begin at the lines of the rows it trains on; None stands for all rows."""
    if not (module.takes_lines and fit.tasks.is_long and fit.tasks.has_squared_loss):
        return
    found: dict[bytes | None, Lines | None] = {}
    for model, rows in enumerate(index):
        key = None if rows is None else rows.tobytes()
        if key not in found:
            X, targets = fit.X, fit.targets
            if rows is not None:
                X, targets = X[rows], targets.take(rows)
            found[key] = lines_of_tasks(fit.inputs, X, targets)
        lines = found[key]
        if lines is not None:
            module.start_at_lines(model, lines)


def lines_of_tasks(inputs: Inputs, X: Any, targets: Targets) -> Lines | None:
    """What a linear model says of each task; None where there is nothing to compare.

    Parameters
    ----------
    inputs : Inputs
        What the network reads of X: rows are vectors.
    X : ndarray or sparse array of shape (n, n_features)
        Features.
    targets : Targets
        Labels of these rows, in long form, of tasks with squared loss.
    """
    assert targets.task_index is not None
    used = np.flatnonzero(targets.weights > 0)
    rows = used[np.argsort(targets.task_index[used], kind="stable")]
    present, first = np.unique(targets.task_index[rows], return_index=True)
    y, weights = targets.values[rows].astype(float), in_range(targets.weights[rows])
    level = np.average(y, weights=weights)
    variance = np.average((y - level) ** 2, weights=weights)
    if len(present) < 2 or not variance > 0:
        return None
    center, basis = _coordinates(inputs, X, rows)
    if not basis.shape[1]:
        return None

    def read(some: slice) -> Array:
        Z = (_plain(inputs, X, rows[some]) - center) @ basis
        return np.column_stack([np.ones(len(Z)), Z])

    moments = _Moments.of(read, y - level, weights / weights.mean(), np.r_[first, len(rows)])
    model = _Model(moments.take(_some(len(present), N_TASKS)), variance)
    own = np.zeros((targets.tasks.n_tasks, 1 + basis.shape[1]))
    own[present] = model.deviations(moments)
    of_all = float(np.mean(model.common[1:] ** 2))
    return Lines(
        center,
        basis,
        common=np.array([level + model.common[0]]),
        offsets=own[:, :1],
        slopes=own[:, 1:, None],
        difference=float(model.variances[1] / (model.variances[1] + of_all)),
    )


def _some(n_all: int, n_some: int) -> Array:
    """All positions or, spread over them, as many as are wanted."""
    return np.unique(np.linspace(0, n_all - 1, min(n_all, n_some)).astype(int))


def _plain(inputs: Inputs, X: Any, rows: Array) -> Array:
    """What the network reads of some rows, as far as nothing is trained before it."""
    Z = inputs.transform(X, rows, np.float64)
    return np.asarray(Z.toarray() if sparse.issparse(Z) else Z)[:, : inputs.n_plain]


def _coordinates(inputs: Inputs, X: Any, rows: Array) -> tuple[Array, Array]:
    """Centre (n_inputs,) and basis (n_inputs, n_directions) of standardised coordinates.

    Of many inputs they are the leading principal directions.
    """
    Z = _plain(inputs, X, rows[_some(len(rows), min(N_ROWS, max(64, CHUNK // X.shape[1])))])
    used = np.flatnonzero(varies(np.ptp(Z, axis=0), np.abs(Z).max(axis=0), X.dtype))
    center = Z.mean(axis=0)
    Z -= center
    basis = np.zeros((len(center), len(used)))
    basis[used, np.arange(len(used))] = 1.0 / np.sqrt(np.mean(Z[:, used] ** 2, axis=0))
    if len(used) > N_DIRECTIONS:
        _, _, directions = randomized_svd(Z @ basis, N_DIRECTIONS, random_state=0)
        basis = basis @ directions.T
    return center, basis


@dataclass(frozen=True)
class _Moments:
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

    def take(self, tasks: Array) -> _Moments:
        """Those of some tasks."""
        return _Moments(self.A[tasks], self.c[tasks], self.squares[tasks], self.counts[tasks])


class _Model:
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

    def __init__(self, moments: _Moments, variance: float) -> None:
        n_slopes = moments.A.shape[1] - 1
        self.least = LEAST * variance
        self.noise = (1.0 - BETWEEN) * variance
        self.variances = BETWEEN * variance / np.array([1.0, n_slopes])
        self.common_variance = variance / n_slopes
        for _ in range(N_STEPS):
            self._step(moments)

    def _within(self, A: Array) -> Array:
        """V_t of tasks with some A_t."""
        root = np.sqrt(np.repeat(self.variances, [1, A.shape[1] - 1]))
        inner = np.eye(len(root)) + root[:, None] * A * root / self.noise
        return root[:, None] * np.linalg.inv(inner) * root

    def deviations(self, moments: _Moments) -> Array:
        """v_t (n_tasks, 1 + n_directions) of some tasks."""
        size = max(1, CHUNK // moments.A[0].size)
        found = np.empty_like(moments.c)
        for start in range(0, len(found), size):
            some = slice(start, start + size)
            left = moments.c[some] - moments.A[some] @ self.common
            found[some] = _apply(self._within(moments.A[some]), left) / self.noise
        return found

    def _step(self, moments: _Moments) -> None:
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
        self.noise = max(error.sum() / max(moments.counts.sum() - n_used, 1.0), self.least)
        n_common = len(C) - 1 - np.trace(C[1:, 1:]) / self.common_variance
        self.common_variance = max((self.common[1:] ** 2).sum() / max(n_common, 1.0), self.least)
        self.variances = np.maximum(sizes / np.maximum(chances * self.variances, TINY), self.least)


def _turned(matrices: Array) -> Array:
    return matrices.swapaxes(-1, -2)


def _apply(matrices: Array, vectors: Array) -> Array:
    """Each matrix times its vector."""
    product: Array = (matrices @ vectors[..., None])[..., 0]
    return product
