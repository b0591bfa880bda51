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

from skmtl.kernel.gaussian._hyper_parameters import Likelihood, kernel_slope

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
        at = _Around(likelihood, theta)
        parts = [at(theta)]
        parts += [at(point) for point in theta + STEP * np.eye(n)[varied]]
        slopes = np.array([part[0] for part in parts])[:, varied]
        bends = (slopes[0] - slopes[1:]) / STEP
        # Slopes in the kernel are computed where it moves: what they have in common is the same.
        moved = varied < n_kernel
        bends[np.ix_(~moved, moved)] = bends[np.ix_(moved, ~moved)].T
        values, vectors = np.linalg.eigh(0.5 * (bends + bends.T))
        root = vectors / np.sqrt(np.maximum(values, FLATTEST))
        kernels, weights, means = (list(side) for side in list(zip(*parts, strict=True))[1:])
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


class _Around:
    """Slopes of the likelihood and predictions at parameters, for kernels that are mostly one."""

    def __init__(self, likelihood: Likelihood, theta: Array) -> None:
        n = likelihood.kernel.n_dims
        self.likelihood, self.theta, self._rest = likelihood, theta[:n], theta[n:]
        theta = self.theta
        self.first = self._of_kernel(theta)

    def _of_kernel(self, theta: Array) -> tuple[Any, Any, Array]:
        kernel = self.likelihood.kernel.clone_with_theta(theta)
        K, dK = kernel(self.likelihood.X, eval_gradient=True)
        return kernel, self.likelihood.system.decompose(K), dK

    def __call__(self, theta: Array) -> tuple[Array, Any, Array, Array]:
        """Slopes, the kernel, and weights and means of predictions."""
        n = len(self.theta)
        moves = bool((theta[:n] != self.theta).any())
        kernel, decomposed, dK = self._of_kernel(theta[:n]) if moves else self.first
        B, noise = self.likelihood.of_tasks(theta[n:])
        system = self.likelihood.system
        found = system.evidence(decomposed, B, noise)
        posterior = system.posterior(decomposed, B, noise)
        slopes = np.zeros(len(theta))
        if found is not None:
            slopes[n:] = self.likelihood.slope_of_tasks(found, theta[n:], noise)
            if moves or (theta[n:] == self._rest).all():
                slopes[:n] = kernel_slope(found, dK)
        return slopes, kernel, posterior.weights @ B, posterior.means
