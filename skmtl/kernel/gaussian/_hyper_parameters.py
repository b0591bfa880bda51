r"""The logarithms of a kernel, a task covariance and noise, and how likely labels are for them.

:math:`\theta` is that of the kernel, then those of the task covariance, then logarithms of the
variances of noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel.gaussian._evidence import Evidence, System
from skmtl.kernel.gaussian._task_covariances import TaskCovariance

Array = NDArray[Any]

NOISE = np.log(1e-6), np.log(10.0)
"""Logarithms of variances of noise, of standardised labels, between which they are looked for."""


class Prior(NamedTuple):
    """A kernel of scikit-learn, the covariance of tasks, and the noise of each."""

    kernel: Any
    B: Array
    noise: Array


@dataclass(frozen=True, eq=False)
class Likelihood:
    """log p of the labels of a system as a function of theta.

    ``X`` are the distinct rows of the system.
    """

    kernel: Any
    X: Array
    system: System
    family: TaskCovariance
    one_noise: bool

    @property
    def bounds(self) -> Array:
        """Of theta, (n_parameters, 2)."""
        n_noise = 1 if self.one_noise else self.system.cells.shape[1]
        rest = np.vstack([self.family.bounds, np.tile(NOISE, (n_noise, 1))])
        return np.vstack([self.kernel.bounds, rest]) if self.kernel.n_dims else rest

    def theta_of(self, prior: Prior) -> Array:
        """Parameters of a prior, or of one near to it."""
        noise = np.log(prior.noise)
        noise = noise.mean(keepdims=True) if self.one_noise else noise
        rest = np.concatenate([self.family.near(prior.B), noise])
        bounds = self.bounds
        theta = np.concatenate([prior.kernel.theta, rest])
        return np.asarray(np.clip(theta, bounds[:, 0], bounds[:, 1]))

    def prior(self, theta: Array) -> Prior:
        """The prior with these parameters."""
        n = self.kernel.n_dims
        return Prior(self.kernel.clone_with_theta(theta[:n]), *self.of_tasks(theta[n:]))

    def of_tasks(self, rest: Array) -> tuple[Array, Array]:
        """Task covariance and noise, from their parameters."""
        n_noise = 1 if self.one_noise else self.system.cells.shape[1]
        noise = np.broadcast_to(np.exp(rest[-n_noise:]), self.system.cells.shape[1:])
        return self.family.matrix(rest[:-n_noise]), noise

    def slope_of_tasks(self, found: Evidence, rest: Array, noise: Array) -> Array:
        """Slopes in the parameters of tasks."""
        of_noise = found.of_noise * noise
        of_noise = of_noise.sum(keepdims=True) if self.one_noise else of_noise
        G = 0.5 * (found.of_tasks + found.of_tasks.T)
        return np.concatenate([self.family.slope(rest[: -len(of_noise)], G), of_noise])

    def __call__(self, theta: Array) -> tuple[float, Array]:
        """log p and its gradient."""
        n = self.kernel.n_dims
        kernel = self.kernel.clone_with_theta(theta[:n])
        K, dK = kernel(self.X, eval_gradient=True)
        B, noise = self.of_tasks(theta[n:])
        found = self.system.evidence(self.system.decompose(K), B, noise)
        if found is None:
            return -np.inf, np.zeros_like(theta)
        of_kernel = kernel_slope(found, dK)
        return found.value, np.concatenate(
            [of_kernel, self.slope_of_tasks(found, theta[n:], noise)]
        )


def kernel_slope(found: Evidence, dK: Array) -> Array:
    """Slopes in the parameters of the kernel, whose entries have the slopes dK (n, n, p)."""
    if not dK.shape[2]:
        return np.empty(0)
    return np.asarray(found.of_kernel().ravel() @ dK.reshape(-1, dK.shape[2]))
