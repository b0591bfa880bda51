r"""What is minimised, as a function of the flat vector of unknowns.

.. math:: F(W, b) + \sum_k \alpha \Omega_k(V_k) + \tfrac12 \sigma \|w_0 1'\|_F^2
          + \tfrac12 \iota \sum_t (b_t - \bar b)^2

The loss F, the ridge on w0 and the quadratic terms of :math:`\Omega_k` are the smooth side; the
other terms, and the penalty on the intercepts, are the side with a prox.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._losses import Loss, Point
from skmtl.linear.objective._penalty_part import PenaltyPart
from skmtl.linear.objective._variables import Intercept, Variables

Array = NDArray[Any]
Prox = Callable[[Array, float], Array]


class Objective(Variables):
    """Loss, parts of the penalty, and intercepts put together.

    Parameters
    ----------
    loss : DataLoss or StatisticsLoss
        Loss of the data.
    parts, shape, n_tasks, centred, shared_alpha, intercept
        As in `Variables`.
    """

    def __init__(
        self,
        loss: Loss,
        parts: Sequence[PenaltyPart],
        shape: tuple[int, int],
        *,
        n_tasks: int,
        centred: bool = False,
        shared_alpha: float = 0.0,
        intercept: Intercept | None = None,
    ) -> None:
        super().__init__(
            parts,
            shape,
            n_tasks=n_tasks,
            centred=centred,
            shared_alpha=shared_alpha,
            intercept=intercept,
        )
        self.loss = loss

    # -- the smooth side ------------------------------------------------------------------------

    def at(self, x: Array) -> Point:
        """Point of the loss at ``x``."""
        return self.loss.at(*self.coefficients(x))

    def smooth_value(self, x: Array, point: Point) -> float:
        """Loss and quadratic penalties."""
        V, shared, _ = self.split(x)
        value = point.value + sum(
            part.quadratic_value(v) for part, v in zip(self.parts, V, strict=True)
        )
        return value + 0.5 * self.shared_alpha * float(np.vdot(shared, shared))

    def smooth_gradient(self, x: Array, point: Point) -> Array:
        """Gradient of `smooth_value`."""
        return self._add_quadratic(self.pull(*point.gradient), x)

    def hessian(self, d: Array, point: Point) -> Array:
        """Second derivative of `smooth_value` applied to a direction."""
        return self._add_quadratic(self.pull(*point.hessian(*self.coefficients(d))), d)

    def _add_quadratic(self, g: Array, x: Array) -> Array:
        for part, slope, v in zip(self.parts, self.split(g)[0], self.split(x)[0], strict=True):
            if part.has_quadratic:
                slope += part.times_Q(v)
        if self.shared_alpha:
            self.split(g)[1][:] += self.shared_alpha * self.split(x)[1]
        return g

    # -- the side with a prox -------------------------------------------------------------------

    def penalty_value(self, x: Array) -> float:
        """Penalties with a prox, and that on the intercepts."""
        V, _, b = self.split(x)
        total = sum(part.prox_value(v) for part, v in zip(self.parts, V, strict=True))
        if self.intercept and self.intercept.is_shrunk:
            deviation = (b - self._mean_intercept(b)) * self.intercept.scale
            total += 0.5 * self.intercept.alpha * float(deviation @ deviation)
        return total

    def prox(self, x: Array, step: float) -> Array:
        """Proximal step of the penalties."""
        x = x.copy()
        V, _, b = self.split(x)
        for part, v in zip(self.parts, V, strict=True):
            if part.prox_atoms or part.positive:
                v[:] = part.prox(v, step)
        if self.intercept and self.intercept.alpha:
            mean: Array = self._mean_intercept(b)
            b[:] = mean + self._shrunk(b - mean, step)
        return x

    def _shrunk(self, deviation: Array, step: float) -> Array | float:
        """Proximal step of the penalty on intercepts, on their distances from the mean."""
        assert self.intercept is not None
        if np.isinf(self.intercept.alpha):
            return 0.0
        return deviation / (1.0 + step * self.intercept.alpha * self.intercept.scale**2)

    def proxes(self) -> list[list[Prox]]:
        """``prox(V, step)`` of each group of the penalty, for each part of `unpack`."""
        found = [part.proxes() for part in self.parts]
        if self.centred:
            found.append([self._prox_of_shared])
        return found

    def _prox_of_shared(self, V: Array, step: float) -> Array:
        """V is w0 of every task."""
        w0 = self._by_task(V).mean(axis=1) / (1.0 + step * self.shared_alpha)
        return np.tile(w0, self.n_tasks)

    # -- directions without a penalty -----------------------------------------------------------

    def free(self, g: Array) -> Array:
        """Project on the directions no penalty acts on."""
        g = g.copy()
        V, shared, b = self.split(g)
        for part, v in zip(self.parts, V, strict=True):
            v[:] = part.free(v) if part.is_free_somewhere else 0.0
        if self.shared_alpha:
            shared[:] = 0.0
        if self.intercept and self.intercept.alpha:
            b[:] = self._mean_intercept(b)
        return g
