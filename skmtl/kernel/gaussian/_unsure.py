r"""What the uncertainty of hyper-parameters adds to that of predictions.

They are known to the covariance C, as far as the likelihood is bent around its maximum. A
prediction with slopes D in them has the variance

.. math:: V + D' C D

instead of V (R. Kackar and D. Harville, "Approximations for standard errors of estimators of
fixed and random effects in mixed linear models", Journal of the American Statistical Association
79, 1984, eq. 3.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel.gaussian._hyper_parameters import Likelihood

Array = NDArray[Any]

STEP = 1e-4
"""Of parameters, for differences of slopes."""
MOST_PARAMETERS = 40
"""Where each costs a factorisation; of more those of the kernel and of noise."""
FLATTEST = 1.0
"""Least curvature: what labels do not tell is known to a factor of e or so."""


@dataclass(frozen=True, eq=False)
class Unsure:
    """Predictions for hyper-parameters that are a step away, and how well each is known.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_features)
        Rows that predictions are made of.
    kernels : list of kernel
        The most likely one, and one for each parameter.
    weights, means : ndarray of shape (n_parameters + 1, n_rows, n_tasks) or (..., n_tasks)
        For each of these.
    root : ndarray of shape (n_parameters, n_parameters)
        A root of C.
    """

    X: Array
    kernels: list[Any]
    weights: Array
    means: Array
    root: Array

    @classmethod
    def of(cls, likelihood: Likelihood, theta: Array) -> Unsure:
        """Around the most likely parameters."""
        n, n_kernel = len(theta), likelihood.kernel.n_dims
        varied, system = np.arange(n), likelihood.system
        if not system.is_cheap_by_kernel and n > MOST_PARAMETERS:
            n_noise = 1 if likelihood.one_noise else system.cells.shape[1]
            varied = np.r_[:n_kernel, n - n_noise : n]
        low, high = likelihood.bounds.T
        # At an end of its range a parameter is as likely beyond.
        varied = varied[(theta > low + STEP)[varied] & (theta < high - STEP)[varied]]
        points = [theta, *(theta + STEP * np.eye(n)[varied])]
        slopes, parts = [], []
        for point in points:
            slopes.append(likelihood(point)[1][varied])
            prior = likelihood.prior(point)
            decomposed = system.decompose(prior.kernel(likelihood.X))
            posterior = system.posterior(decomposed, prior.B, prior.noise)
            parts.append((prior.kernel, posterior.weights @ prior.B, posterior.means))
        bends = (slopes[0] - np.array(slopes[1:]).reshape(-1, len(varied))) / STEP
        values, vectors = np.linalg.eigh(0.5 * (bends + bends.T))
        root = vectors / np.sqrt(np.maximum(values, FLATTEST))
        kernels, weights, means = (list(side) for side in zip(*parts, strict=True))
        return cls(likelihood.X, kernels, np.array(weights), np.array(means), root)

    def slopes(self, X: Array) -> Array:
        """Roots of what is added, D' C^(1/2): (n, n_tasks, n_parameters)."""
        K, theta = self.kernels[0](X, self.X), self.kernels[0].theta
        found = np.empty((len(self.kernels), len(X), self.means.shape[1]))
        for j, kernel in enumerate(self.kernels):
            is_other = (kernel.theta != theta).any()
            of_rows = kernel(X, self.X) if is_other else K
            found[j] = of_rows @ self.weights[j] + self.means[j]
        return np.einsum("jnt,jk->ntk", (found[1:] - found[0]) / STEP, self.root)
