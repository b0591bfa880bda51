r"""Which covariance the coefficients have: the likeliest of its kind, and of which kind.

References
----------
H. Akaike, "A new look at the statistical model identification", IEEE Transactions on Automatic
Control 19, 1974; of the marginal likelihood: F. Vaida and S. Blanchard, "Conditional Akaike
information for mixed-effects models", Biometrika 92, 2005; of few numbers: C. M. Hurvich and C.-L.
Tsai, "Regression and time series model selection in small samples", Biometrika 76, 1989; of
directions: F. Benaych-Georges and R. R. Nadakuditi, "The eigenvalues and eigenvectors of finite,
low rank perturbations of large random matrices", Advances in Mathematics 227, 2011, section 3.1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import semicircular

from skmtl.linear.bayesian._likelihood import Posterior
from skmtl.linear.bayesian._moments import Moments
from skmtl.linear.bayesian._search import (
    RELATIVE,
    RELATIVE_CURVATURE,
    Found,
    likeliest_variances,
    polished,
    search,
)
from skmtl.linear.bayesian._structures import LowRank, Scalar, Structure, structure_of
from skmtl.linear.bayesian._units import Variances
from skmtl.linear.bayesian._variances import TINY, Model

Array = NDArray[Any]

BETWEEN = 0.1
"""Share of the variance of the labels that is between tasks, where the search starts."""

MARGIN = 1.25
"""How much more than a quadratic of the deviance says a covariance may gain."""

FIRST = 0.5
"""Share of the gain of a covariance that the directions it starts with have already, at least
(measured on School, 10 to 75 % of the rows: .3 to .8; where it is less there is none to win)."""


ROUGH, NEAR = 1.0, 5.0
"""Of deviances: a step by which one search is rough, and what a thorough one may gain beyond."""

MANY = 300.0
"""Coefficients from which on a search is not worth its time where it promises no gain."""


def likely_variances(
    moments: Moments, covariance: str | int, model: Model, *, max_iter: int, tol: float
) -> Found:
    """Of a covariance by name; ``model`` is that of a scalar one, where every search begins."""
    d, has_intercept = model.structure.d, model.structure.has_intercept
    go_on = partial(search, max_iter=max_iter, tol=tol)
    found = go_on(Found(moments, model, model.free(_start(moments, model))))
    # Of one task, only the sum of both variances is known.
    if covariance == "auto" and len(moments.n) > 1:
        found = _chosen(found, go_on)
    elif covariance != "scalar" and len(moments.n) > 1:
        found = go_on(_refined(found, structure_of(covariance, d, has_intercept=has_intercept)))
    return polished(found)


def _chosen(scalar: Found, go_on: Callable[..., Found]) -> Found:
    """Of least Akaike criterion: "scalar", "diag", beside these a rank 1, 2, 4, 8, ..., or "full".

    Each next one is searched for where the one before it was better and, with many coefficients,
    where the slopes of the likelihood say that it may pay. Of n coefficients that labels tell
    apart, k numbers cost :math:`2 k n / (n - k - 1)`.
    """
    posterior = scalar.posterior
    n_told = float((posterior.total_B * posterior.variances.covariance).sum())

    def cost(found: Found) -> float:
        k = _numbers(found.model.structure)
        return 2.0 * k * n_told / (n_told - k - 1) if n_told > k + 1 else np.inf

    def criterion(found: Found) -> float:
        return found.deviance + cost(found)

    of_kind = partial(
        structure_of,
        d=scalar.model.structure.d,
        has_intercept=scalar.model.structure.has_intercept,
    )

    def better(found: Found, start: Found, gain: float) -> Found:
        if cost(start) == np.inf or (n_told > MANY and not cost(start) - gain < cost(found)):
            return found
        rough = go_on(start, tol=ROUGH / max(abs(start.deviance), 1.0))
        if criterion(rough) > criterion(found) + NEAR:
            return found
        return min(found, go_on(rough), key=criterion)

    def with_rank(found: Found, n: int) -> Found:
        start = _with_directions(found, n)
        return better(found, start, (found.deviance - start.deviance) / FIRST)

    best = with_rank(scalar, 1)
    gain = np.trace(_gains(scalar.posterior)) - (criterion(scalar) - criterion(best))
    diagonal = better(scalar, _refined(scalar, of_kind("diag")), gain)
    if criterion(diagonal) < criterion(best):
        best = with_rank(diagonal, 1)
    rank = 1
    while _rank(best) == rank < scalar.model.structure.d:
        best, rank = with_rank(best, min(rank, scalar.model.structure.d - rank)), 2 * rank
    if rank == 1:
        return best
    return better(best, _refined(best, of_kind("full")), _gains(best.posterior).sum())


def _numbers(structure: Structure) -> float:
    r"""Numbers whose gain a covariance has to make up for.

    A direction is the best of all there are: where there is none, slopes of the likelihood along
    the covariance are a random symmetric matrix, and r directions gain the squares of its r largest
    eigenvalues, :math:`\sqrt{2 d}` and less. One of size :math:`\theta` is found as
    :math:`\lambda = \theta + d / 2 \theta`, turned by :math:`\cos^2 = 1 - d / 2 \theta^2`, so that
    new labels gain :math:`2 \lambda \theta \cos^2 - \lambda^2`: something from
    :math:`\lambda^2 = 8 d / 3` on, 4/3 of what chance gains, as k numbers do from 2 k on.
    """
    if not isinstance(structure, LowRank):
        return float(structure.n_free)
    d, beside = structure.d, structure.beside.n_free
    # Of real matrices the i-th is where i - 3/4 of d are expected beyond (Airy zeros).
    values = np.sqrt(2.0 * d) * semicircular.ppf(1.0 - (np.arange(structure.rank) + 0.25) / d)
    by_chance = np.square(np.maximum(values, 0.0)).sum()
    return float(max(structure.n_free, beside + 2.0 / 3.0 * by_chance))


def _rank(found: Found) -> int:
    """That of what is beside a simpler covariance."""
    structure = found.model.structure
    return structure.rank if isinstance(structure, LowRank) else 0


def _refined(found: Found, structure: Structure) -> Found:
    """Where to start with another covariance: after a step of EM."""
    model = replace(found.model, structure=structure)
    return replace(found, model=model, free=model.free(_after_one_step(found.posterior)))


def _with_directions(found: Found, n: int) -> Found:
    r"""Where to start with a rank that is more by n.

    With slope G along the covariance and curvature :math:`\sum_t (x'B_tx)^2` along :math:`xx'`,
    the deviance is about least at the variance :math:`-x'Gx / \sum_t (x'B_tx)^2`.
    """
    posterior, structure = found.posterior, found.model.structure
    n_tasks, n_numbers = len(posterior.k), structure.n_numbers
    of_structure, logs = found.free[:n_numbers], found.free[n_numbers:]
    size = _curved(np.diag(posterior.curvature_of_covariance) / n_tasks) ** -0.25
    slopes, vectors = np.linalg.eigh(size[:, None] * posterior.of_covariance * size)
    F = size[:, None] * vectors[:, :n]
    F *= np.sqrt(np.maximum(-slopes[:n], 0.0) / _curved(posterior.squares_along(F)))
    if isinstance(structure, LowRank):
        before, of_structure = structure.split(of_structure)
        F, structure = np.hstack([before, F]), structure.beside
    assert isinstance(structure, Scalar)
    model = replace(found.model, structure=LowRank(structure, F.shape[1]))
    return replace(found, model=model, free=np.r_[F.ravel(), of_structure, logs])


def _gains(posterior: Posterior) -> Array:
    r"""About how much less the deviance is by every number of the covariance, (d, d)."""
    slopes, curvatures = posterior.of_covariance, posterior.curvature_of_covariance
    gains: Array = 0.5 * MARGIN * slopes**2 / _curved(curvatures)
    return gains


def _curved(curvatures: Array) -> Array:
    """Curvatures, that of what labels say nothing of not being 0."""
    return TINY + np.maximum(curvatures, RELATIVE_CURVATURE * curvatures.max(initial=0.0))


def _start(moments: Moments, model: Model) -> Variances:
    """Some of the variance of the labels between tasks, all features alike."""
    d, variance, has_intercept = model.structure.d, moments.variance, model.structure.has_intercept
    n_slopes = max(d - has_intercept, 1)
    between = np.full(d, BETWEEN * variance / n_slopes)
    if has_intercept:
        between[0] = BETWEEN * variance
    precision = model.precision(n_slopes / variance)
    noise = np.full(len(moments.n), (1.0 - BETWEEN) * variance)
    return Variances(np.diag(np.sqrt(between)), noise, precision)


def _after_one_step(posterior: Posterior) -> Variances:
    """Variances after a step of EM, whose covariance may have any shape; none next to 0."""
    variances = posterior.variances
    Sigma, G = variances.covariance, posterior.of_covariance
    stepped = Sigma - Sigma @ G @ Sigma / len(posterior.k)
    # Of a variance of 0 EM makes 0.
    best = likeliest_variances(np.diag(G), np.diag(posterior.curvature_of_covariance))
    stepped += np.diag(np.where(np.diag(Sigma) < RELATIVE * best, best, 0.0))
    values, vectors = np.linalg.eigh(stepped)
    return replace(variances, L=vectors * np.sqrt(np.maximum(values, 0.0)), spectral=None)
