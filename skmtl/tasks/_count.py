"""A count to predict."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from scipy.special import xlogy

from skmtl.tasks._base import Array
from skmtl.tasks._columns import Column
from skmtl.tasks._regression import Regression
from skmtl.tasks._weights import in_range


class Count(Regression):
    r"""A task whose labels are counts: Poisson likelihood with a log link.

    The mean [1]_ is :math:`\mu = e^f` and the loss :math:`e^f - y f + y \log y - y`, half the
    Poisson deviance. `score` is the explained deviance.
    Labels may be any numbers >= 0, as rates are.

    References
    ----------
    .. [1] P. McCullagh and J. A. Nelder, "Generalized Linear Models", 2nd ed., 1989, ch. 6.

    Examples
    --------
    >>> from skmtl.tasks import Count
    >>> from skmtl import MultiTaskLinear
    >>> model = MultiTaskLinear(tasks={"visits": Count(), "stays": "count"})
    """

    alias = "count"

    def __init__(self) -> None:
        pass

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check that no label is negative; counts are never standardised."""
        self.n_outputs_ = 1
        self.location_, self.scale_ = 0.0, 1.0
        self.encode_numbers(column, name)
        self.n_labels_ = int((weight > 0).sum())
        return self

    def encode_numbers(self, column: Column, name: Hashable) -> Array:
        """Labels as float64, none of them negative."""
        values = super().encode_numbers(column, name)
        if (values < 0).any():
            raise ValueError(
                f"Task {name!r} is a count, but has the label {values.min():g}; expected >= 0."
            )
        return values

    def inverse_link(self, raw: Array) -> Array:
        """Expected counts; NaN if no label was seen."""
        if not self.n_labels_:
            return np.full(raw.shape[0], np.nan)
        return np.exp(raw[..., 0].astype(np.float64))

    @property
    def has_squared_loss(self) -> bool:
        """Never."""
        return False

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """All counts have one loss."""
        return (type(self),)

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Poisson loss and its derivative."""
        mean = np.exp(raw[..., 0])
        least = xlogy(values, values) - values
        return mean - values * raw[..., 0] + least, (mean - values)[..., None]

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """The mean times the direction."""
        return np.exp(raw) * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`(u + y) \log (u + y) - u - y \log y` for u + y >= 0."""
        mean = dual[..., 0] + values
        floor = -1e-12 * (1.0 + values)
        mean = np.where(mean >= floor, np.maximum(mean, 0.0), -1.0)
        least = xlogy(values, values) - values
        return np.where(mean >= 0, xlogy(mean, np.maximum(mean, 0.0)) - mean - least, np.inf)

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Poisson loss, torch."""
        return raw[..., 0].exp() - values * raw[..., 0] + (values.xlogy(values) - values)

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Poisson loss and mean less count, torch."""
        mean, least = raw.exp(), values.xlogy(values) - values
        loss = mean[..., 0] - values * raw[..., 0] + least
        return loss, mean - values[..., None]

    def torch_average(self, raw: Any) -> Any:
        """Logarithm of the mean count, torch."""
        return raw.logsumexp(0) - np.log(len(raw))

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """Logarithm of the weighted mean count; of a small one where all are zero."""
        mean = np.average(values, weights=in_range(weight))
        return np.atleast_1d(np.log(mean if mean > 0 else 1e-3))

    def deviance(self, expected: Array, values: Array) -> Array:
        r"""Poisson deviance :math:`2 (y \log (y / \mu) - y + \mu)`."""
        # A mean so far below the count that their ratio is still a number.
        mean = np.maximum(expected, np.finfo(np.float64).tiny * np.maximum(values, 1.0))
        return 2.0 * (xlogy(values, values / mean) - values + expected)
