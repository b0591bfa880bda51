"""Which variances are free, and as what numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.bayesian._likelihood import Posterior
from skmtl.linear.bayesian._structures import Structure
from skmtl.linear.bayesian._units import Variances

Array = NDArray[Any]

TINY, RELATIVE = float(np.finfo(float).tiny), 1e-12
"""Least curvature, and least one relative to the largest."""


@dataclass(frozen=True)
class Model:
    """What is free: L by its structure, the noise of one or all tasks, the variance of m or none.

    The first ``n_flat`` coefficients of m have no prior, unless all are known to be 0.
    """

    structure: Structure
    one_noise: bool
    n_flat: int
    mean_is_zero: bool = False

    @property
    def has_prior(self) -> bool:
        """Whether coefficients of m have a variance that is learned."""
        return not self.mean_is_zero and self.n_flat < self.structure.d

    def precision(self, value: float) -> Array:
        """P, with this value for the coefficients of m that have a variance."""
        if self.mean_is_zero:
            return np.full(self.structure.d, np.inf)
        return np.where(np.arange(self.structure.d) < self.n_flat, 0.0, value)

    def n_logs(self, n_tasks: int) -> int:
        """Free numbers that are logarithms, the last ones."""
        return (1 if self.one_noise else n_tasks) + self.has_prior

    def variances(self, free: Array, n_tasks: int) -> Variances:
        """Those that free numbers stand for."""
        split = len(free) - self.n_logs(n_tasks)
        of_factor, logs = free[:split], np.exp(free[split:])
        precision = self.precision(1.0 / logs[-1])
        if self.has_prior:
            logs = logs[:-1]
        return Variances(
            self.structure.factor(of_factor),
            np.broadcast_to(logs, n_tasks),
            precision,
            self.structure.spectral(of_factor),
        )

    def slopes(self, posterior: Posterior) -> Array:
        """Those of the deviance along the free numbers."""
        of_factor, of_noise, of_prior = posterior.slopes(one_noise=self.one_noise)
        of_factor = self.structure.slopes(of_factor)
        return np.r_[of_factor, of_noise, [of_prior] if self.has_prior else []]

    def curvatures(self, posterior: Posterior) -> Array:
        """About those of the deviance along the free numbers, positive."""
        of_noise = posterior.n_left
        of_noise = of_noise.sum(keepdims=True) if self.one_noise else of_noise
        of_prior = [0.5 * (self.structure.d - self.n_flat)] if self.has_prior else []
        of_factor = self.structure.slopes(posterior.curvatures)
        of_factor = np.maximum(of_factor, TINY + RELATIVE * of_factor.max())
        return np.r_[of_factor, np.maximum(of_noise, 1.0), of_prior]

    def free(self, variances: Variances) -> Array:
        """Numbers close to given variances."""
        noise = variances.noise[:1] if self.one_noise else variances.noise
        logs = np.log(noise)
        if self.has_prior:
            logs = np.r_[logs, -np.log(variances.precision[-1])]
        return np.r_[self.structure.start(variances.covariance), logs]
