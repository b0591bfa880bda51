"""A count to predict that varies more than chance says."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from scipy.special import xlogy

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._columns import Column
from skmtl.tasks._log_link import LogLink
from skmtl.tasks._logarithms import logistic_curvature, times_log
from skmtl.tasks._weights import in_range

# Counts that vary less than Poisson's are as Poisson's.
LEAST_DISPERSION = 1e-6


class NegativeBinomial(LogLink):
    r"""A task whose labels are counts with a variance above their mean.

    The variance [1]_ is :math:`\mu + \alpha \mu^2`, the mean :math:`\mu = e^f`, and the loss,
    with :math:`\theta = 1 / \alpha`,

    .. math:: y \log \frac{y}{\mu} - (y + \theta) \log \frac{y + \theta}{\mu + \theta}

    half the deviance: large counts that are off by much cost less than under `Count`. `score` is
    the explained deviance.

    Parameters
    ----------
    dispersion : float or "auto", default="auto"
        The factor alpha. "auto" takes it from variance and mean of the task's labels: an upper
        estimate, as some of the variance is the features'.

    Attributes
    ----------
    dispersion_ : float
        The factor that is used.

    References
    ----------
    .. [1] J. M. Hilbe, "Negative Binomial Regression", 2nd ed., 2011, ch. 8 ("NB2").

    Examples
    --------
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import NegativeBinomial
    >>> X, y = [[0.0], [0.0], [1.0], [1.0]], [0, 4, 1, 11]
    >>> model = MultiTaskLinear(alpha=0, tasks=NegativeBinomial(), tol=1e-8).fit(X, y)
    >>> model.predict([[0.0], [1.0]]).round(2)
    array([2., 6.])
    """

    alias = "negative_binomial"
    noun = "a count"

    dispersion_: float

    def __init__(self, dispersion: float | str = "auto") -> None:
        self.dispersion = dispersion

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check dispersion and labels; choose the dispersion."""
        is_auto = isinstance(self.dispersion, str) and self.dispersion == "auto"
        if not is_auto and (isinstance(self.dispersion, str) or not self.dispersion > 0):
            raise ValueError(
                f"Task {name!r}: NegativeBinomial(dispersion={self.dispersion!r}); expected "
                "'auto' or a number > 0."
            )
        return super().fit(column, weight, name)

    def _learn(self, values: Array, weight: Array) -> None:
        """The dispersion, where it is not given."""
        used = weight > 0
        if isinstance(self.dispersion, str):
            self.dispersion_ = _dispersion(values[used], weight[used])
        else:
            self.dispersion_ = float(self.dispersion)

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """All of one dispersion have one loss."""
        is_ours = self._keeps(NegativeBinomial, *LOSS)
        return (type(self), self.dispersion_) if is_ours else (*super().loss_key, self.dispersion_)

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Half the deviance and its derivative."""
        score, total = raw[..., 0], values + 1.0 / self.dispersion_
        odds = score + np.log(self.dispersion_)
        apart = np.logaddexp(0.0, odds) - np.log1p(self.dispersion_ * values)
        # With a small dispersion all digits of a difference of large numbers would be lost where a
        # mean is near to its label.
        mean = np.exp(np.minimum(score, 0.0))
        beyond = np.exp(-np.maximum(score, 0.0))
        slope = (mean - values * beyond) / (beyond + self.dispersion_ * mean)
        near = -self.dispersion_ * slope
        is_near = np.abs(near) < 0.5
        apart = np.where(is_near, -np.log1p(np.where(is_near, near, 0.0)), apart)
        loss = times_log(values) - values * score + total * apart
        # What is left of the terms where they cancel is rounding, and no loss.
        rounding = 4.0 * np.finfo(np.float64).eps * (np.abs(values * score) + np.abs(total * apart))
        return np.where(np.abs(loss) <= rounding, 0.0, loss), slope[..., None]

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        r""":math:`(y + \theta) s (1 - s)` times the direction, :math:`s = \mu / (\mu + \theta)`."""
        total = values[..., None] + 1.0 / self.dispersion_
        return total * logistic_curvature(raw + np.log(self.dispersion_)) * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`m \log m - y \log y + \theta w \log w`, :math:`m = u + y, w = 1 - \alpha u`."""
        mean, rest = dual[..., 0] + values, 1.0 - self.dispersion_ * dual[..., 0]
        inside = (mean >= -1e-12 * (1.0 + values)) & (rest >= -1e-12)
        line = np.log1p(np.maximum(-self.dispersion_ * dual[..., 0], np.finfo(np.float64).eps - 1))
        # rest log(rest), which keeps its digits where the dispersion is small.
        entropy = np.maximum(rest, 0.0) * line / self.dispersion_
        value = times_log(np.maximum(mean, 0.0)) - times_log(values) + entropy
        return np.where(inside, value, np.inf)

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Half the deviance, torch."""
        odds = raw[..., 0] + np.log(self.dispersion_)
        apart = odds.logaddexp(odds.new_zeros(())) - (self.dispersion_ * values).log1p()
        total = values + 1.0 / self.dispersion_
        return values.xlogy(values) - values * raw[..., 0] + total * apart

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Half the deviance and its derivative, torch."""
        share = (raw + np.log(self.dispersion_)).sigmoid()
        slope = (values + 1.0 / self.dispersion_)[..., None] * share - values[..., None]
        return self.torch_loss(raw, values), slope

    def deviance(self, expected: Array, values: Array) -> Array:
        """Negative binomial deviance."""
        mean = np.maximum(expected, np.finfo(np.float64).tiny * np.maximum(values, 1.0))
        apart = np.log1p(self.dispersion_ * mean) - np.log1p(self.dispersion_ * values)
        total = values + 1.0 / self.dispersion_
        return 2.0 * (times_log(values) - xlogy(values, mean) + total * apart)

    def default_estimator(self) -> Any:
        """Poisson regression: scikit-learn has none for this likelihood."""
        from sklearn.linear_model import PoissonRegressor

        return PoissonRegressor()


def _dispersion(labels: Array, weight: Array) -> float:
    r"""Moment estimate :math:`(s^2 - m) / m^2` from the weighted mean and variance."""
    if len(labels) < 2:
        return 1.0
    share = in_range(weight) / in_range(weight).sum()
    mean = float(share @ labels)
    if mean == 0.0:
        return 1.0
    variance = float(share @ np.square(labels - mean))
    return max((variance - mean) / mean**2, LEAST_DISPERSION)
