"""A positive amount to predict."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

import numpy as np

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._log_link import LogLink
from skmtl.tasks._logarithms import times_log


class Gamma(LogLink):
    r"""A task whose labels are positive amounts: gamma likelihood with a log link.

    Errors are relative: an amount twice as large may be off by twice as much. The mean [1]_ is
    :math:`\mu = e^f` and the loss :math:`y e^{-f} + f - \log y - 1`, half the gamma deviance;
    it is the same in any unit. `score` is the explained deviance.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, "Generalized Linear Models", 2nd ed., 1989, ch. 8.

    Examples
    --------
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import Gamma
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 2.0, 4.0, 8.0]
    >>> model = MultiTaskLinear(alpha=0, tasks=Gamma(), tol=1e-8).fit(X, y)
    >>> model.predict([[4.0]]).round(2)
    array([16.])
    """

    alias = "gamma"
    noun = "a positive amount"
    takes_zero = False

    def __init__(self) -> None:
        pass

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """All have one loss."""
        return (type(self),) if self._keeps(Gamma, *LOSS) else super().loss_key

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Half the deviance and its derivative, 1 less the ratio of label and mean."""
        # Where a label is unobserved, and so 0, there is no logarithm; its weight is 0.
        excess = _log(values) - raw[..., 0]
        ratio = np.exp(excess)
        return ratio - excess - 1.0, (1.0 - ratio)[..., None]

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """The ratio of label and mean times the direction."""
        return np.exp(_log(values)[..., None] - raw) * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`v \log v - v + 1 + u \log y` at the ratio v = 1 - u >= 0."""
        ratio = 1.0 - dual[..., 0]
        ratio = np.where(ratio >= -1e-12, np.maximum(ratio, 0.0), -1.0)
        least = times_log(np.maximum(ratio, 0.0)) - ratio + 1.0
        return np.where(ratio >= 0, least + dual[..., 0] * _log(values), np.inf)

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Half the deviance, torch."""
        excess = _torch_log(values) - raw[..., 0]
        return excess.exp() - excess - 1.0

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Half the deviance and its derivative, torch."""
        excess = _torch_log(values) - raw[..., 0]
        ratio = excess.exp()
        return ratio - excess - 1.0, (1.0 - ratio)[..., None]

    def deviance(self, expected: Array, values: Array) -> Array:
        r"""Gamma deviance :math:`2 (y / \mu - 1 - \log (y / \mu))`."""
        ratio = values / np.maximum(expected, np.finfo(np.float64).tiny * np.maximum(values, 1.0))
        return 2.0 * (ratio - 1.0 - np.log(ratio))

    def reference_metric(self, values: Array, expected: Array) -> Callable[..., float] | None:
        """`sklearn.metrics.d2_tweedie_score` of power 2."""
        from sklearn.metrics import d2_tweedie_score

        is_own = not self._keeps(Gamma, "deviance", "null_deviance", "score", "prior")
        if is_own or len(values) < 2 or not (expected > 0).all():
            return None
        return partial(d2_tweedie_score, power=2)

    def default_estimator(self) -> Any:
        """Gamma regression."""
        from sklearn.linear_model import GammaRegressor

        return GammaRegressor()


def _log(values: Array) -> Array:
    return np.log(np.where(values > 0, values, 1.0))


def _torch_log(values: Any) -> Any:
    return values.where(values > 0, values.new_ones(())).log()
