"""A number to predict."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np

from skmtl.tasks._base import Array, Task
from skmtl.tasks._columns import Column
from skmtl.tasks._weights import in_range

LOSSES = ("squared", "absolute", "huber")


class Regression(Task):
    r"""A task whose labels are numbers.

    With :math:`r = f - y`, the loss is :math:`\frac12 r^2` ("squared"), :math:`|r|`
    ("absolute"), or Huber's [1]_ ("huber"): :math:`\frac12 r^2` where :math:`|r| \le \delta`
    and :math:`\delta |r| - \frac12 \delta^2` beyond.

    Parameters
    ----------
    loss : {"squared", "absolute", "huber"}, default="squared"
        What a residual costs. The linear half needs a smooth one: "squared" or "huber".
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
    >>> from skmtl.tasks import Regression
    >>> from skmtl import MultiTaskLinear
    >>> model = MultiTaskLinear(tasks=[Regression(loss="huber"), "binary"])
    """

    alias = "regression"

    def __init__(self, loss: str = "squared", *, delta: float = 1.35) -> None:
        self.loss = loss
        self.delta = delta

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check the labels; learn location and scale over the observed ones.

        With ``standardize="about_zero"`` the location stays 0, for models without intercepts.
        """
        if self.loss not in LOSSES:
            raise ValueError(
                f"Task {name!r}: Regression(loss={self.loss!r}); expected one of {LOSSES}."
            )
        if not self.delta > 0:
            raise ValueError(f"Task {name!r}: Regression(delta={self.delta!r}) must be positive.")
        self.n_outputs_ = 1
        self.location_, self.scale_ = 0.0, 1.0
        values, used = self.encode_numbers(column, name), weight > 0
        self.n_labels_ = int(used.sum())
        if standardize and self.n_labels_:
            if self.n_labels_ < len(used):
                values, weight = values[used], weight[used]
            about_zero = standardize == "about_zero"
            self.location_, self.scale_ = _moments(values, weight, about_zero=about_zero)
        return self

    def encode_numbers(self, column: Column, name: Hashable) -> Array:
        """Labels as float64 in the units of y."""
        if column.is_string:
            text = column.labels[column.observed][0]
            raise ValueError(
                f"Task {name!r} is {self.alias}, but has the label {text!r}; expected numbers. "
                "Declare it 'binary' or 'multiclass' in tasks=, or convert it."
            )
        values = column.labels.astype(np.float64)
        values[~column.observed] = 0.0
        return values

    def encode(self, column: Column, name: Hashable, *, unseen: str = "raise") -> Array:
        """Standardised labels, 0 where unobserved."""
        values = self.encode_numbers(column, name)
        values -= self.location_
        values /= self.scale_
        values[~column.observed] = 0.0
        return values

    def labels(self, values: Array) -> Array:
        """Labels in the units of y."""
        return values * self.scale_ + self.location_

    def inverse_link(self, raw: Array) -> Array:
        """Predicted values in the units of y; NaN if no label was seen."""
        if not self.n_labels_:
            return np.full(raw.shape[0], np.nan)
        return self.labels(raw[..., 0].astype(np.float64))

    def decode(self, expected: Array) -> Array:
        """The prediction is the expected value."""
        return expected

    @property
    def has_squared_loss(self) -> bool:
        """For "squared"; not for a subclass with a loss of its own."""
        return self.loss == "squared" and type(self).loss_and_grad is Regression.loss_and_grad

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """Kind of loss and its threshold."""
        return (type(self), self.loss, self.delta if self.loss == "huber" else None)

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

    def prior(self, values: Array, weight: Array) -> Array:
        """Weighted mean label, in the units of y."""
        return np.average(self.labels(values), weights=in_range(weight))

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """Weighted mean label, in the units of the loss."""
        return np.atleast_1d(np.average(values, weights=in_range(weight)))

    def deviance(self, expected: Array, values: Array) -> Array:
        """Squared error in the units of y, whatever the loss: the score is R2."""
        return (self.labels(values) - expected) ** 2


def _moments(values: Array, weight: Array, *, about_zero: bool = False) -> tuple[float, float]:
    """Weighted mean and standard deviation; scale 1 where the labels are constant.

    About zero: 0 and the root mean square.
    """
    weight = in_range(weight)
    share = weight / weight.sum()
    location = 0.0 if about_zero else float(share @ values)
    centred = values - location
    # Normalising first keeps squares of targets of any magnitude finite.
    largest = float(np.abs(centred).max())
    if largest <= 10 * np.finfo(np.float64).eps * float(np.abs(values).max()):
        return location, 1.0
    centred /= largest
    return location, largest * float(np.sqrt(share @ np.square(centred)))
