"""What the task types whose mean is an exponential function have in common."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, ClassVar

import numpy as np

from skmtl.tasks._base import Array
from skmtl.tasks._logarithms import bounded_exp, torch_bounded_exp
from skmtl.tasks._number import NumberTask
from skmtl.tasks._weights import in_range

# Expected label where every observed one is zero: a log link has no finite score for 0.
NEARLY_ZERO = 1e-3


class LogLink(NumberTask):
    r"""Base of the types with a log link, :math:`\mu = e^f`, whose best constant is the mean.

    That holds of every likelihood with a mean and a dispersion alone: Poisson, gamma, Tweedie,
    negative binomial (P. McCullagh and J. A. Nelder, "Generalized Linear Models", 2nd ed.,
    1989, section 2.2).
    """

    # What messages call a task of this type.
    noun: ClassVar[str]
    takes_zero: ClassVar[bool] = True

    def check_labels(self, labels: Array, name: Hashable) -> None:
        """Raise for a negative label, and for 0 where the likelihood has no room for it."""
        if (labels < 0).any() or (not self.takes_zero and (labels == 0).any()):
            raise ValueError(
                f"Task {name!r} is {self.noun}, but has the label {labels.min():g}; "
                f"expected {'>= 0' if self.takes_zero else '> 0'}."
            )

    def check_expected(self, expected: Array, name: Hashable) -> None:
        """Raise for a prediction that is no mean of such labels."""
        if (expected < 0).any() or (not self.takes_zero and (expected == 0).any()):
            raise ValueError(f"Task {name!r} is {self.noun}, but y_pred has {expected.min():g}.")

    @property
    def _range(self) -> str:
        return ">= 0" if self.takes_zero else "> 0"

    def mean(self, score: Array) -> Array:
        """Exponential function of the raw scores, between 2^-500 and 2^500."""
        return bounded_exp(score)

    def torch_mean(self, score: Any) -> Any:
        """`mean`, torch."""
        return torch_bounded_exp(score)

    def only_expected(self, values: Array) -> Any:
        """NaN without labels; 0 where all are: a log link has no finite coefficients for that."""
        if not len(values):
            return np.nan
        return None if values.any() else 0.0

    def torch_average(self, raw: Any) -> Any:
        """Logarithm of the mean prediction, torch."""
        return raw.logsumexp(0) - np.log(len(raw))

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """Logarithm of the weighted mean label; of a small one where all are zero."""
        weight = in_range(weight)
        mean = weight @ values / weight.sum()
        return np.atleast_1d(np.log(mean if mean > 0 else NEARLY_ZERO))
