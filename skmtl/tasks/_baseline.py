r"""A cumulative hazard that jumps where events were seen.

With :math:`\lambda(t \mid x) = \lambda_0(t) \, e^{-f(x)}`, the scores f, and weights w [1]_

.. math:: \Lambda_0(t) = \sum_{t_k \le t} \frac{\sum_i w_i \, [t_i = t_k, \text{seen}]}
          {\sum_{t_j \ge t_k} w_j e^{-f_j}}

which is the estimate of Nelson and Aalen where all scores are 0.

References
----------
.. [1] N. E. Breslow, discussion of D. R. Cox, "Regression models and life-tables", Journal of the
   Royal Statistical Society B 34, 1972, pages 216-217.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._logarithms import FARTHEST
from skmtl.tasks._weights import in_range

Array = NDArray[Any]


WIDEST, LARGEST = 150.0, 550.0
"""Of scores less the lowest, and of that one: with more, hazards are no numbers of float64."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """A cumulative hazard.

    Parameters
    ----------
    times : ndarray of shape (n_times,)
        Different times of events, rising.
    hazards : ndarray of shape (n_times,)
        The cumulative hazard from each of them on.
    """

    times: Array
    hazards: Array

    @classmethod
    def of(cls, values: Array, weight: Array, score: Array | None = None) -> Self:
        """From signed times of which one at least is an event; scores are 0 by default."""
        weight, times = in_range(weight), np.abs(values)
        score = np.zeros(len(values)) if score is None else score.astype(np.float64)
        lowest = score.min()
        at_events, place = np.unique(times[values > 0], return_inverse=True)
        events = np.bincount(place, weight[values > 0])
        # Who is at risk first counts last: times from the highest on.
        order = np.argsort(-times, kind="stable")
        at_risk = (weight * np.exp(np.maximum(lowest - score, -WIDEST)))[order].cumsum()
        last = np.searchsorted(-times[order], -at_events, side="right") - 1
        return cls(
            at_events,
            np.exp(np.clip(lowest, -LARGEST, LARGEST)) * (events / at_risk[last]).cumsum(),
        )

    def at(self, times: Array) -> Array:
        """Cumulative hazard; after the last event it goes on as fast as before, in the mean."""
        upto = np.concatenate([[0.0], self.hazards])
        steps = upto[np.searchsorted(self.times, times, side="right")]
        return np.where(times > self.times[-1], self._beyond(times), steps)

    def between(self, times: Array) -> Array:
        """`at`, along straight lines from one event to the next; before the first as there."""
        lines = np.interp(times, self.times, self.hazards)
        return np.where(times > self.times[-1], self._beyond(times), lines)

    def time_of(self, hazard: Array) -> Array:
        """The inverse of `between`, from the first event on."""
        lines = np.interp(hazard, self.hazards, self.times)
        with np.errstate(over="ignore"):
            # As late as a number can be whose square is one.
            beyond = self.times[-1] * np.minimum(hazard / self.hazards[-1], np.exp(FARTHEST))
        # Unknown stays unknown: one event alone is the same line everywhere.
        return np.where(hazard <= self.hazards[-1], lines, beyond)

    def torch_time_of(self, hazard: Any) -> Any:
        """`time_of`, torch."""
        lines = torch_interp(hazard, self.hazards, self.times)
        beyond = self.times[-1] / self.hazards[-1] * hazard
        return lines.where(hazard <= self.hazards[-1], beyond)

    def _beyond(self, times: Array) -> Array:
        return self.hazards[-1] * (times / self.times[-1])


def torch_interp(x: Any, at: Array, values: Array) -> Any:
    """`numpy.interp` of a tensor (n,), by comparisons, which any runtime has."""
    known, of_known = x.new_tensor(at), x.new_tensor(values)
    if len(at) == 1:
        return of_known.expand(x.shape[0])
    place = (x[:, None] >= known[1:-1]).sum(-1)
    left, right = known[:-1][place], known[1:][place]
    low, high = of_known[:-1][place], of_known[1:][place]
    share = ((x - left) / (right - left)).clamp(0.0, 1.0)
    return low + share * (high - low)
