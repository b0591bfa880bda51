r"""Proximal Newton on working sets: a smooth loss F with a penalty on each row of W.

.. math:: \min_{W, b} F(W, b) + \sum_j \omega_j (\lambda_{21} \|W_{j \cdot}\|_2
          + \lambda_1 \|W_{j \cdot}\|_1) + \tfrac12 \lambda_2 \|W\|_F^2

A step goes towards the minimum of the penalty and a quadratic model of F [1]_, found by block
descent over a working set of rows: those that are not zero, and the nearest to becoming so. It is
shortened until the objective falls as the model promised [2]_. Nothing but the slope and the
curvature of F at the labels is used, and the duality gap over all rows says when to stop.

References
----------
.. [1] J. Friedman, T. Hastie and R. Tibshirani, "Regularization paths for generalized linear
   models via coordinate descent", J. Statistical Software 33, 2010, section 3.
.. [2] J. D. Lee, Y. Sun and M. A. Saunders, "Proximal Newton-type methods for minimizing
   composite functions", SIAM J. Optimization 24, 2014, algorithm 1 and equation 2.20.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._losses import DataLoss
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._problem import Problem
from skmtl.linear.objective._variables import Start
from skmtl.linear.solvers._base import Solution, Stopping
from skmtl.linear.solvers._block_descent import row_norms
from skmtl.linear.solvers._spaces import Terms
from skmtl.linear.solvers.compiled._label_sweeps import rows_value
from skmtl.linear.solvers.compiled._row import slacks
from skmtl.linear.solvers.proximal_newton._label_model import LabelData

Array = NDArray[Any]

SMALLEST = 64
"""Rows to begin with: sweeping over them costs about as much as looking at all rows once."""

NEAR = 10.0
"""The gap is looked at where a step promises to gain at most this many times the gap allowed."""

MAX_SWEEPS = 500
"""Sweeps of a step end after so many, if not before."""

SUFFICIENT, HALVINGS = 1e-3, 40
"""Part of the promised decrease that a step has to bring, and how often it is halved for that."""

FLAT, SHORT = 1e-6, 0.25
"""Least curvature, relative to what slope and value of the loss imply; length of a step below
which it is raised."""

ROUNDING = 1e-12
"""Part of the objective by which it may seem to rise: a step that is a full one then is right."""

NOTHING, STALLED = 1e-16, 10
"""Part of the objective that is no gain, and so many steps in a row without one are the last."""


def proximal_newton(problem: Problem, start: Start, stopping: Stopping) -> Solution:
    """Minimise from ``start``; an iteration is a step."""
    newton = NewtonSteps(problem, start)
    promise, n_stalled, n_iter = np.inf, 0, 0
    while True:
        is_last = n_iter == stopping.max_iter or n_stalled == STALLED
        if is_last or promise <= NEAR * stopping.max_gap:
            x = problem.start(newton.W, newton.b)
            primal, bound = problem.gap(x, newton.point)
            gap = max(primal - bound, 0.0)
            if is_last or gap <= stopping.max_gap:
                newton.keep_end()
                return Solution(x, gap, n_iter)
        promise = newton.step()
        n_stalled = n_stalled + 1 if promise <= NOTHING * abs(newton.value) else 0
        n_iter += 1


class NewtonSteps:
    """Where the steps are: W (p, C), b (C,), the loss there, and the objective.

    Parameters
    ----------
    problem : Problem
        With one part, a sum of row norms, and intercepts that are free or none.
    start : Start
        Coefficients to start from.
    """

    W: Array
    b: Array
    point: DataPoint
    value: float

    def __init__(self, problem: Problem, start: Start) -> None:
        assert isinstance(problem.loss, DataLoss)
        self.free = problem.intercept is not None
        self.data = _data_of(problem.loss, problem.shape, self.free)
        self.W, self.b = np.array(start.W, dtype=np.float64), np.array(start.b, dtype=np.float64)
        if problem.parts[0].positive:
            np.maximum(self.W, 0.0, out=self.W)
        self.terms = terms_of(problem.parts[0])
        self.point = self._first_point(problem.loss)
        self.damping = FLAT
        self._last_H: Array | None = None

    def _first_point(self, loss: DataLoss) -> DataPoint:
        """Where the descent before ended, if this one begins there, as along a path."""
        if self.data.end is not None:
            W, b, raw, found = self.data.end
            # Intercepts have been in other units in between.
            rounding = 1e-12 * (np.abs(b).max() + np.abs(raw).max())
            if np.array_equal(W, self.W) and np.abs(b - self.b).max() <= rounding:
                self.b = b.copy()
                return DataPoint(loss, raw, found)
        return loss.at(self.W, self.b)

    def keep_end(self) -> None:
        """Keep where this descent ends for the next one; a point would keep its loss alive."""
        self.data.end = self.W, self.b, self.point.raw, self.point.value_and_slope

    def step(self) -> float:
        """One step; what the model promised it to gain."""
        point, data = self.point, self.data
        gradient, sums = point.gradient
        rows = self._working_set(-gradient)
        model = data.model(rows, self._bend(), point.slope)
        terms = self._terms_of(rows)
        m = len(rows)
        V0, H0 = (np.empty((m + self.free, len(self.b))) for _ in range(2))
        V0[:m], H0[:m] = self.W[rows], -gradient[rows]
        if self.free:
            # In the model's terms, where features are less their means.
            V0[m], H0[m] = self.b, -sums
            H0[:m] += model.shift * sums
        V, H = V0.copy(), H0.copy()
        model.descend(point.slope, H, V, terms, (model.share, MAX_SWEEPS))
        dV = V - V0
        db = np.zeros_like(self.b)
        if self.free:
            db += dV[m] - np.einsum("jc,jc->c", model.shift, dV[:m])
        before = rows_value(V0, *terms)
        promise = float(np.vdot(H0, dV)) + before - rows_value(V, *terms)
        along = model.forward(dV[:m], db)
        length = self._search(along, V0, V, terms, before, promise)
        self.W[rows] = _between(V0, V, length)[:m]
        self.b += length * db
        self.damping = max(FLAT, 0.1 * self.damping if length > SHORT else self.damping / length)
        return promise

    def _search(
        self, along: Array, V0: Array, V: Array, terms: list[Array], before: float, promise: float
    ) -> float:
        """Move to the first point between V0 and V where enough is gained; how far that is."""
        point, length = self.point, 1.0
        value = point.value + before
        slack = ROUNDING * abs(value)
        for _ in range(HALVINGS):
            new = DataPoint(point.loss, point.raw + length * along)
            found = new.value + rows_value(_between(V0, V, length), *terms)
            if found <= value - SUFFICIENT * length * promise + slack:
                break
            length *= 0.5
        self.point, self.value = new, found
        return length

    def _bend(self) -> Array:
        r"""Curvatures of the model: those of the loss, and where it is flat some of a parabola.

        A parabola with the slope s and the value f has the curvature :math:`s^2 / 2 f`.
        """
        data, slope, value = self.data, self.point.slope, self.point.value
        parabola = float(np.vdot(slope * data.inverse_weights, slope)) / (2.0 * abs(value) or 1.0)
        return data.pairs.weights(self.point, self.damping * parabola * data.label_weights)

    def _working_set(self, H: Array) -> Array:
        """The support, and as many of the rows closest to entering it, at least `SMALLEST`.

        Further away than H has moved in the last step no row is likely to enter.
        """
        everything = np.arange(len(H))
        if len(H) <= SMALLEST:
            return everything
        lengths = self.data.lengths
        distance = slacks(H, self.W, lengths, *self.terms, 1.0)
        radius = np.inf
        if self._last_H is not None:
            moved = np.square(H - self._last_H).sum(axis=1)
            radius = np.sqrt((moved[lengths > 0] / lengths[lengths > 0]).max(initial=0.0))
        self._last_H = H
        size = max(2 * int(np.isneginf(distance).sum()), SMALLEST)
        nearest = np.partition(distance, size - 1)[size - 1] if size < len(H) else np.inf
        return np.flatnonzero(distance <= min(radius, nearest))

    def _terms_of(self, rows: Array) -> list[Array]:
        """Ridge, band and radius of some rows, and those of the intercepts: none."""
        ridge, *of_rows = self.terms
        m = len(rows)
        terms = [np.full(m + self.free, ridge), *np.zeros((3, m + self.free))]
        for term, found in zip(of_rows, terms[1:], strict=True):
            found[:m] = term[rows]
        terms[0][m:] = 0.0
        return terms


def _between(start: Array, end: Array, length: float) -> Array:
    """The point between two; exactly the end at length 1, with its zeros."""
    return end if length == 1.0 else start + length * (end - start)


def terms_of(part: PenaltyPart) -> Terms:
    """The penalty as compiled code takes it."""
    terms = row_norms(part).terms(1.0, part.shape[0])
    if part.shape[1] > 1:
        return terms
    # The norm of a row is an absolute value.
    ridge, low, high, l21 = terms
    return ridge, low - l21, high + l21, np.zeros_like(l21)


_KEPT: WeakKeyDictionary[DataLoss, LabelData] = WeakKeyDictionary()


def _data_of(loss: DataLoss, shape: tuple[int, int], free: bool) -> LabelData:
    """What all models of a loss share, kept while it is: along a path it is the same."""
    if loss not in _KEPT:
        _KEPT[loss] = LabelData(loss, shape, free)
    return _KEPT[loss]
