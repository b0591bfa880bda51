r"""The variances of largest restricted likelihood, for a covariance of one kind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from skmtl.linear.bayesian._likelihood import Posterior
from skmtl.linear.bayesian._moments import Moments
from skmtl.linear.bayesian._variances import Model

Array = NDArray[Any]

LEAST, MOST = 1e-7, 1e6
"""Of the variance of the labels: between what variances stay. Less noise is
not told from rounding: sums of squares have half of the digits."""

MOST_POLISHED = 12
"""Free numbers for which slopes at as many places are no burden."""

N_POLISHES, STEP = 8, 1e-4
"""Steps of Newton, and the differences their matrix is made of."""

RELATIVE = 1e-3
"""Of the likeliest variance: what is less is next to 0."""

RELATIVE_CURVATURE = 1e-7
"""What of the largest curvature is none."""

FLAT = 1e-4
"""Difference of deviances that says nothing."""

N_PAIRS = 30
"""Steps that L-BFGS remembers: a hundred numbers of a covariance answer to each other."""


@dataclass(frozen=True)
class Found:
    """Free numbers with what is known of the coefficients; steps taken, and whether all."""

    moments: Moments
    model: Model
    free: Array
    n_iter: int = 0
    converged: bool = True

    @cached_property
    def posterior(self) -> Posterior:
        """Given the variances that the numbers stand for."""
        variances = self.model.variances(self.free, len(self.moments.n))
        return Posterior(self.moments, variances)

    @cached_property
    def slopes(self) -> Array:
        """Those of the deviance along the numbers."""
        return self.model.slopes(self.posterior)

    @property
    def deviance(self) -> float:
        """-2 log of the restricted likelihood."""
        return self.posterior.deviance

    @property
    def criterion(self) -> float:
        """Akaike's: deviance plus 2 for every number of the covariance."""
        return self.deviance + 2.0 * self.model.structure.n_free

    @property
    def n_logs(self) -> int:
        """How many numbers are logarithms, the last ones."""
        return self.model.n_logs(len(self.moments.n))

    @property
    def limits(self) -> Array:
        """Least and largest value of every number, (n_free, 2)."""
        variance = self.moments.variance
        limits = np.full((len(self.free), 2), np.sqrt(MOST * variance)) * [-1.0, 1.0]
        limits[len(self.free) - self.n_logs :] = np.log(np.array([LEAST, MOST]) * variance)
        return limits

    def at(self, free: Array) -> Found:
        """Elsewhere."""
        return replace(self, free=free)


def search(start: Found, *, max_iter: int, tol: float) -> Found:
    """Go on to a maximum by L-BFGS, and on from there where variances of 0 want to be more.

    Standard deviations are searched for, along which a variance of 0 has no slope.
    """
    found = _descent(_off_zero(start), max_iter=max_iter, tol=tol)
    while found.n_iter < max_iter:
        off = _off_zero(found)
        if off is found:
            break
        n_left = max_iter - found.n_iter
        further = _descent(off, max_iter=n_left, tol=tol)
        further = replace(further, n_iter=further.n_iter + found.n_iter)
        if further.deviance > found.deviance - FLAT:
            break
        found = further
    return found


def _off_zero(found: Found) -> Found:
    """With variances that are next to 0 where they are about likeliest.

    With slope g and curvature c along a variance, this is -g / c, for a gain of :math:`g^2 / 2 c`.
    """
    structure, free = found.model.structure, found.free
    variances = structure.variances(free)
    if variances is None:
        return found
    slopes = structure.of_variances(found.posterior.of_covariance)
    curvatures = structure.of_variances(found.posterior.curvature_of_covariance)
    best = likeliest_variances(slopes, curvatures)
    is_off = (variances < RELATIVE * best) & (-slopes * best > FLAT)
    if not is_off.any():
        return found
    moved = free.copy()
    at = structure.n_numbers - len(variances)
    moved[at : structure.n_numbers][is_off] = np.sqrt(best[is_off])
    return found.at(moved)


def likeliest_variances(slopes: Array, curvatures: Array) -> Array:
    """-g / c with slopes g and curvatures c of the deviance at 0; 0 where it rises, or is flat."""
    is_curved = curvatures > RELATIVE_CURVATURE * curvatures.max(initial=0.0)
    found: Array = np.zeros_like(slopes)
    np.divide(-slopes, curvatures, out=found, where=is_curved & (slopes < 0))
    return found


def _descent(start: Found, *, max_iter: int, tol: float) -> Found:
    """To a maximum close by; numbers are scaled: along each the deviance curves about alike."""
    size = 1.0 / np.sqrt(start.model.curvatures(start.posterior))

    def scaled(places: Array) -> tuple[float, Array]:
        there = start.at(places * size)
        return there.deviance, there.slopes * size

    options = {"maxiter": max_iter, "ftol": tol, "gtol": 0.0, "maxcor": N_PAIRS}
    limits = start.limits
    found = minimize(
        scaled,
        start.free / size,
        jac=True,
        method="L-BFGS-B",
        bounds=limits / size[:, None],
        options=options,
    )
    free = np.clip(found.x * size, *limits.T)
    best = replace(start, free=free, n_iter=int(found.nit), converged=found.nit < max_iter)
    if best.model.has_prior:
        # A variance that is next to nothing is the least one: the likelihood is flat there.
        least = best.at(np.r_[free[:-1], limits[-1, 0]])
        if least.deviance <= best.deviance + FLAT:
            best = least
    return best


def polished(found: Found) -> Found:
    """The same after steps of Newton with one matrix, by differences of slopes.

    What rounding does to the way there is no longer seen then. Where the deviance curves up.
    """
    free, split = found.free, len(found.free) - found.n_logs
    if len(free) > MOST_POLISHED:
        return found
    inside = np.ones(len(free), dtype=bool)
    inside[split:] = (np.abs(free[split:, None] - found.limits[split:]) > STEP).all(axis=1)
    inside = np.flatnonzero(inside)
    step = STEP * np.maximum(np.abs(free[inside]), 1.0)
    moves = np.zeros((len(inside), len(free)))
    moves[np.arange(len(inside)), inside] = step
    rows = [found.at(free + move).slopes - found.slopes for move in moves]
    H = np.array(rows)[:, inside] / step[:, None]
    values, vectors = np.linalg.eigh(0.5 * (H + H.T))
    known = values > RELATIVE_CURVATURE * values.max(initial=0.0)
    vectors, values = vectors[:, known], values[known]
    for _ in range(N_POLISHES):
        moved = found.free.copy()
        moved[inside] -= vectors @ (vectors.T @ found.slopes[inside] / values)
        there = found.at(moved)
        if not np.linalg.norm(there.slopes[inside]) < np.linalg.norm(found.slopes[inside]):
            break
        found = there
    return found
