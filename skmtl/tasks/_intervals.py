"""Intervals of time that end at quantiles of times of events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

ROOT_STEPS = 200
SHORT = 1e-3
"""Share of a time that its events spread over, where they are most of all and the first."""


@dataclass(frozen=True, eq=False)
class Intervals:
    """Intervals from 0 on, each with its end.

    Parameters
    ----------
    ends : ndarray of shape (n_intervals,)
        Where they end, rising.
    """

    ends: Array

    @classmethod
    def of(cls, times: Array, weight: Array, n_intervals: int) -> Self:
        """Those with about as many events each, as weights count them; the last event ends one."""
        order = np.argsort(times, kind="stable")
        upto = weight[order].cumsum()
        wanted = upto[-1] * np.arange(1, n_intervals + 1) / n_intervals
        # A sum of weights that rounding left short of a quantile reaches it all the same.
        place = np.searchsorted(upto, wanted * (1.0 - 1e-12), side="left")
        ends = np.unique(times[order][np.minimum(place, len(order) - 1)])
        is_first = times == times.min()
        if ends[0] == times.min() and 2.0 * weight[is_first].sum() >= upto[-1]:
            # Most events at the first time of all do not spread over the time before it.
            ends = np.concatenate([[ends[0] * (1.0 - SHORT)], ends])
        return cls(ends)

    @cached_property
    def starts(self) -> Array:
        """Where they start."""
        return np.concatenate([[0.0], self.ends[:-1]])

    @property
    def widths(self) -> Array:
        """How long they are."""
        return self.ends - self.starts

    def hazard_at(self, hazards: Array, times: Array) -> tuple[Array, Array, Array]:
        r"""Cumulative hazard at times (...), of hazards (..., n_intervals).

        Events spread evenly over an interval: the share s of it leaves
        :math:`1 - s (1 - e^{-\lambda})` of those that came to it. Behind the last one its
        hazard goes on.

        Returns
        -------
        total, place, slope : ndarray of shape (...)
            The hazard; the interval of a time; the derivative along the hazard of that.
        """
        place = np.minimum(np.searchsorted(self.ends, times), len(self.ends) - 1)
        share = (times - self.starts[place]) / self.widths[place]
        shape = (*np.broadcast_shapes(hazards.shape[:-1], times.shape), len(self.ends))
        hazards, at = np.broadcast_to(hazards, shape), np.broadcast_to(place, shape[:-1])[..., None]
        own = np.take_along_axis(hazards, at, -1)[..., 0]
        before = np.take_along_axis(hazards.cumsum(axis=-1), at, -1)[..., 0] - own
        inside = np.minimum(share, 1.0)
        with np.errstate(divide="ignore"):
            within = -np.log1p(inside * np.expm1(-own))
        left = np.maximum(np.exp(-within), np.finfo(float).tiny)
        slope = np.where(share < 1.0, inside * np.exp(-own) / left, share)
        return before + np.where(share < 1.0, within, own * share), at[..., 0], slope

    def watched(self, values: Array) -> tuple[Array, Array]:
        """Share (..., n_intervals) of each without an event; 1 in that of the event, 0 elsewhere.

        After the last interval nobody is watched any longer.
        """
        times = np.abs(values)[..., None]
        event = (values > 0)[..., None] & (self.starts < times) & (times <= self.ends)
        share = np.clip((times - self.starts) / self.widths, 0.0, 1.0)
        return np.where(event, 0.0, share), event.astype(np.float64)

    def torch_watched(self, values: Any) -> Any:
        """`watched`, torch."""
        starts, ends = values.new_tensor(self.starts), values.new_tensor(self.ends)
        times = values.abs()[..., None]
        event = (values > 0)[..., None] & (starts < times) & (times <= ends)
        share = ((times - starts) / values.new_tensor(self.widths)).clamp(0.0, 1.0)
        return share.masked_fill(event, 0.0), event.to(values.dtype)

    def time_of(self, hazards: Array, level: float) -> Array:
        """Times (n,) at which the cumulative hazard is at a level; the inverse of `hazard_at`."""
        total = hazards.cumsum(axis=-1)
        last = np.minimum((total < level).sum(axis=-1), len(self.ends) - 1)[:, None]
        own = np.maximum(np.take_along_axis(hazards, last, -1), np.finfo(float).tiny)
        missing = level - (np.take_along_axis(total, last, -1) - own)
        inside = np.expm1(-missing) / np.expm1(-own)
        share = np.where(missing < own, inside, np.minimum(missing / own, MOST))[:, 0]
        return self.starts[last[:, 0]] + self.widths[last[:, 0]] * share

    def torch_time_of(self, hazards: Any, level: float) -> Any:
        """`time_of`, torch."""
        total = hazards.cumsum(-1)
        last = (total < level).sum(-1, keepdim=True).clamp_max(len(self.ends) - 1)
        own = hazards.gather(-1, last).clamp_min(float(np.finfo(np.float32).tiny))
        missing = level - (total.gather(-1, last) - own)
        inside = (-missing).expm1() / (-own).expm1()
        most = float(np.finfo(np.float32).max)
        share = inside.where(missing < own, (missing / own).clamp_max(most))[:, 0]
        starts, widths = hazards.new_tensor(self.starts), hazards.new_tensor(self.widths)
        return starts[last[:, 0]] + widths[last[:, 0]] * share


MOST = 1e100
"""Lengths of the last interval after which a time is no longer told from later ones."""


def root_of(
    slope: Callable[[Array], tuple[Array, Array]], low: float, high: float, shape: tuple[int, ...]
) -> Array:
    """Roots between two ends of functions that rise, by Newton's method and by halving.

    ``slope`` gives the values at some points and their derivatives.
    """
    lower, upper = np.full(shape, low), np.full(shape, high)
    x = 0.5 * (lower + upper)
    for _ in range(ROOT_STEPS):
        value, derivative = slope(x)
        lower, upper = np.where(value < 0, x, lower), np.where(value < 0, upper, x)
        step = x - value / np.maximum(derivative, np.finfo(float).tiny)
        following = np.where((step > lower) & (step < upper), step, 0.5 * (lower + upper))
        done = np.abs(following - x) <= 1e-14 * np.maximum(np.abs(x), 1.0)
        x = following
        if done.all():
            break
    return x
