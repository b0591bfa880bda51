r"""Line search along raw scores: no product with X, however many steps are tried.

Along a direction with raw scores E, the objective is :math:`\varphi(t) = F(R + t E) + a t + b
t^2 / 2`. It is convex, so that the sign of its derivative says on which side of t the minimum is:
no value has to be computed, and none is subtracted from another that it is close to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.solvers.newton._task_sums import TaskSums

Array = NDArray[Any]

FLAT_ENOUGH = 0.5
"""Derivative, relative to that at the start, at which a step is taken."""

FARTHER = 10.0
"""Factor by which a step grows at most from one trial to the next."""

FARTHEST = 1e8
"""Step that is taken where the objective still falls: it hardly bends at all."""

MAX_TRIALS = 40


def search(
    sums: TaskSums, point: DataPoint, E: Array, start: Array, first: Array, a: Array, b: Array
) -> tuple[Array, DataPoint]:
    """Steps t (n_groups,), and the point there.

    Parameters
    ----------
    sums : TaskSums
        Groups, each with a step of its own.
    point : DataPoint
        Where to start.
    E : ndarray of shape (n_samples, n_outputs)
        Raw scores of the direction.
    start : ndarray of shape (n_groups,)
        Derivative of the objective along the direction, negative.
    first : ndarray of shape (n_groups,)
        Steps to try first.
    a, b : ndarray of shape (n_groups,)
        First and second derivative of the penalty along the direction.
    """
    t, enough = first, FLAT_ENOUGH * np.abs(start)
    low, high = np.zeros_like(t), np.full_like(t, np.inf)
    at_low, at_high = start, high
    for _ in range(MAX_TRIALS):
        trial = DataPoint(point.loss, point.raw + sums.to_scores(t, E))
        slope = sums.of_scores(trial.slope, E) + a + b * t
        done = np.abs(slope) <= enough
        if done.all():
            break
        done |= (slope < 0) & (t >= FARTHEST)
        if done.all():
            break
        # A loss that overflows is as good as one that rises.
        rises = ~done & ~(slope < 0)
        falls = ~done & (slope < 0)
        high, at_high = np.where(rises, t, high), np.where(rises, slope, at_high)
        low, at_low = np.where(falls, t, low), np.where(falls, slope, at_low)
        t = np.where(done, t, next_steps(low, high, at_low, at_high, start))
    return t, trial


def next_steps(low: Array, high: Array, at_low: Array, at_high: Array, start: Array) -> Array:
    """Where a line through the derivatives is 0, well inside of what is known."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        bent = low + (high - low) * at_low / (at_low - at_high)
        inside = np.clip(bent, 0.9 * low + 0.1 * high, 0.1 * low + 0.9 * high)
        farther = low * np.clip(start / (start - at_low), 2.0, FARTHER)
    inside = np.where(np.isfinite(inside), inside, 0.9 * low + 0.1 * high)
    return np.where(np.isinf(high), farther, inside)
