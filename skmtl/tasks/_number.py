"""What the task types whose labels are numbers have in common."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np

from skmtl._rounding import varies
from skmtl.tasks._base import Array, Task
from skmtl.tasks._columns import Column
from skmtl.tasks._weights import in_range


class NumberTask(Task):
    r"""Base of the task types whose labels are numbers and whose prediction is their mean.

    A type of your own gives its loss (`loss_and_grad`, `curvature`, `conjugate`,
    `torch_loss`), the `mean` of a raw score, its inverse (`raw_prior`, `torch_average`) and its
    `deviance`. Labels are not standardised unless it says `can_rescale`.

    Attributes
    ----------
    location_, scale_ : float
        Labels are ``values * scale_ + location_``.
    n_outputs_ : int
        1: raw scores per row.
    n_labels_ : int
        Number of observed labels seen in `fit`.

    Examples
    --------
    >>> from skmtl.tasks import Count, NumberTask, Regression
    >>> issubclass(Count, NumberTask), issubclass(Count, Regression)
    (True, False)
    """

    location_: float
    scale_: float

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check the labels; learn location and scale over the observed ones.

        With ``standardize="about_zero"`` the location stays 0, for models without intercepts.
        """
        self.n_outputs_ = 1
        self.location_, self.scale_ = 0.0, 1.0
        values, used = self.encode_numbers(column, name), weight > 0
        self.n_labels_ = int(used.sum())
        self._learn(values, weight)
        if standardize and self.can_rescale and self.n_labels_:
            if self.n_labels_ < len(used):
                values, weight = values[used], weight[used]
            about_zero = standardize == "about_zero"
            self.location_, self.scale_ = _moments(values, weight, about_zero=about_zero)
        return self

    def _learn(self, values: Array, weight: Array) -> None:
        """Learn what the likelihood has beside the mean, from all labels (weight 0: unobserved)."""

    def encode_numbers(self, column: Column, name: Hashable) -> Array:
        """Labels as float64 in the units of y, 0 where unobserved."""
        if column.is_string:
            text = column.labels[column.observed][0]
            raise ValueError(
                f"Task {name!r} is {self.alias}, but has the label {text!r}; expected numbers. "
                "Declare it 'binary' or 'multiclass' in tasks=, or convert it."
            )
        values = column.labels.astype(np.float64)
        if column.observed.all():
            self.check_labels(values, name)
        else:
            values[~column.observed] = 0.0
            self.check_labels(values[column.observed], name)
        return values

    def check_labels(self, labels: Array, name: Hashable) -> None:
        """Raise for numbers that are no labels of this type; any are by default."""

    def encode(self, column: Column, name: Hashable, *, unseen: str = "raise") -> Array:
        """Labels in the units of the loss, 0 where unobserved."""
        values = self.encode_numbers(column, name)
        if self.location_ or self.scale_ != 1.0:
            values -= self.location_
            values /= self.scale_
            values[~column.observed] = 0.0
        return values

    def labels(self, values: Array) -> Array:
        """Labels in the units of y."""
        return values * self.scale_ + self.location_

    def mean(self, score: Array) -> Array:
        """Expected label for raw scores (...), in the units of the loss: the inverse link."""
        return score

    def inverse_link(self, raw: Array) -> Array:
        """Predicted values in the units of y; NaN if no label was seen."""
        if not self.n_labels_:
            return self.expected_without_labels(raw.shape[0])
        return self.labels(self.mean(raw[..., 0].astype(np.float64)))

    def torch_mean(self, score: Any) -> Any:
        """`mean`, torch."""
        return score if self._keeps(NumberTask, "mean") else Task.torch_inverse_link(self, score)

    def torch_inverse_link(self, raw: Any) -> Any:
        """Predicted values in the units of y; NaN if no label was seen, torch."""
        if not self.n_labels_:
            return raw.new_full((raw.shape[0],), float("nan"))
        return self.labels(self.torch_mean(raw[..., 0]))

    def decode(self, expected: Array) -> Array:
        """The prediction is the expected value."""
        return expected

    def expected_without_labels(self, n_rows: int) -> Array:
        """NaN."""
        return np.full(n_rows, np.nan)

    def only_expected(self, values: Array) -> Any:
        """NaN where there is no label."""
        return None if len(values) else np.nan

    def certain(self, values: Array) -> Array:
        """The labels themselves, in the units of y."""
        return self.labels(values)

    def prior(self, values: Array, weight: Array) -> Array:
        """Weighted mean label, in the units of y."""
        labels = self.labels(values)
        mean = np.average(labels, weights=in_range(weight))
        # Where all are the same, so is their mean: but for rounding.
        return np.clip(mean, labels.min(), labels.max())

    def residual(self, expected: Array, values: Array) -> Array:
        """Residuals (n, 1) of deviance."""
        sign = np.sign(self.labels(values) - expected)
        return (sign * np.sqrt(self.deviance(expected, values)))[:, None]

    def default_estimator(self) -> Any:
        """Ridge regression."""
        from sklearn.linear_model import Ridge

        return Ridge()


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
    if not varies(largest, np.abs(values).max()):
        return location, 1.0
    centred /= largest
    return location, largest * float(np.sqrt(share @ np.square(centred)))
