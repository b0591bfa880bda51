"""The variances of largest restricted likelihood.

References
----------
G. Schwarz, "Estimating the dimension of a model", Annals of Statistics 6, 1978; for covariances
between subjects with the number of subjects: M. Delattre, M. Lavielle and M.-A. Poursat, "A note on
BIC in mixed-effects models", Electronic Journal of Statistics 8, 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from skmtl.linear.bayesian._likelihood import Posterior, Variances
from skmtl.linear.bayesian._moments import Moments
from skmtl.linear.bayesian._structures import Structure, structure_of

Array = NDArray[Any]
Deviance = Callable[[Array], tuple[float, Array]]

BETWEEN = 0.1
"""Share of the variance of the labels that is between tasks, where the search starts."""

LEAST, MOST = 1e-7, 1e6
"""Of the variance of the labels: between what variances stay. Less noise is
not told from rounding: sums of squares have half of the digits."""

MARGIN = 1.25
"""How much more than a quadratic of the deviance says a covariance may gain."""

TINY, RELATIVE = float(np.finfo(float).tiny), 1e-12
"""Least curvature, and least one relative to the largest."""

MOST_POLISHED = 60
"""Free numbers for which slopes at twice as many places are no burden."""

N_POLISHES, STEP = 8, 1e-4
"""Steps of Newton, and the differences their matrix is made of."""

RELATIVE_CURVATURE = 1e-7
"""What of the largest curvature is none."""

FLAT = 1e-4
"""Difference of deviances that says nothing."""

N_PAIRS = 30
"""Steps that L-BFGS remembers: a hundred numbers of a covariance answer to each other."""


@dataclass(frozen=True)
class Model:
    """What is free: L by its structure, the noise of one or all tasks, the variance of m or none.

    The first ``n_flat`` coefficients of m have no prior.
    """

    structure: Structure
    one_noise: bool
    n_flat: int

    @property
    def has_prior(self) -> bool:
        """Whether coefficients of m have a variance."""
        return self.n_flat < self.structure.d

    def n_logs(self, n_tasks: int) -> int:
        """Free numbers that are logarithms, the last ones."""
        return (1 if self.one_noise else n_tasks) + self.has_prior

    def variances(self, free: Array, n_tasks: int) -> Variances:
        """Those that free numbers stand for."""
        split = len(free) - self.n_logs(n_tasks)
        of_factor, logs = free[:split], np.exp(free[split:])
        precision = np.zeros(self.structure.d)
        if self.has_prior:
            precision[self.n_flat :], logs = 1.0 / logs[-1], logs[:-1]
        return Variances(
            self.structure.factor(of_factor), np.broadcast_to(logs, n_tasks), precision
        )

    def slopes(self, posterior: Posterior) -> Array:
        """Those of the deviance along the free numbers."""
        of_factor, of_noise, of_prior = posterior.slopes()
        if self.one_noise:
            of_noise = of_noise.sum(keepdims=True)
        of_factor = self.structure.slopes(of_factor)
        return np.r_[of_factor, of_noise, [of_prior] if self.has_prior else []]

    def free(self, variances: Variances) -> Array:
        """Numbers close to given variances."""
        noise = variances.noise[:1] if self.one_noise else variances.noise
        logs = np.log(noise)
        if self.has_prior:
            logs = np.r_[logs, -np.log(variances.precision[-1])]
        return np.r_[self.structure.start(variances.covariance), logs]


@dataclass(frozen=True)
class Found:
    """Variances with what is known of the coefficients; steps taken, and whether all."""

    model: Model
    posterior: Posterior
    n_iter: int
    converged: bool

    @property
    def criterion(self) -> float:
        """Deviance plus what the numbers of the covariance cost: the logarithm of n_tasks each."""
        n_tasks = len(self.posterior.moments.n)
        return self.posterior.deviance + np.log(n_tasks) * self.model.structure.n_free


def likely_variances(
    moments: Moments, covariance: str | int, model: Model, *, max_iter: int, tol: float
) -> Found:
    """Of a covariance by name.

    "auto" is that of least Schwarz criterion among "scalar", "diag", ranks 1, 2, 4 and "full",
    where there is a task for every number of it and slopes of the likelihood say that it may pay.
    ``model`` is that of a scalar covariance, where every search begins.
    """
    has_intercept, d = model.structure.has_intercept, model.structure.d
    scalar = _search(moments, model, _start(moments, model), max_iter=max_iter, tol=tol)

    def refined(structure: Structure) -> Found:
        start = _after_one_step(scalar.posterior)
        model_of = replace(model, structure=structure)
        return _search(moments, model_of, start, max_iter=max_iter, tol=tol)

    if covariance == "scalar" or len(moments.n) == 1:
        # Of one task, only the sum of both variances is known.
        return scalar
    if covariance != "auto":
        return refined(structure_of(covariance, d, has_intercept=has_intercept))
    best, gains = scalar, _gains(scalar.posterior)
    for choice in ("diag", 1, 2, 4, "full"):
        structure = structure_of(choice, d, has_intercept=has_intercept)
        more = structure.n_free - scalar.model.structure.n_free
        if structure.n_free > len(moments.n):
            break
        if MARGIN * gains[choice != "diag"] < np.log(len(moments.n)) * more:
            continue
        found = refined(structure)
        if found.criterion < best.criterion:
            best = found
    return best


def _gains(posterior: Posterior) -> tuple[float, float]:
    r"""About how much less the deviance would be with a diagonal covariance, or one of rank 1 more.

    With slope G along the covariance and curvature :math:`\sum_t (x'B_tx)^2` along :math:`xx'`, a
    direction x has a minimum :math:`(x'Gx)^2 / 2 \sum_t (x'B_tx)^2` lower.
    """
    G, counts = posterior.of_covariance, posterior.counts
    diagonals = np.einsum("uii->ui", posterior.B)
    of_diagonal = float((np.diag(G) ** 2 / np.maximum(counts @ diagonals**2, TINY)).sum())
    mean = np.tensordot(counts / counts.sum(), posterior.B, axes=1)
    values, vectors = np.linalg.eigh(mean)
    root = vectors / np.sqrt(np.maximum(values, TINY + RELATIVE * values[-1]))
    steepest = max(float(-np.linalg.eigvalsh(root.T @ G @ root)[0]), 0.0)
    return 0.5 * of_diagonal, 0.5 * of_diagonal + 0.5 * steepest**2 / float(counts.sum())


def _start(moments: Moments, model: Model) -> Variances:
    """Some of the variance of the labels between tasks, all features alike."""
    d, variance, has_intercept = model.structure.d, moments.variance, model.structure.has_intercept
    n_slopes = max(d - has_intercept, 1)
    between = np.full(d, BETWEEN * variance / n_slopes)
    if has_intercept:
        between[0] = BETWEEN * variance
    precision = np.zeros(d)
    precision[model.n_flat :] = n_slopes / variance
    noise = np.full(len(moments.n), (1.0 - BETWEEN) * variance)
    return Variances(np.diag(np.sqrt(between)), noise, precision)


def _after_one_step(posterior: Posterior) -> Variances:
    """Variances after a step of EM, whose covariance may have any shape."""
    variances = posterior.variances
    Sigma = variances.covariance
    stepped = Sigma - Sigma @ posterior.of_covariance @ Sigma / len(posterior.k)
    values, vectors = np.linalg.eigh(stepped)
    return replace(variances, L=vectors * np.sqrt(np.maximum(values, 0.0)))


def _search(
    moments: Moments, model: Model, start: Variances, *, max_iter: int, tol: float
) -> Found:
    """Go on to a maximum by L-BFGS."""
    n_tasks = len(moments.n)

    def deviance(free: Array) -> tuple[float, Array]:
        posterior = Posterior(moments, model.variances(free, n_tasks))
        return posterior.deviance, model.slopes(posterior)

    free, n_logs = model.free(start), model.n_logs(n_tasks)
    limits = np.log(np.array([LEAST, MOST]) * moments.variance)
    largest = np.sqrt(MOST * moments.variance)
    bounds = [(-largest, largest)] * (len(free) - n_logs) + [tuple(limits)] * n_logs
    options = {"maxiter": max_iter, "ftol": tol, "gtol": 0.0, "maxcor": N_PAIRS}
    found = minimize(deviance, free, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    free = found.x
    if model.has_prior:
        # A variance that is next to nothing is the least one: the likelihood is flat there.
        least = np.r_[free[:-1], limits[0]]
        if deviance(least)[0] <= deviance(free)[0] + FLAT:
            free = least
    if len(free) <= MOST_POLISHED:
        inside = np.ones(len(free), dtype=bool)
        from_limits = np.abs(free[len(free) - n_logs :, None] - limits)
        inside[len(free) - n_logs :] = (from_limits > STEP).all(axis=1)
        free = _polished(deviance, free, np.flatnonzero(inside))
    posterior = Posterior(moments, model.variances(free, n_tasks))
    return Found(model, posterior, int(found.nit), found.nit < max_iter)


def _polished(deviance: Deviance, free: Array, inside: Array) -> Array:
    """Free numbers after steps of Newton with one matrix, by differences of slopes.

    What rounding does to the way there is no longer seen then. Where the deviance curves up.
    """
    slopes = deviance(free)[1]
    step = STEP * np.maximum(np.abs(free[inside]), 1.0)
    moves = np.zeros((len(inside), len(free)))
    moves[np.arange(len(inside)), inside] = step
    rows = [deviance(free + move)[1] - deviance(free - move)[1] for move in moves]
    H = np.array(rows)[:, inside] / (2.0 * step[:, None])
    values, vectors = np.linalg.eigh(0.5 * (H + H.T))
    known = values > RELATIVE_CURVATURE * values.max(initial=0.0)
    vectors, values = vectors[:, known], values[known]
    for _ in range(N_POLISHES):
        moved = free.copy()
        moved[inside] -= vectors @ (vectors.T @ slopes[inside] / values)
        slopes_there = deviance(moved)[1]
        if not np.linalg.norm(slopes_there[inside]) < np.linalg.norm(slopes[inside]):
            break
        free, slopes = moved, slopes_there
    return free
