r"""The objective with its certificate: how far parameters are from the optimum at most.

`Problem.gap` bounds the distance to the optimum by Fenchel duality: for the dual variable u of
the loss with X'u = Z, the dual value is
:math:`-F^*(u) - \sum_k (\alpha \Omega_k)^*(-Z) - \|1'u\|^2 / 2 \iota`, provided that u is
orthogonal to what is not penalised (free intercepts, w0, null spaces of penalties). A
linearised Newton step over these free directions makes it so exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._conjugate_gradients import conjugate_gradients
from skmtl.linear.objective._losses import DataLoss, DataPoint, Point
from skmtl.linear.objective._objective import Objective
from skmtl.linear.objective._variables import Intercept

__all__ = ["Intercept", "Problem"]

Array = NDArray[Any]

FREE = 1e-11
"""Gradient left on free directions, relative to what it was: u then is orthogonal to them."""

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
        0 if none is at hand: no loss and no penalty is negative.
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
        # `coefficients` is linear, so it maps steps as it maps parameters.
        dual = point.dual(*self.coefficients(step))
        Z, sums = dual.gradient
        pairs = [
            (part, *part.dual(Z, v)) for part, v in zip(self.parts, self.split(x)[0], strict=True)
        ]
        scale = min(part.dual_scale(N) for part, _, N in pairs)
        value = -dual.conjugate(scale)
        value -= sum(part.conjugate(Y, N, scale) for part, Y, N in pairs)
        if self.intercept and self.intercept.is_shrunk:
            value -= 0.5 * scale**2 * float(sums @ sums) / self.intercept.alpha
        return primal, value if np.isfinite(value) else 0.0

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
        apart = self.loss.at(*self.coefficients(self.free(x))).separated
        # What tasks share grows without end only where it helps all of them.
        return apart if self.is_unpenalised or apart.all() else none

    def _free_newton_step(self, point: Point, x: Array) -> Array | None:
        """Solve H z = g over the free directions; None if that fails."""
        g, product = self._free_system(point)
        nothing, size = np.zeros(self.size), float(np.linalg.norm(g))
        # What is left of g counts times the coefficients, which are large for tiny features.
        rest = 1e-3 * abs(point.value) / max(1.0, 1e-4 * float(np.linalg.norm(x)))
        if size <= FREE * (size + rest):
            return nothing
        inverse = self._jacobi(product)
        step, left = conjugate_gradients(
            product,
            g,
            nothing,
            target=FREE * (size + rest),
            max_iter=500,
            precondition=lambda r: inverse * r,
        )
        return step if left <= NEARLY_FREE * (size + rest) else None

    def _free_system(self, point: Point) -> tuple[Array, Callable[[Array], Array]]:
        """Gradient of the loss over the free directions, and its Hessian."""
        intercept = self.intercept
        only_intercepts = intercept is not None and intercept.alpha == 0 and not self.centred
        if (
            not only_intercepts
            or any(part.is_free_somewhere for part in self.parts)
            or not isinstance(point, DataPoint)
        ):
            hessian = point.hessian
            return self.free(self.pull(*point.gradient)), lambda d: self.free(
                self.pull(*hessian(*self.coefficients(d)))
            )
        # No product with X is needed.
        assert intercept is not None
        at, scale, bend = self._slices[2], intercept.scale, point.intercept_hessian

        def embed(b: Array) -> Array:
            x = np.zeros(self.size)
            x[at] = b * scale
            return x

        return embed(point.intercept_gradient), lambda d: embed(bend(d[at] * scale))

    def _jacobi(self, product: Callable[[Array], Array]) -> Array:
        """Inverse curvature of the intercepts: exact for one output per task, else 1."""
        inverse = np.ones(self.size)
        if self.intercept and self.intercept.alpha == 0 and self.shape[1] == self.n_tasks:
            ones = np.zeros(self.size)
            ones[self._slices[2]] = 1.0
            curvature = product(ones)[self._slices[2]]
            inverse[self._slices[2]] = 1.0 / np.where(curvature > 0, curvature, 1.0)
        return inverse
