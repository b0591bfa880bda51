"""What the task types whose labels are numbers have in common."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Self

import numpy as np

from skmtl.tasks._base import Array, Task
from skmtl.tasks._columns import Column
from skmtl.tasks._weights import in_range, rows_in_range


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
        """Check options and labels; learn location and scale over the observed ones.

        With ``standardize="about_zero"`` the location stays 0, for models without intercepts.
        """
        self._check_options(name)
        values = self.encode_numbers(column, name)
        location, scale = np.zeros(1), np.ones(1)
        if standardize and self.can_rescale and weight.any():
            about_zero = standardize == "about_zero"
            location, scale = moments(values[None], [weight], about_zero=about_zero)
        self._begin(int((weight > 0).sum()), *location.tolist(), *scale.tolist())
        self._learn(values, weight)
        return self

    def _begin(self, n_labels: int, location: float, scale: float) -> None:
        self.n_outputs_, self.n_labels_ = 1, n_labels
        self.location_, self.scale_ = location, scale

    def _check_options(self, name: Hashable) -> None:
        """Raise for parameters that mean nothing."""

    @property
    def fits_beside_others(self) -> bool:
        """Whether `fit` and `encode` are those that many tasks go through at once."""
        return self._keeps(NumberTask, *FIT)

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


FIT = ("fit", "_begin", "_learn", "encode", "encode_numbers", "check_labels", "label_weight")


def fit_beside(
    tasks: Sequence[NumberTask],
    columns: Sequence[Column],
    weights: Sequence[Array],
    *,
    standardize: bool | str,
) -> Array:
    """`NumberTask.fit` and `encode` of many tasks: their encoded labels (n_tasks, n)."""
    values = np.array([column.labels for column in columns], dtype=np.float64)
    observed = np.array([column.observed for column in columns])
    if not observed.all():
        values[~observed] = 0.0
    location, scale = np.zeros(len(values)), np.ones(len(values))
    counts = np.array([np.count_nonzero(weight) for weight in weights])
    if standardize:
        can_rescale = np.array([task.can_rescale for task in tasks]) & (counts > 0)
        location, scale = moments(values, weights, about_zero=standardize == "about_zero")
        location[~can_rescale], scale[~can_rescale] = 0.0, 1.0
        values -= location[:, None]
        values /= scale[:, None]
        if not observed.all():
            values[~observed] = 0.0
    for task, *found in zip(tasks, counts.tolist(), location.tolist(), scale.tolist(), strict=True):
        task._begin(*found)
    return values


def moments(
    values: Array, weights: Sequence[Array], *, about_zero: bool = False
) -> tuple[Array, Array]:
    """Weighted means and standard deviations of rows; scale 1 where the labels are constant.

    About zero: 0 and the root mean square.
    """
    # Here, as numba is loaded on first use.
    from skmtl.tasks._compiled import row_moments

    location, scale = np.zeros(len(values)), np.ones(len(values))
    row_moments(values, rows_in_range(weights), about_zero, location, scale)
    return location, scale
