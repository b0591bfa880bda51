"""A count to predict."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import numpy as np
from scipy.special import xlogy

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._log_link import LogLink
from skmtl.tasks._logarithms import times_log
from skmtl.tasks._loss_codes import POISSON


class Count(LogLink):
    r"""A task whose labels are counts: Poisson likelihood with a log link.

    The mean [1]_ is :math:`\mu = e^f` and the loss :math:`e^f - y f + y \log y - y`, half the
    Poisson deviance. `score` is the explained deviance.
    Labels may be any numbers >= 0, as rates are.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, "Generalized Linear Models", 2nd ed., 1989, ch. 6.

    Examples
    --------
    Means are never below 0, and doubling them is as far as halving them:

    >>> from skmtl import MultiTaskLinear
    >>> X, visits = [[0.0], [1.0], [2.0], [3.0]], [1, 2, 4, 8]
    >>> model = MultiTaskLinear(tasks="count", alpha=1e-6, tol=1e-9).fit(X, visits)
    >>> model.predict([[-2.0], [4.0]]).round(2)
    array([ 0.25, 16.  ])
    """

    alias = "count"
    noun = "a count"

    def __init__(self) -> None:
        pass

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """All counts have one loss."""
        return (type(self),) if self._keeps(Count, *LOSS) else super().loss_key

    @property
    def compiled_loss(self) -> tuple[int, float] | None:
        """That of its own functions."""
        return (POISSON, 0.0) if self._keeps(Count, *LOSS) else None

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Poisson loss and its derivative."""
        mean = np.exp(raw[..., 0])
        least = times_log(values) - values
        return mean - values * raw[..., 0] + least, (mean - values)[..., None]

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """The mean times the direction."""
        return np.exp(raw) * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`(u + y) \log (u + y) - u - y \log y` for u + y >= 0."""
        mean = dual[..., 0] + values
        floor = -1e-12 * (1.0 + values)
        mean = np.where(mean >= floor, np.maximum(mean, 0.0), -1.0)
        least = times_log(values) - values
        return np.where(mean >= 0, times_log(np.maximum(mean, 0.0)) - mean - least, np.inf)

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Poisson loss, torch."""
        return raw[..., 0].exp() - values * raw[..., 0] + (values.xlogy(values) - values)

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Poisson loss and mean less count, torch."""
        mean, least = raw.exp(), values.xlogy(values) - values
        loss = mean[..., 0] - values * raw[..., 0] + least
        return loss, mean - values[..., None]

    def deviance(self, expected: Array, values: Array) -> Array:
        r"""Poisson deviance :math:`2 (y \log (y / \mu) - y + \mu)`."""
        # A mean so far below the count that their ratio is still a number.
        mean = np.maximum(expected, np.finfo(np.float64).tiny * np.maximum(values, 1.0))
        return 2.0 * (xlogy(values, values / mean) - values + expected)

    def reference_metric(self, values: Array, expected: Array) -> Callable[..., float] | None:
        """`sklearn.metrics.d2_tweedie_score`, which has no value for expected counts of 0."""
        from sklearn.metrics import d2_tweedie_score

        is_own = not self._keeps(Count, "deviance", "null_deviance", "score", "prior")
        if is_own or len(values) < 2 or not values.any() or not (expected > 0).all():
            return None
        return partial(d2_tweedie_score, power=1)

    def default_estimator(self) -> Any:
        """Poisson regression."""
        from sklearn.linear_model import PoissonRegressor

        return PoissonRegressor()
