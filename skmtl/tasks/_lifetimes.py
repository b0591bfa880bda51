r"""Distributions of lifetimes: :math:`\log t = f + \sigma z` with a standard distribution of z.

Each gives its loss, the negative logarithm of the density where an event was seen and that of the
probability of a longer time where it was not, in z; both are convex. The density is divided by its
largest value, so that no loss is negative.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_ndtr

from skmtl.tasks._logarithms import bounded_exp, entropy, times_log

Array = NDArray[Any]

HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)
ROOT_STEPS = 60


class LogNormal:
    """z is normal."""

    median = 0.0

    def seen(self, z: Array) -> tuple[Array, Array, Array]:
        """Loss, slope and curvature where the event was seen."""
        return 0.5 * z**2, z, np.ones_like(z)

    def unseen(self, z: Array) -> tuple[Array, Array, Array]:
        """Loss, slope and curvature where the time is longer."""
        hazard = self._hazard(z)
        return -log_ndtr(-z), hazard, hazard * (hazard - z)

    @staticmethod
    def _hazard(z: Array) -> Array:
        return np.asarray(np.exp(-0.5 * z**2 - HALF_LOG_2PI - log_ndtr(-z)))

    def conjugate_seen(self, v: Array) -> Array:
        """Conjugate of the loss where the event was seen."""
        return 0.5 * v**2

    def conjugate_unseen(self, v: Array) -> Array:
        """Conjugate of the loss where the time is longer: at the z with this hazard.

        The hazard is convex and above z, so that Newton's steps from z = v come down to it.
        """
        inside = np.where(v > 0, v, 1.0)
        z = inside.copy()
        for _ in range(ROOT_STEPS):
            hazard = self._hazard(z)
            step = (hazard - inside) / np.maximum(hazard * (hazard - z), np.finfo(float).tiny)
            # In the far left the hazard falls faster than any line.
            z -= np.clip(step, -5.0, 5.0)
            if (np.abs(step) <= 1e-14 * np.maximum(np.abs(z), 1.0)).all():
                break
        value = inside * z + log_ndtr(-z)
        return np.where(v > 0, value, np.where(v >= -1e-12, 0.0, np.inf))

    def survival(self, z: Array) -> Array:
        """Probability of a longer time."""
        return np.asarray(np.exp(log_ndtr(-z)))

    def torch(self, z: Any, seen: Any) -> Any:
        """Loss, torch."""
        import torch

        return torch.where(seen, 0.5 * z**2, -torch.special.log_ndtr(-z))


class LogLogistic:
    """z is logistic."""

    median = 0.0
    most = 2 * np.log(2.0)

    def seen(self, z: Array) -> tuple[Array, Array, Array]:
        """Loss, slope and curvature where the event was seen."""
        p = expit(z)
        return 2 * np.logaddexp(0.0, z) - z - self.most, 2 * p - 1, 2 * p * (1 - p)

    def unseen(self, z: Array) -> tuple[Array, Array, Array]:
        """Loss, slope and curvature where the time is longer."""
        p = expit(z)
        return np.logaddexp(0.0, z), p, p * (1 - p)

    def conjugate_seen(self, v: Array) -> Array:
        """Conjugate of the loss where the event was seen."""
        return 2 * entropy(0.5 * (1.0 + v)) + self.most

    def conjugate_unseen(self, v: Array) -> Array:
        """Conjugate of the loss where the time is longer."""
        return entropy(v)

    def survival(self, z: Array) -> Array:
        """Probability of a longer time."""
        return np.asarray(expit(-z))

    def torch(self, z: Any, seen: Any) -> Any:
        """Loss, torch."""
        import torch

        once = torch.nn.functional.softplus(z)
        return torch.where(seen, 2 * once - z - self.most, once)


class Weibull:
    """exp(z) is exponential."""

    median = float(np.log(np.log(2.0)))

    def seen(self, z: Array) -> tuple[Array, Array, Array]:
        """Loss, slope and curvature where the event was seen."""
        rate = bounded_exp(z)
        return rate - z - 1.0, rate - 1.0, rate

    def unseen(self, z: Array) -> tuple[Array, Array, Array]:
        """Loss, slope and curvature where the time is longer."""
        rate = bounded_exp(z)
        return rate, rate, rate

    def conjugate_seen(self, v: Array) -> Array:
        """Conjugate of the loss where the event was seen."""
        return self.conjugate_unseen(v + 1.0) + 1.0

    def conjugate_unseen(self, v: Array) -> Array:
        """Conjugate of the loss where the time is longer."""
        inside = np.maximum(v, 0.0)
        return np.where(v >= -1e-12, times_log(inside) - inside, np.inf)

    def survival(self, z: Array) -> Array:
        """Probability of a longer time."""
        return np.asarray(np.exp(-bounded_exp(z)))

    def torch(self, z: Any, seen: Any) -> Any:
        """Loss, torch."""
        import torch

        return torch.where(seen, z.exp() - z - 1.0, z.exp())


DISTRIBUTIONS: dict[str, LogNormal | LogLogistic | Weibull] = {
    "log_normal": LogNormal(),
    "log_logistic": LogLogistic(),
    "weibull": Weibull(),
}
