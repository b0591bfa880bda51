"""An amount to predict that is often zero."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, Self

import numpy as np

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._columns import Column
from skmtl.tasks._log_link import LogLink
from skmtl.tasks._logarithms import times_log
from skmtl.tasks._weights import in_range

# Newton's steps to the score of a dual: quadratic from a start beyond the root.
MOST_STEPS = 100
# Scores whose exponential function is a number.
FAR = 650.0


class Tweedie(LogLink):
    r"""A task whose labels are amounts >= 0, many of them 0: Tweedie likelihood with a log link.

    The variance is proportional to :math:`\mu^p`: claims, rain, spending, sums of a random
    number of positive amounts. The mean [1]_ is :math:`\mu = e^f` and the loss, with
    :math:`a = p - 1` and :math:`b = 2 - p`,

    .. math:: \frac{y e^{-a f}}{a} + \frac{e^{b f}}{b} - \frac{y^b}{a b}

    half the Tweedie deviance, divided by the b-th power of the mean label of the task so that it
    has no unit. `score` is the explained deviance.

    Parameters
    ----------
    power : float, default=1.5
        The power p, between 1 (`Count`) and 2 (`Gamma`), both excluded.

    References
    ----------
    .. [1] B. Jorgensen, "Exponential dispersion models", Journal of the Royal Statistical
       Society B 49, 1987, section 4.

    Examples
    --------
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import Tweedie
    >>> X, y = [[0.0], [1.0], [0.0], [1.0]], [0.0, 2.0, 4.0, 6.0]
    >>> model = MultiTaskLinear(alpha=0, tasks=Tweedie(power=1.3), tol=1e-8).fit(X, y)
    >>> model.predict([[0.0], [1.0]]).round(2)
    array([2., 4.])
    """

    alias = "tweedie"
    noun = "an amount"

    unit_: float

    def __init__(self, power: float = 1.5) -> None:
        self.power = power

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check power and labels; choose the unit of the loss."""
        if not 1 < self.power < 2:
            raise ValueError(
                f"Task {name!r}: Tweedie(power={self.power!r}); expected a number between 1 and 2. "
                "Of power 1 is 'count', of power 2 'gamma'."
            )
        return super().fit(column, weight, name)

    def _learn(self, values: Array, weight: Array) -> None:
        """The unit of the loss: a power of the mean label."""
        self.unit_ = 1.0
        if self.n_labels_:
            used = weight > 0
            mean = float(np.average(values[used], weights=in_range(weight[used])))
            self.unit_ = mean ** self._powers[1] or 1.0

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """All of one power have one loss."""
        is_ours = self._keeps(Tweedie, *LOSS)
        return (*((type(self), self.power) if is_ours else super().loss_key), self.unit_)

    @property
    def _powers(self) -> tuple[float, float]:
        return self.power - 1.0, 2.0 - self.power

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Half the deviance and its derivative."""
        slope = self._slope(raw[..., 0], values)[..., None]
        return self._loss(raw[..., 0], values) / self.unit_, slope / self.unit_

    def _loss(self, score: Array, values: Array) -> Array:
        r""":math:`y^b ((e^{-a r} - 1) / a + (e^{b r} - 1) / b)` at :math:`r = f - \log y`.

        The three terms of the loss nearly cancel where the mean is near the label; these do not.
        """
        a, b = self._powers
        is_positive = values > 0
        some = np.where(is_positive, values, 1.0)
        excess = score - np.log(some)
        falling = is_positive * np.expm1(-a * excess) / a
        return some**b * (falling + (np.expm1(b * excess) + ~is_positive) / b)

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """Second derivative, a sum of two exponential functions, times the direction."""
        a, b = self._powers
        bend = a * values[..., None] * np.exp(-a * raw) + b * np.exp(b * raw)
        return bend / self.unit_ * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        r"""The product of dual and score less the loss, at the score with this slope.

        At a label of 0 that is :math:`(u \log u - u) / b` for u >= 0.
        """
        u, is_positive = dual[..., 0] * self.unit_, values > 0
        lowest, highest = (self._slope(np.full_like(u, end), values) for end in (-FAR, FAR))
        has_score = is_positive & (lowest <= u) & (u <= highest)
        score = np.log(self._mean_of(np.where(has_score, u, 1.0), values))
        value = np.where(has_score, u * score - self._loss(score, values), np.inf)
        rise = np.maximum(u, 0.0)
        at_zero = np.where(u >= -1e-12, (times_log(rise) - rise) / self._powers[1], np.inf)
        return np.where(is_positive, value, at_zero) / self.unit_

    def _slope(self, score: Array, values: Array) -> Array:
        a, b = self._powers
        return np.exp(b * score) - values * np.exp(-a * score)

    def _mean_of(self, u: Array, values: Array) -> Array:
        r"""The mean t at which the loss has slope u: the root of :math:`t - u t^a - y`.

        The function is convex for u > 0 and concave for u < 0; from a start above the root of a
        convex one, or below that of a concave one, Newton's steps never cross it.
        """
        a, b = self._powers
        half = 0.5 * np.where(values > 0, values, 1.0)
        above = np.log(2.0 * np.maximum(u, np.finfo(np.float64).tiny)) / b
        above = np.maximum(2.0 * values, np.exp(np.clip(above, -FAR, FAR)))
        below = np.log(half / np.maximum(-u, half**b)) / a
        below = np.minimum(half, np.exp(np.clip(below, -FAR, FAR)))
        mean = np.where(u > 0, above, below)
        for _ in range(MOST_STEPS):
            power = mean**a
            step = (mean - u * power - values) / (1.0 - a * u * power / mean)
            mean = mean - step
            if (np.abs(step) <= 4 * np.finfo(np.float64).eps * mean).all():
                break
        return mean

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Half the deviance, torch."""
        a, b = self._powers
        is_positive = values > 0
        some = values.where(is_positive, values.new_ones(()))
        excess = raw[..., 0] - some.log()
        falling = is_positive * (-a * excess).expm1() / a
        loss = falling + ((b * excess).expm1() + ~is_positive) / b
        return some**b * loss / self.unit_

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Half the deviance and its derivative, torch."""
        a, b = self._powers
        slope = (b * raw).exp() - values[..., None] * (-a * raw).exp()
        return self.torch_loss(raw, values), slope / self.unit_

    def deviance(self, expected: Array, values: Array) -> Array:
        """Tweedie deviance, in the units of y to the power 2 - p."""
        mean = np.maximum(expected, np.finfo(np.float64).tiny)
        return 2.0 * np.maximum(self._loss(np.log(mean), values), 0.0)

    def reference_metric(self, values: Array, expected: Array) -> Callable[..., float] | None:
        """`sklearn.metrics.d2_tweedie_score`."""
        from sklearn.metrics import d2_tweedie_score

        is_own = not self._keeps(Tweedie, "deviance", "null_deviance", "score", "prior")
        if is_own or len(values) < 2 or not values.any() or not (expected > 0).all():
            return None
        return partial(d2_tweedie_score, power=self.power)

    def default_estimator(self) -> Any:
        """Tweedie regression of this power."""
        from sklearn.linear_model import TweedieRegressor

        return TweedieRegressor(power=self.power)
