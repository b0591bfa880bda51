r"""The objective with its certificate: how far parameters are from the optimum at most.

`Problem.gap` bounds the distance to the optimum by Fenchel duality: for the dual variable u of
the loss with X'u = Z, the dual value is
:math:`-F^*(u) - \sum_k (\alpha \Omega_k)^*(-Z) - \|1'u\|^2 / 2 \iota`, and
:math:`\|Z 1\|^2 / 2 \sigma T` less where w0 has a ridge, provided that u is orthogonal to what is
not penalised (free intercepts, w0, null spaces of penalties). A linearised Newton step over these
free directions makes it so exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._conjugate_gradients import conjugate_gradients
from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._losses import DataLoss, Point
from skmtl.linear.objective._objective import Objective
from skmtl.linear.objective._variables import Intercept

__all__ = ["Intercept", "Problem"]

Array = NDArray[Any]

FREE = 1e-11
"""Gradient left on free directions, relative to what it was: u then is orthogonal to them.

Its size is that of a Newton step, the root of what the loss would change by.
"""

NEARLY_FREE = 1e3 * FREE
"""The same where rounding allows no better. Beyond, there is no certificate."""


class Problem(Objective):
    """The objective of one fit, as solvers see it."""

    def use_subgradients(self, multipliers: Sequence[Sequence[Array]]) -> None:
        """Let `gap` start from a subgradient of each of `proxes` (a list for each part)."""
        for part, found in zip(self.parts, multipliers, strict=False):
            if part.dykstra:
                part.dykstra.current = np.array(found[-len(part.groups) :])

    def gap(
        self, x: Array, point: Point | None = None, dual_point: Point | None = None
    ) -> tuple[float, float]:
        """Primal value at ``x`` and a lower bound of the optimum.

        The bound comes from the gradient of the loss at ``dual_point``, by default at ``x``. It is
        at least 0: no loss and no penalty is negative.
        """
        point = self.at(x) if point is None else point
        primal = self.smooth_value(x, point) + self.penalty_value(x)
        point = point if dual_point is None else dual_point
        if self.is_unpenalised and (apart := self.without_optimum(x)).any():
            assert isinstance(point, DataPoint)
            point = point.without(apart)
        step = self._free_newton_step(point, x)
        if step is None:
            return primal, 0.0
        dual = point.dual(*step)
        Z, sums = dual.gradient
        pairs = [
            (part, *part.dual(Z, v)) for part, v in zip(self.parts, self.split(x)[0], strict=True)
        ]
        scale = min(dual.scale, *(part.dual_scale(N) for part, _, N in pairs))
        value = -dual.conjugate(scale)
        value -= sum(part.conjugate(Y, N, scale) for part, Y, N in pairs)
        if self.shared_alpha:
            w0 = self.split(self.pull(Z, sums))[1]
            value -= 0.5 * scale**2 * float(np.vdot(w0, w0)) / self.shared_alpha
        if self.intercept and self.intercept.is_shrunk:
            value -= 0.5 * scale**2 * float(sums @ sums) / self.intercept.alpha
        return primal, max(value, 0.0) if np.isfinite(value) else 0.0

    def value(self, x: Array) -> float:
        """The objective."""
        return self.smooth_value(x, self.at(x)) + self.penalty_value(x)

    @property
    def is_unpenalised(self) -> bool:
        """Whether every task is fitted by itself, without a penalty."""
        free = all(part.is_quadratic and not part.has_quadratic for part in self.parts)
        return free and not (self.intercept and self.intercept.alpha)

    def without_optimum(self, x: Array) -> Array:
        """Mask (n_tasks,) of tasks whose loss falls to 0 along what of ``x`` is not penalised."""
        none = np.zeros(self.n_tasks, dtype=bool)
        if not isinstance(self.loss, DataLoss):
            return none
        if self._has_only_free_intercepts and not self.loss.has_constant_labels:
            return none
        apart = self.loss.at(*self.coefficients(self.free(x))).separated
        # What tasks share grows without end only where it helps all of them.
        return apart if self.is_unpenalised or apart.all() else none

    def _free_newton_step(self, point: Point, x: Array) -> tuple[Array, Array] | None:
        """Solve H z = g over the free directions, for W and b; None if that fails."""
        if (
            self._has_only_free_intercepts
            and isinstance(point, DataPoint)
            and point.loss.has_few_outputs
        ):
            return self._intercept_step(point)
        g, product = self._free_system(point)
        nothing = np.zeros(self.size)
        # `coefficients` is linear, so it maps steps as it maps parameters.
        if not g.any():
            return self.coefficients(nothing)
        inverse = self._inverse_curvature(g, product)
        # In units of the loss, whatever those of features: as large as what g leads to.
        size, rest = float(g @ (inverse * g)), 1e-4 * abs(point.value)
        if size <= FREE**2 * (size + rest):
            return self.coefficients(nothing)
        step, left = conjugate_gradients(
            product,
            g,
            nothing,
            target=FREE**2 * (size + rest),
            max_iter=500,
            precondition=lambda r: inverse * r,
            in_energy=True,
        )
        return self.coefficients(step) if left <= NEARLY_FREE**2 * (size + rest) else None

    @property
    def _has_only_free_intercepts(self) -> bool:
        """Whether the intercepts, each by itself, are all that is not penalised."""
        has_w0 = self.centred and not self.shared_alpha
        only = self.intercept is not None and self.intercept.alpha == 0 and not has_w0
        return only and not any(part.is_free_somewhere for part in self.parts)

    def _intercept_step(self, point: DataPoint) -> tuple[Array, Array] | None:
        """`_free_newton_step` where intercepts are all that is free: tasks by themselves."""
        z, size, left = point.curvature.solve_intercepts(point.intercept_gradient)
        largest = NEARLY_FREE**2 * (size + 1e-4 * abs(point.value))
        if not (left <= largest < np.inf):
            return None
        return np.zeros(self.shape), z

    def _free_system(self, point: Point) -> tuple[Array, Callable[[Array], Array]]:
        """Gradient of the loss over the free directions, and its Hessian."""
        if not (self._has_only_free_intercepts and isinstance(point, DataPoint)):
            hessian = point.hessian
            return self.free(self.pull(*point.gradient)), lambda d: self.free(
                self.pull(*hessian(*self.coefficients(d)))
            )
        # No product with X is needed.
        assert self.intercept is not None
        at, scale, bend = self._slices[2], self.intercept.scale, point.intercept_hessian

        def embed(b: Array) -> Array:
            x = np.zeros(self.size)
            x[at] = b * scale
            return x

        return embed(point.intercept_gradient), lambda d: embed(bend(d[at] * scale))

    def _inverse_curvature(self, g: Array, product: Callable[[Array], Array]) -> Array:
        """Inverse of the curvature along g, apart for W, w0 and b, which have other units.

        Where tasks have one output and their intercepts are free, it is that of every intercept.
        """
        inverse = np.ones(self.size)
        free_intercepts = self.intercept is not None and self.intercept.alpha == 0
        for k, at in enumerate(self._slices):
            along = np.zeros(self.size)
            is_diagonal = k == 2 and free_intercepts and self.shape[1] == self.n_tasks
            along[at] = 1.0 if is_diagonal else g[at]
            if along.any():
                squares, bent = along[at] ** 2, along[at] * product(along)[at]
                if not is_diagonal:
                    squares, bent = squares.sum(keepdims=True), bent.sum(keepdims=True)
                inverse[at] = squares / np.where(bent > 0, bent, squares)
        return inverse
