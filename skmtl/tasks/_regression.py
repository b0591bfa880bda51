"""A number to predict."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Self

import numpy as np

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._columns import Column
from skmtl.tasks._loss_codes import HUBER, SQUARED
from skmtl.tasks._number import NumberTask
from skmtl.tasks._quantile import Quantile
from skmtl.tasks._weights import in_range, rows_in_range

LOSSES = ("squared", "absolute", "huber")


class Regression(NumberTask):
    r"""A task whose labels are numbers.

    With :math:`r = f - y`, the loss is :math:`\frac12 r^2` ("squared"), :math:`|r|`
    ("absolute"), or Huber's [1]_ ("huber"): :math:`\frac12 r^2` where :math:`|r| \le \delta`
    and :math:`\delta |r| - \frac12 \delta^2` beyond.

    Parameters
    ----------
    loss : {"squared", "absolute", "huber"}, default="squared"
        What a residual costs. Kernel ridge regression needs a smooth one: "squared" or "huber".
    delta : float, default=1.35
        Where Huber's loss turns from quadratic to linear, in the units in which the loss is
        computed: standard deviations of the task where targets are standardised (neural
        estimators, linear ones with mixed task types), units of y otherwise.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical
       Statistics 35, 1964, eq. 2.3.

    Examples
    --------
    One label is a slip of the pen. Huber's loss hardly follows it:

    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import Regression
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0]], [0.0, 1.0, 2.0, 3.0, 400.0]
    >>> for task in (Regression(), Regression(loss="huber")):
    ...     model = MultiTaskLinear("l2", tasks=task, alpha=1e-6).fit(X, y)
    ...     print(model.predict([[2.0]]).round(1))
    [81.2]
    [2.7]
    """

    alias = "regression"

    def __init__(self, loss: str = "squared", *, delta: float = 1.35) -> None:
        self.loss = loss
        self.delta = delta

    @classmethod
    def suits(cls, column: Column, labels: Array, are_classes: bool) -> bool:
        """Whatever are no classes."""
        return not are_classes

    def _check_options(self, name: Hashable) -> None:
        if self.loss not in LOSSES:
            raise ValueError(
                f"Task {name!r}: Regression(loss={self.loss!r}); expected one of {LOSSES}."
            )
        if not self.delta > 0:
            raise ValueError(f"Task {name!r}: Regression(delta={self.delta!r}) must be positive.")

    @property
    def _has_own_loss(self) -> bool:
        """Whether a subclass has another loss: what holds for these three does not then."""
        return not self._keeps(Regression, *LOSS)

    @property
    def has_squared_loss(self) -> bool:
        """For "squared"; not for a subclass with a loss of its own."""
        return self.loss == "squared" and not self._has_own_loss

    @property
    def is_smooth(self) -> bool:
        """For "squared" and "huber"; the other is what `by_output` makes smooth."""
        return self.loss != "absolute" or self._has_own_loss

    def by_output(self, smoothing: float = 0.0) -> list[Any] | None:
        """For "absolute", twice the pinball loss of the level 1/2."""
        return None if self.is_smooth else Quantile(0.5).fitted(share=2.0).by_output(smoothing)

    @property
    def has_linear_tails(self) -> bool:
        """For "huber" and "absolute"."""
        return self.loss != "squared" and not self._has_own_loss

    @property
    def can_rescale(self) -> bool:
        """Yes, unless a subclass has a loss or a link of its own."""
        return not self._has_own_loss and self._keeps(Regression, "mean", "inverse_link")

    @property
    def pool_key(self) -> tuple[Hashable, ...]:
        """All regressions can be learned as one, unless a subclass has a loss of its own."""
        return super().pool_key if self._has_own_loss else (Regression,)

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """Kind of loss and its threshold."""
        if self._has_own_loss:
            return super().loss_key
        return (type(self), self.loss, self.delta if self.loss == "huber" else None)

    @property
    def compiled_loss(self) -> tuple[int, float] | None:
        """That of "squared" and "huber"."""
        if self._has_own_loss or self.loss == "absolute":
            return None
        return (SQUARED, 0.0) if self.loss == "squared" else (HUBER, float(self.delta))

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Loss of the residual and its derivative."""
        residual = raw[..., 0] - values
        if self.loss == "squared":
            return 0.5 * residual**2, residual[..., None]
        if self.loss == "absolute":
            return np.abs(residual), np.sign(residual)[..., None]
        inner = np.clip(residual, -self.delta, self.delta)
        return inner * (residual - 0.5 * inner), inner[..., None]

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """One where the loss is quadratic, zero where it is linear."""
        if self.loss == "squared":
            return direction
        if self.loss == "absolute":
            return np.zeros_like(direction)
        return np.where(np.abs(raw - values[..., None]) < self.delta, direction, 0.0)

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`\frac12 u^2 + u y` (squared, huber) or :math:`u y`, within abs(u) <= slope."""
        u = dual[..., 0]
        quadratic = 0.0 if self.loss == "absolute" else 0.5 * u**2
        slope = {"squared": np.inf, "absolute": 1.0, "huber": self.delta}[self.loss]
        return np.where(np.abs(u) <= slope * (1 + 1e-12), quadratic + u * values, np.inf)

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Loss of the residual, torch."""
        residual = raw[..., 0] - values
        if self.loss == "squared":
            return 0.5 * residual.square()
        if self.loss == "absolute":
            return residual.abs()
        inner = residual.clamp(-self.delta, self.delta)
        return inner * (residual - 0.5 * inner)

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Loss of the residual and its slope, torch."""
        residual = raw - values[..., None]
        if self.loss == "absolute":
            return residual[..., 0].abs(), residual.sign()
        if self.loss == "squared":
            return residual[..., 0].square().mul_(0.5), residual
        slope = residual.clamp(-self.delta, self.delta)
        return (slope * (residual - 0.5 * slope))[..., 0], slope

    def torch_average(self, raw: Any) -> Any:
        """Mean score, torch."""
        return raw.mean(0)

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """Weighted mean label, in the units of the loss."""
        return np.atleast_1d(np.average(values, weights=in_range(weight)))

    @classmethod
    def raw_priors(cls, tasks: Sequence[Self], values: Array, weights: Array) -> Array:
        """Weighted mean labels of all tasks."""
        if cls.raw_prior is not Regression.raw_prior:
            return super().raw_priors(tasks, values, weights)
        # Here, as numba is loaded on first use.
        from skmtl.tasks._compiled import row_means

        means = np.zeros(len(tasks))
        row_means(values, rows_in_range(weights), means)
        return means[:, None]

    def deviance(self, expected: Array, values: Array) -> Array:
        """Squared error in the units of y, whatever the loss: the score is R2."""
        return (self.labels(values) - expected) ** 2

    @property
    def has_r2_score(self) -> bool:
        """Yes, unless a subclass has a deviance or a link of its own."""
        scores = ("deviance", "null_deviance", "score", "prior", "mean", "inverse_link", "labels")
        return self._keeps(Regression, *scores)

    def reference_metric(self, values: Array, expected: Array) -> Callable[..., float] | None:
        """`sklearn.metrics.r2_score`."""
        from sklearn.metrics import r2_score

        return r2_score if self.has_r2_score and len(values) > 1 else None
