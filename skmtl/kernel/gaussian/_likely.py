r"""The most likely kernel, task covariance and noise.

With complete labels, everything that depends on the kernel alone is one eigendecomposition, after
which a task covariance and noise cost next to nothing: the likelihood is maximised over these for
every kernel, and over kernels by slopes, which at the maximum over the others are those of the
likelihood itself (the envelope theorem). Otherwise it is maximised over all at once.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from skmtl.kernel.gaussian._hyper_parameters import Likelihood, kernel_slope

Array = NDArray[Any]

WORST = 1e25
"""Instead of infinity, which the line search of L-BFGS does not take."""


class Found(NamedTuple):
    """Parameters, log likelihood, steps of the search, and whether it came to its end."""

    theta: Array
    value: float
    n_iter: int
    converged: bool


def most_likely(likelihood: Likelihood, start: Array, *, max_iter: int, tol: float) -> Found:
    """A maximum of the likelihood, from ``start``."""
    climb = _climb_nested if likelihood.system.is_cheap_by_kernel else _climb
    return climb(likelihood, start, max_iter, tol)


def _climb(likelihood: Likelihood, start: Array, max_iter: int, tol: float) -> Found:
    return _maximum(likelihood, start, likelihood.bounds, max_iter, tol)


def _climb_nested(likelihood: Likelihood, start: Array, max_iter: int, tol: float) -> Found:
    n = likelihood.kernel.n_dims
    bounds = likelihood.bounds
    # Not the last point: a step that is too long may lead to where there is no way back from.
    best = Found(start, -np.inf, 0, False)

    def of_kernel(theta: Array) -> tuple[float, Array]:
        nonlocal best
        kernel = likelihood.kernel.clone_with_theta(theta)
        K, dK = kernel(likelihood.X, eval_gradient=True)
        spectrum = likelihood.system.decompose(K)

        def of_tasks(rest: Array) -> tuple[float, Array]:
            B, noise = likelihood.of_tasks(rest)
            found = likelihood.system.evidence(spectrum, B, noise)
            assert found is not None
            return found.value, likelihood.slope_of_tasks(found, rest, noise)

        # To a hundredth of what the outer search sees.
        inner = _maximum(of_tasks, best.theta[n:], bounds[n:], 10 * max_iter, 0.01 * tol)
        if inner.value > best.value:
            best = Found(np.concatenate([theta, inner.theta]), *inner[1:])
        found = likelihood.system.evidence(spectrum, *likelihood.of_tasks(inner.theta))
        assert found is not None
        return inner.value, kernel_slope(found, dK)

    if not n:
        of_kernel(start[:0])
        return best
    outer = _maximum(of_kernel, start[:n], bounds[:n], max_iter, tol)
    return best._replace(n_iter=outer.n_iter, converged=outer.converged)


def _maximum(function: Any, start: Array, bounds: Array, max_iter: int, tol: float) -> Found:
    def descent(theta: Array) -> tuple[float, Array]:
        value, slope = function(theta)
        return (-value, -slope) if np.isfinite(value) else (WORST, np.zeros_like(slope))

    result = minimize(
        descent,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": max_iter, "ftol": tol, "gtol": 1e-6, "maxcor": 20, "maxls": 30},
    )
    # Status 2 is a line search that rounding has ended.
    return Found(result.x, -float(result.fun), int(result.nit), result.status != 1)
