r"""Hyper-parameters a standard error away from the most likely ones, in independent directions.

Around its maximum the logarithm of the likelihood falls by :math:`\frac12 z^2` at z standard
errors. Directions are those in which it is bent there, independent of each other: those of the
tasks alone, for the kernel there is, and those of the kernel, which parameters of the tasks
follow. How far one goes is read off the likelihood itself, on both sides: what labels hardly tell
has no parabola (a noise that may as well be 0), and of what is at an end of its range there is
only one side.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel.gaussian._evidence import Evidence
from skmtl.kernel.gaussian._hyper_parameters import Likelihood, kernel_slope

Array = NDArray[Any]

STEP = 1e-4
"""Of parameters, for differences of slopes."""
MOST_PARAMETERS = 40
"""Where each costs a factorisation; of more those of the kernel and of noise."""
FLATTEST = 1e-2
"""Least curvature that a first step goes by."""
FALL = 0.2, 1.2
"""Of the logarithm of the likelihood; differences are divided by the standard errors it means."""
PARABOLA = 0.1
"""Share by which it may fall more or less than it is bent, and the other side is the same."""
MOST_STEPS = 8


class Point(NamedTuple):
    """Parameters, what they make of the labels, and the share that squares of differences have."""

    theta: Array
    kernel: Any
    decomposed: Any
    evidence: Evidence | None
    share: float = 1.0

    @property
    def value(self) -> float:
        return -np.inf if self.evidence is None else self.evidence.value


class Around:
    """The likelihood near to its maximum, for kernels that are mostly one."""

    def __init__(self, likelihood: Likelihood, theta: Array) -> None:
        self.likelihood, self.theta = likelihood, theta
        self.n_kernel = likelihood.kernel.n_dims
        self._kernel = likelihood.kernel.clone_with_theta(theta[: self.n_kernel])
        self._decomposed = likelihood.system.decompose(self._kernel(likelihood.X))
        self.best = self(theta)

    def __call__(self, theta: Array) -> Point:
        own = theta[: self.n_kernel]
        kernel, decomposed = self._kernel, self._decomposed
        if (own != self.theta[: self.n_kernel]).any():
            kernel = kernel.clone_with_theta(own)
            decomposed = self.likelihood.system.decompose(kernel(self.likelihood.X))
        B, noise = self.likelihood.of_tasks(theta[self.n_kernel :])
        return Point(
            theta, kernel, decomposed, self.likelihood.system.evidence(decomposed, B, noise)
        )

    def slope(self, point: Point) -> Array:
        """Slopes of the likelihood; those in the kernel where it has moved, and at the maximum."""
        n, found = self.n_kernel, np.zeros(len(self.theta))
        if point.evidence is None:
            return found
        rest = point.theta[n:]
        noise = self.likelihood.of_tasks(rest)[1]
        found[n:] = self.likelihood.slope_of_tasks(point.evidence, rest, noise)
        if point is self.best or point.kernel is not self._kernel:
            dK = point.kernel(self.likelihood.X, eval_gradient=True)[1]
            found[:n] = kernel_slope(point.evidence, dK)
        return found

    def curvature(self, varied: Array) -> Array:
        """Second differences of the likelihood, their sign changed."""
        steps = STEP * np.eye(len(self.theta))[varied]
        slopes = [self.slope(self.best)] + [self.slope(self(self.theta + step)) for step in steps]
        bends = (slopes[0] - np.array(slopes[1:]).reshape(len(varied), -1))[:, varied] / STEP
        # Slopes in the kernel are computed where it moves: what they have in common is the same.
        moved = varied < self.n_kernel
        bends[np.ix_(~moved, moved)] = bends[np.ix_(moved, ~moved)].T
        return np.asarray(0.5 * (bends + bends.T))


def standard_errors(around: Around) -> list[Point]:
    """Points of which each is a standard error away from the maximum, or about so."""
    theta, (low, high) = around.theta, around.likelihood.bounds.T
    varied = _varied(around)
    at_low, at_high = theta <= low + STEP, theta >= high - STEP
    is_inside = ~(at_low | at_high)[varied]
    points = []
    for direction, bend in _directions(around, varied[is_inside]):
        points += _sides(around, direction, bend)
    for j in varied[~is_inside]:
        inward = np.zeros(len(theta))
        inward[j] = 1.0 if at_low[j] else -1.0
        points += _sides(around, inward, None)
    return points


def _varied(around: Around) -> Array:
    likelihood, n = around.likelihood, len(around.theta)
    if likelihood.system.is_cheap_by_kernel or n <= MOST_PARAMETERS:
        return np.arange(n)
    n_noise = 1 if likelihood.one_noise else likelihood.system.cells.shape[1]
    return np.r_[: around.n_kernel, n - n_noise : n]


def _directions(around: Around, varied: Array) -> Iterator[tuple[Array, float]]:
    """Directions in which the likelihood is bent, independent of each other, and how much."""
    H, n = around.curvature(varied), len(around.theta)
    of_kernel, of_tasks = np.flatnonzero(varied < around.n_kernel), varied >= around.n_kernel
    values, vectors = np.linalg.eigh(H[np.ix_(of_tasks, of_tasks)])
    inverse = (vectors / np.maximum(values, FLATTEST)) @ vectors.T
    follow = -inverse @ H[np.ix_(of_tasks, of_kernel)]
    for value, vector in zip(values, vectors.T, strict=True):
        direction = np.zeros(n)
        direction[varied[of_tasks]] = vector
        yield direction, value
    left = H[np.ix_(of_kernel, of_kernel)] + H[np.ix_(of_kernel, of_tasks)] @ follow
    for value, vector in zip(*np.linalg.eigh(left), strict=True):
        direction = np.zeros(n)
        direction[varied[of_kernel]], direction[varied[of_tasks]] = vector, follow @ vector
        yield direction, value


def _sides(around: Around, direction: Array, bend: float | None) -> list[Point]:
    """A standard error away on either side; one only if there, or if the other is the same."""
    if bend is None:
        return _side(around, direction, 1.0)
    step = 1.0 / np.sqrt(max(bend, FLATTEST))
    first = _side(around, direction, step)
    if first and bend > FLATTEST:
        size = np.abs(first[0].theta - around.theta).max() / np.abs(direction).max()
        fall = around.best.value - first[0].value
        if abs(fall / (0.5 * bend * size**2) - 1.0) < PARABOLA:
            return first
    both = first + _side(around, -direction, step)
    return [point._replace(share=point.share / len(both)) for point in both]


def _side(around: Around, direction: Array, step: float) -> list[Point]:
    """A point where the likelihood has fallen as much as a standard error means."""
    theta, (low, high) = around.theta, around.likelihood.bounds.T
    moves = direction != 0.0
    ends = np.where(direction > 0, high, low)[moves]
    longest = float(((ends - theta[moves]) / direction[moves]).min())
    if longest <= STEP * step:
        return []
    short, long, step = 0.0, np.inf, min(step, longest)
    for _ in range(MOST_STEPS):
        point = around(np.clip(theta + step * direction, low, high))
        fall = around.best.value - point.value
        if fall > FALL[1]:
            long, step = step, 0.5 * (short + step)
        elif fall < FALL[0] and step < longest:
            short = step
            step = min(3.0 * step, longest) if np.isinf(long) else 0.5 * (step + long)
        else:
            break
    if point.evidence is None:
        return []
    # At an end of the range it may not fall so far: there is nothing beyond.
    return [point._replace(share=1.0 / max(2.0 * fall, 1.0 if fall < FALL[0] else 0.0))]
