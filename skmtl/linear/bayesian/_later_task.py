r"""A task that comes later: what its labels say, given all that those of the others have said.

Its coefficients are :math:`v \sim N(m, V)` before, with :math:`V = \Sigma + K^{-1}` of
`skmtl.linear.bayesian._likelihood`, and after, with its rows summed up as U and z and
:math:`N = I + U'VU / \sigma^2`,

.. math:: v = m + V U N^{-1} (z - U'm) / \sigma^2, \qquad
    \mathrm{Cov}(v) = V - V U N^{-1} U' V / \sigma^2.

Where tasks have units of their own (columns of y), nothing is known of the intercept before: to V
is added what makes it free. The variance of the noise has the prior
:math:`\sigma^2 \sim d_0 s_0^2 / \chi^2_{d_0}` of `skmtl.linear.bayesian._moderated`, and is the
most likely one,

.. math:: -2 \log p = (n + d_0) \log \sigma^2 + \log |N| + \bigl(q - |z|^2
    + (z - U'm)' N^{-1} (z - U'm) + d_0 s_0^2\bigr) / \sigma^2.

References
----------
N. M. Laird and J. H. Ware, "Random-effects models for longitudinal data", Biometrics 38, 1982,
section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from skmtl.linear.bayesian._likelihood import Posterior
from skmtl.linear.bayesian._moderated import prior_of_variances
from skmtl.linear.bayesian._moments import Moments
from skmtl.linear.bayesian._predictor import RandomCoefficients

Array = NDArray[Any]

TOL = 1e-10
"""Of the logarithm of the variance."""

FREE = 1e4
"""Variance of a free intercept, of standardised labels: any other is as likely."""

UNIT = 1.0
"""Degrees of freedom of the variance of few tasks: it says what one label says (R. E. Kass and
L. Wasserman, "A reference Bayesian test for nested hypotheses and its relationship to the Schwarz
criterion", Journal of the American Statistical Association 90, 1995)."""


def prior_of_noise(posterior: Posterior, *, is_shared: bool) -> tuple[float, float]:
    """Degrees of freedom and variance, from the noise of the tasks that are known."""
    if is_shared:
        return np.inf, float(posterior.variances.noise[0])
    errors, freedom = posterior.errors, posterior.n_left
    prior = prior_of_variances(errors, freedom)
    return prior or (UNIT, float(errors.sum() / max(freedom.sum(), UNIT)))


class LaterLabels:
    """The labels of one task, in directions in which N is diagonal."""

    def __init__(
        self, moments: Moments, found: RandomCoefficients, *, has_free_intercept: bool
    ) -> None:
        self.moments, self.found = moments, found
        self.root = np.hstack([found.L, _root(found.C)])
        if has_free_intercept:
            free = np.zeros((len(self.root), 1))
            free[0] = np.sqrt(FREE)
            self.root = np.hstack([self.root, free])
        self.U = moments.U[0]
        values, vectors = np.linalg.eigh(self.U.T @ self.root @ self.root.T @ self.U)
        self.values = np.maximum(values, 0.0)
        self.left = vectors.T @ (moments.z[0] - self.U.T @ found.m)

    def deviance(self, noise: float, prior: tuple[float, float]) -> float:
        """-2 log of the likelihood, and of the prior, but for constants."""
        freedom, variance = prior
        N = 1.0 + self.values / noise
        errors = self.moments.rest[0] + (self.left**2 / N).sum() + freedom * variance
        return float(
            (self.moments.n[0] + freedom) * np.log(noise) + np.log(N).sum() + errors / noise
        )

    def likely_noise(self, prior: tuple[float, float], bounds: tuple[float, float]) -> float:
        """The most likely variance of the noise."""
        if np.isinf(prior[0]):
            return max(prior[1], bounds[0])
        search = minimize_scalar(
            lambda log: self.deviance(float(np.exp(log)), prior),
            bounds=np.log(bounds),
            method="bounded",
            options={"xatol": TOL},
        )
        return float(np.exp(search.x))

    def coefficients(self, noise: float, freedom: float) -> RandomCoefficients:
        """Those of this task alone, as task 0, in the coordinates of the others.

        ``freedom`` are the labels of other tasks that the variance of the noise rests on.
        """
        found, U, root = self.found, self.U, self.root
        N = np.eye(U.shape[1]) + U.T @ root @ root.T @ U / noise
        k = U @ np.linalg.solve(N, self.moments.z[0] - U.T @ found.m) / noise
        used = (self.values / (self.values + noise)).sum()
        return RandomCoefficients(
            coordinates=found.coordinates,
            U=U[None],
            group=np.zeros(1, dtype=np.intp),
            L=root,
            noise=np.array([noise]),
            n_left=np.array([freedom + self.moments.n[0] - used]),
            m=found.m,
            # What is not known of m is in the root.
            C=np.zeros_like(found.C),
            v=(found.m + root @ (root.T @ k))[None],
        )


def _root(C: Array) -> Array:
    """A matrix R with R R' = C."""
    values, vectors = np.linalg.eigh(C)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))
