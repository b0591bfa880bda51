"""What the task types whose labels are times until an event have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable
from typing import Any, ClassVar

import numpy as np

from skmtl.tasks._base import Array, Task
from skmtl.tasks._censoring import weights_of_seen
from skmtl.tasks._concordance import pairs_in_order
from skmtl.tasks._number import NumberTask
from skmtl.tasks._targets import LabelColumn
from skmtl.tasks._weights import in_range


class SurvivalTask(NumberTask):
    """Base of the types whose labels are times: of an event, or minus that up to which was none.

    Times and events may be two columns of y: with the parameter ``event`` a task names that of the
    events, and ``event_`` is that name once it is fitted.

    A type gives its loss and the probability of later events, `survival_at`. It predicts the
    median time, and nothing where no event was seen: NaN.
    """

    has_times: ClassVar[bool] = True

    @classmethod
    def has_event(cls, labels: Array) -> bool:
        """Whether there is anything to learn."""
        return bool((labels > 0).any())

    def check_labels(self, labels: Array, name: Hashable) -> None:
        """Raise for a time of 0."""
        if (labels == 0).any():
            raise ValueError(
                f"Task {name!r} is {self.alias}, but has the label 0; expected the time of an "
                "event, > 0, or minus the time up to which it was not seen."
            )

    def check_expected(self, expected: Array, name: Hashable) -> None:
        """Raise for a time that is not positive."""
        if (expected <= 0).any():
            raise ValueError(f"Task {name!r} is {self.alias}, but y_pred has {expected.min():g}.")

    @abstractmethod
    def median(self, raw: Array) -> Array:
        """Median times (n,) for raw scores (n, n_outputs), where an event was seen."""

    @abstractmethod
    def survival_at(self, raw: Array, times: Array) -> Array:
        """Probability (n, n_times) of an event later than each time, where one was seen."""

    def inverse_link(self, raw: Array) -> Array:
        """Median times; NaN if no event was seen."""
        if not self.n_labels_ or not self.n_outputs_:
            return self.expected_without_labels(raw.shape[0])
        return self.median(raw.astype(np.float64))

    def torch_median(self, raw: Any) -> Any:
        """`median`, torch."""
        return Task.torch_inverse_link(self, raw)

    def torch_inverse_link(self, raw: Any) -> Any:
        """Median times; NaN if no event was seen, torch."""
        if not self.n_labels_ or not self.n_outputs_:
            return raw.new_full((raw.shape[0],), float("nan"))
        return self.torch_median(raw)

    def survival(self, raw: Array, times: Array) -> Array:
        """Probability (n, n_times) of an event later than each of ``times``; NaN where none was."""
        if not self.n_labels_ or not self.n_outputs_:
            return np.full((len(raw), len(times)), np.nan)
        return self.survival_at(raw.astype(np.float64), times)

    def only_expected(self, values: Array) -> Any:
        """NaN where no event was seen."""
        return None if self.has_event(values) else np.nan

    def certain(self, values: Array) -> Array:
        """The times, seen to their end or not."""
        return np.abs(values)

    def prior(self, values: Array, weight: Array) -> Array:
        """Median time of the best constant; NaN without an event, where any later is better."""
        if not self.has_event(values[weight > 0]):
            return np.asarray(np.nan)
        return np.asarray(self.inverse_link(self.raw_prior(values, weight)[None])[0])

    def as_numbers(self, values: Array, weight: Array) -> Array:
        """How much longer a time is than the best constant says: minus the slope of its loss."""
        used = weight > 0
        numbers = np.zeros(len(values))
        if self.has_event(values[used]):
            some = values[used].astype(np.float64)
            score = self.raw_prior(some, weight[used].astype(np.float64))[:1]
            raw = np.broadcast_to(score, (len(some), 1))
            numbers[used] = -self.loss_and_grad(raw, some)[1][:, 0]
        return numbers

    def central_label(self, values: Array, weight: Array) -> float:
        """The median time, as of an event."""
        return float(self.prior(values, weight))

    def blend_labels(self, values: Array, weight: Array) -> tuple[Array, Array]:
        """Logarithms of times of events, weighted for those that were not seen."""
        times, seen = np.abs(values), values > 0
        return np.log(times), weight * weights_of_seen(times, seen, weight)

    def to_blend(self, expected: Array) -> Array:
        """Logarithms: of two predictions one may be many times the other."""
        return np.log(expected)

    def from_blend(self, blended: Array) -> Array:
        """Times."""
        return np.exp(blended)

    def score(self, expected: Array, values: Array, weight: Array) -> float:
        """Somers' D of the predicted times: twice the concordance, less 1.

        NaN where no order is known.
        """
        used = weight > 0
        data = np.abs(values[used]), values[used] > 0, expected[used], in_range(weight[used])
        known, right = pairs_in_order(*data)
        return 2.0 * right / known - 1.0 if known > 0 else float("nan")

    def residual(self, expected: Array, values: Array) -> Array:
        """Logarithm of time over predicted time (n, 1); 0 where a longer one may be true."""
        apart = np.log(np.abs(values)) - np.log(expected)
        return np.where(values > 0, apart, np.maximum(apart, 0.0))[:, None]


def constant_of_times(column: LabelColumn) -> Array | None:
    """Raw scores of the best constant for labels that are times; None elsewhere and without any."""
    task, values, weights = column
    used = weights > 0
    if not (isinstance(task, SurvivalTask) and task.n_outputs_ and task.has_event(values[used])):
        return None
    return task.raw_prior(values[used], weights[used])
