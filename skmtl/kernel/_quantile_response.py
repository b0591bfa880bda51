r"""Labels whose quantiles are wanted as numbers that a squared loss takes, and the way back.

Kernels are fitted to the label, and to how far it is from what other rows expect of it, as curves
of location and scale [1]_ are: :math:`z_i = (y_i, |y_i - v_{-i}|)`. Functions v that are fitted to
these stand for the quantiles

.. math:: f_k(x) = b_k + a_k' v(x),

linear quantile regression [2]_ of rows that the functions were not fitted to, pulled to what is
expected of the label (:math:`a_0`) as if :math:`\lambda` rows had said so:

.. math:: \min_{a, b} \; \frac1n \sum_i \rho_{\tau_k}(y_i - b - a' v_i)
    + \frac{\lambda}{2 n} \| a - a_0 \|^2, \qquad \rho_\tau(r) = \max(\tau r, (\tau - 1) r)

References
----------
.. [1] X. He, "Quantile curves without crossing", The American Statistician 51, 1997, section 2.
.. [2] R. Koenker and G. Bassett, "Regression quantiles", Econometrica 46, 1978, eq. 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel._working_response import Link, differ
from skmtl.tasks._quantile import Quantile
from skmtl.tasks._weights import in_range

Array = NDArray[Any]

PULL = 2.0
"""lambda, where labels and functions are in units of the spread of the labels."""
SMOOTHINGS = (1.0, 0.1, 1e-2, 1e-3)
"""Of the pinball losses of the link, in units of the spread, from one to the next."""
MAX_ITER, TOL, LEAST = 30, 1e-9, 1e-9
"""Steps of each, the decrement at which they end, and the least curvature."""


@dataclass(frozen=True, eq=False)
class QuantileResponse:
    """The labels of one quantile task as numbers: ``values`` (n_samples, n_responses).

    ``labels`` are the encoded labels, ``share`` their weights, of sum 1, ``quantiles`` their own.
    """

    task: Quantile
    labels: Array
    share: Array
    values: Array
    quantiles: Array
    spread: float

    @classmethod
    def of(cls, task: Quantile, labels: Array, weights: Array) -> Self:
        """From encoded labels and their weights, 0 where unobserved."""
        used, share = weights > 0, in_range(weights)
        share = share / share.sum()
        some, of_some = labels[used], share[used]
        quantiles = np.asarray(task.raw_prior(some, of_some), dtype=np.float64)
        mean = float(of_some @ some)
        spread = float(np.sqrt(of_some @ np.square(some - mean))) or 1.0
        values = np.zeros((len(labels), 1))
        if differ(task.labels(some)):
            values[used, 0] = some - mean
        return cls(task, labels, share, values, quantiles, spread)

    def with_spread(self, held_out: Array) -> Self:
        """With the distances of the labels from what other rows expect of them (n_samples, 1)."""
        used = (self.share > 0) & np.isfinite(held_out[:, 0])
        if not used.any() or not self.values.any():
            return self
        spread = np.zeros(len(self.labels))
        spread[used] = np.abs(self.values[used, 0] - held_out[used, 0])
        spread[used] -= np.average(spread[used], weights=self.share[used])
        return replace(self, values=np.column_stack([self.values[:, 0], spread]))

    def link(self, fitted: Array) -> Link:
        """How fitted responses of held-out rows (n_samples, n_responses) become raw scores."""
        used = (self.share > 0) & np.isfinite(fitted).all(axis=1)
        first = np.zeros(fitted.shape[1])
        first[0] = 1.0
        if not used.any():
            matrix = np.repeat(first[:, None], len(self.quantiles), axis=1)
            return Link(self.quantiles, matrix, 1.0, np.zeros(0))
        share = self.share[used] / self.share[used].sum()
        v, labels = fitted[used] / self.spread, self.labels[used] / self.spread
        pull = PULL * float(share @ share)
        lines = [_line(v, labels, share, float(level), first, pull) for level in self.task.levels_]
        offset = self.spread * np.array([line[0] for line in lines])
        return Link(offset, np.array([line[1:] for line in lines]).T, 1.0, np.zeros(0))


def _line(v: Array, labels: Array, share: Array, level: float, first: Array, pull: float) -> Array:
    """b and a of one level, by Newton's method; the smoothing of the loss falls from fit to fit."""
    design = np.column_stack([np.ones(len(v)), v])
    start = np.concatenate([np.zeros(1), first])
    ridge = np.concatenate([[LEAST], np.full(len(first), pull + LEAST)])
    order = np.argsort(rest := labels - design @ start)
    start[0] = rest[order][np.searchsorted(share[order].cumsum(), level).clip(max=len(v) - 1)]
    line = start.copy()

    def loss(line: Array, mu: float) -> tuple[float, Array, Array]:
        rest, apart = labels - design @ line, line - start
        u = np.clip(rest / mu, level - 1.0, level)
        value = share @ (u * (rest - 0.5 * mu * u)) + 0.5 * ridge @ apart**2
        return float(value), ridge * apart - (share * u) @ design, np.abs(rest / mu - u) == 0.0

    for mu in SMOOTHINGS:
        value, slope, is_bent = loss(line, mu)
        for _ in range(MAX_ITER):
            bent = design[is_bent]
            hessian = (bent.T * (share[is_bent] / mu)) @ bent + np.diag(ridge)
            step = np.linalg.solve(hessian, slope)
            decrement, length = float(slope @ step), 1.0
            if not decrement > TOL:
                break
            found = loss(line - step, mu)
            while not found[0] <= value - 1e-4 * length * decrement and length > 1e-8:
                length *= 0.5
                found = loss(line - length * step, mu)
            if not found[0] < value:
                break
            line, (value, slope, is_bent) = line - length * step, found
    return line
