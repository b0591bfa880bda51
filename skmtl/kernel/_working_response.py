r"""Labels of any type as numbers that a squared loss takes, and the way back.

With the loss l of a task and its best constant raw score :math:`f_0`, the working responses are

.. math:: z_i = -\nabla l_{y_i}(f_0), \qquad H = \sum_i s_i \nabla^2 l_{y_i}(f_0):

labels less their mean where the loss is squared, indicators less the share of the class, counts
less their mean. A function v that is fitted to them stands for the raw score

.. math:: f(x) = f_0 + b + a H^{+} v(x),

with a = 1 and b = 0 in the first step of Newton's method. These are chosen to minimise the loss of
v on rows it was not fitted to (of a yes/no task: Platt's scaling [1]_), plus
:math:`\tfrac{\lambda}{2} ((a - 1)^2 + |b|^2)`, which bounds them where classes are apart. For
squared loss nothing is to be chosen.

References
----------
.. [1] J. Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
   likelihood methods", Advances in Large Margin Classifiers, 2000, section 2.
"""

from __future__ import annotations

from collections.abc import Hashable
from copy import copy
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from skmtl._rounding import varies
from skmtl.tasks._base import Task
from skmtl.tasks._weights import in_range

Array = NDArray[Any]

PULL = 1e-3
"""Ridge towards the first step of Newton's method: keeps odds of separable classes near 1e3."""
MAX_ITER, TOL = 50, 1e-10
"""Newton's method with two parameters: steps, and the decrement at which it ends."""


@dataclass(frozen=True, eq=False)
class WorkingResponse:
    """The labels of one task as numbers: ``values`` (n_samples, n_outputs), 0 where unobserved.

    ``labels`` are the encoded labels, ``share`` their weights, of sum 1.
    """

    task: Task
    labels: Array
    share: Array
    values: Array
    raw_prior: Array
    inverse_curvature: Array

    @classmethod
    def of(cls, task: Task, labels: Array, weights: Array, name: Hashable) -> Self:
        """From encoded labels and their weights, 0 where unobserved."""
        if not task.is_convex:
            raise ValueError(
                f"Task {name!r} is {task}, whose loss is not convex: kernel ridge regression does "
                "not take it. Leave focal at 0; the neural estimators take it."
            )
        if task.sees_rows:
            raise ValueError(
                f"Task {name!r} is {task}, whose loss is no sum over labels: kernel ridge "
                "regression does not take it. Survival('weibull') has proportional hazards, too; "
                "linear models and networks take this one."
            )
        if not task.is_smooth:
            raise ValueError(
                f"Task {name!r} has the {getattr(task, 'loss', task.alias)} loss, which has no "
                "gradient at 0: kernel ridge regression does not take it. Regression(loss='huber') "
                "is close to it and fits, Quantile(0.5) has the same loss and fits, too."
            )
        if task.n_shapes:
            task = copy(task)
            task.let_shape_vary(varies=False)
        used, share = weights > 0, in_range(weights)
        share = share / share.sum()
        some, of_some = labels[used], share[used]
        prior = np.asarray(task.raw_prior(some, of_some), dtype=np.float64)
        raw = np.tile(prior, (len(some), 1))
        values = np.zeros((len(labels), len(prior)))
        if task.is_classification or differ(task.labels(some)):
            values[used] = -task.loss_and_grad(raw, some)[1]
        axes = [np.broadcast_to(axis, raw.shape) for axis in np.eye(len(prior))]
        curvature = np.column_stack([of_some @ task.curvature(raw, some, axis) for axis in axes])
        inverse = np.linalg.pinv(curvature, hermitian=True)
        return cls(task, labels, share, values, prior, inverse)

    def link(self, fitted: Array) -> Link:
        """How fitted responses of held-out rows (n_samples, n_outputs) become raw scores."""
        used = (self.share > 0) & np.isfinite(fitted).all(axis=1)
        start = Link(self.raw_prior, self.inverse_curvature, 1.0, self.task.shape_)
        if self.task.has_squared_loss or not used.any():
            return start
        share = self.share[used] / self.share[used].sum()
        directions = fitted[used] @ self.inverse_curvature
        data = copy(self.task), directions, self.raw_prior, self.labels[used], share
        shape = _best_shape(*data) if self.task.n_shapes else self.task.shape_
        slope, shift = _calibrate(*data)
        return Link(self.raw_prior + shift, self.inverse_curvature, slope, shape)


@dataclass(frozen=True, eq=False)
class Link:
    """Raw scores from fitted responses: ``offset + slope * responses @ inverse_curvature``.

    Behind them stands the shape of the likelihood, where it has one.
    """

    offset: Array
    inverse_curvature: Array
    slope: float
    shape: Array

    def __call__(self, responses: Array) -> Array:
        """Raw scores (n, n_outputs)."""
        raw = self.offset + self.slope * (responses @ self.inverse_curvature)
        if not len(self.shape):
            return raw
        return np.hstack([raw, np.broadcast_to(self.shape, (len(raw), len(self.shape)))])


def differ(labels: Array) -> bool:
    """Whether numbers are not all the same but for rounding."""
    return bool(varies(np.ptp(labels), np.abs(labels).max()))


def _best_shape(task: Task, directions: Array, prior: Array, labels: Array, share: Array) -> Array:
    """Shape of least loss, with the best slope and shift beside it; the task has it then."""
    moves = directions, np.ones_like(directions)

    def loss(parameters: Array) -> tuple[float, Array]:
        theta, task.shape_ = parameters[:2], parameters[2:]
        raw = prior + theta[1] + (1.0 + theta[0]) * directions
        loss, gradient = task.loss_and_grad(raw, labels)
        slopes = [share @ (gradient * move).sum(axis=1) for move in moves] + PULL * theta
        of_shape = share @ task.shape_slope(raw, labels)
        return float(share @ loss + 0.5 * PULL * theta @ theta), np.concatenate([slopes, of_shape])

    start = np.concatenate([np.zeros(2), task.shape_])
    task.shape_ = minimize(loss, start, jac=True, method="L-BFGS-B").x[2:]
    return task.shape_


def _calibrate(
    task: Task, directions: Array, prior: Array, labels: Array, share: Array
) -> tuple[float, Array]:
    """Slope a and shift b of least loss, by Newton's method."""
    n_outputs = len(prior)
    # Parameters (a - 1, b); each moves the raw scores along a direction of its own.
    moves = [directions] + [np.broadcast_to(e, directions.shape) for e in np.eye(n_outputs)]

    def at(theta: Array) -> tuple[float, Array, Array]:
        raw = prior + theta[1:] + (1.0 + theta[0]) * directions
        loss, gradient = task.loss_and_grad(raw, labels)
        return float(share @ loss + 0.5 * PULL * theta @ theta), gradient, raw

    theta = np.zeros(1 + n_outputs)
    value, gradient, raw = at(theta)
    for _ in range(MAX_ITER):
        slopes = np.array([share @ (gradient * m).sum(axis=1) for m in moves]) + PULL * theta
        hessian = PULL * np.eye(len(theta))
        for j, move in enumerate(moves):
            bent = task.curvature(raw, labels, move)
            hessian[j] += [share @ (bent * m).sum(axis=1) for m in moves]
        try:
            step = np.linalg.solve(hessian, slopes)
        except np.linalg.LinAlgError:
            # Curvatures of scores far from labels leave nothing of the pull but rounding.
            step = np.linalg.lstsq(hessian, slopes)[0]
        decrement, length = float(slopes @ step), 1.0
        if not decrement > TOL:
            break
        # A loss with a link such as exp may leave the range of float64 on the way.
        with np.errstate(over="ignore", invalid="ignore"):
            found = at(theta - step)
            while not found[0] <= value - 1e-4 * length * decrement and length > 1e-10:
                length *= 0.5
                found = at(theta - length * step)
        if not found[0] < value:
            break
        theta = theta - length * step
        value, gradient, raw = found
    return 1.0 + float(theta[0]), theta[1:]
