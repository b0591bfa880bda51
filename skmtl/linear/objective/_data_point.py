"""A loss of the rows at some coefficients: value, derivatives, dual variables."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._curvature import Curvature

if TYPE_CHECKING:
    from skmtl.linear.objective._losses import DataLoss

Array = NDArray[Any]


class DataPoint:
    """`DataLoss` at some coefficients, that is at raw scores (n_samples, n_outputs).

    Parameters
    ----------
    loss : DataLoss
        Loss.
    raw : ndarray of shape (n_samples, n_outputs)
        Raw scores.
    found : tuple (value, slope) or None, default=None
        What is known there.
    """

    def __init__(
        self, loss: DataLoss, raw: Array, found: tuple[float, Array] | None = None
    ) -> None:
        self.loss, self.raw = loss, raw
        if found is not None:
            self.value_and_slope = found

    @cached_property
    def separated(self) -> Array:
        """Mask of the tasks whose classes these coefficients tell apart."""
        return self.loss.separated(self.raw)

    def without(self, tasks: Array) -> DataPoint:
        """The point of the loss of the other tasks; ``tasks`` is a mask."""
        return DataPoint(self.loss.without(tasks), self.raw) if tasks.any() else self

    def of_rows(self, step: int) -> DataPoint:
        """The point of the loss of every ``step``-th row, times that (wide)."""
        return DataPoint(self.loss.of_rows(step), self.raw[::step])

    @cached_property
    def value_and_slope(self) -> tuple[float, Array]:
        """F(W, b), and its derivative with respect to the raw scores."""
        # A loss may overflow on a step that is too long; the search then shortens it.
        with np.errstate(over="ignore", invalid="ignore"):
            if (block := self.loss.only_block) is not None:
                loss, grad = block.task.loss_and_grad(self.raw[..., None], block.values)
                return block.total(loss), block.weigh(grad)
            total, slope = 0.0, np.empty_like(self.raw)
            for block, raw in self.loss.split(self.raw):
                for rows, some in block.chunks():
                    loss, grad = some.task.loss_and_grad(raw[rows], some.values)
                    total += some.total(loss)
                    slope[rows, some.outputs] = some.weigh(grad)
        return total, slope

    @property
    def value(self) -> float:
        return self.value_and_slope[0]

    @property
    def slope(self) -> Array:
        """Derivative with respect to the raw scores, (n_samples, n_outputs)."""
        return self.value_and_slope[1]

    @cached_property
    def curvature(self) -> Curvature:
        """Second derivative with respect to the raw scores."""
        return Curvature(self.loss, self.raw)

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        return self.loss.design.adjoint(self.slope)

    def hessian(self, dW: Array, db: Array) -> tuple[Array, Array]:
        design = self.loss.design
        return design.adjoint(self.curvature.times(design.forward(dW, db)))

    @property
    def intercept_gradient(self) -> Array:
        """What of `gradient` belongs to the intercepts."""
        return self.loss.design.sums(self.slope)

    def intercept_hessian(self, db: Array) -> Array:
        """What of `hessian` is among the intercepts, which takes no product with X."""
        design = self.loss.design
        return design.sums(self.curvature.times(design.shift(db)))

    def dual(self, dW: Array, db: Array) -> DataDual:
        design, slope = self.loss.design, self.slope
        if dW.any():
            slope = slope - self.curvature.times(design.forward(dW, db))
        elif db.any():
            slope = slope - self.curvature.times(design.shift(db))
        return DataDual(self.loss, slope)


class LinearisedPoint(DataPoint):
    """The loss at some coefficients, its slope moved along raw scores E as if it were linear.

    After Newton's step with E it is orthogonal to what is not penalised, and a dual variable that
    is closer to the optimum than the slope at the new coefficients.
    """

    def __init__(self, point: DataPoint, E: Array) -> None:
        super().__init__(point.loss, point.raw)
        self.point, self.E = point, E

    def without(self, tasks: Array) -> DataPoint:
        return LinearisedPoint(self.point.without(tasks), self.E) if tasks.any() else self

    @cached_property
    def value_and_slope(self) -> tuple[float, Array]:
        return self.point.value, self.point.slope + self.curvature.times(self.E)

    @property
    def curvature(self) -> Curvature:
        return self.point.curvature


class DataDual:
    """A dual point of `DataLoss`."""

    def __init__(self, loss: DataLoss, slope: Array) -> None:
        self.loss, self.slope = loss, slope

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        return self.loss.design.adjoint(self.slope)

    @property
    def scale(self) -> float:
        """Largest s <= 1 for which the conjugate is finite at s u, of losses that say so."""
        scale = 1.0
        for block, slope in self.loss.split(self.slope):
            if block.task.is_smooth:
                continue
            weights = block.label_weights[..., None]
            dual = np.divide(slope, weights, out=np.zeros_like(slope), where=weights > 0)
            scale = min(scale, block.task.dual_scale(dual))
        return scale

    def conjugate(self, scale: float) -> float:
        total = 0.0
        for block, slope in self.loss.split(scale * self.slope):
            weights, values, used = block.label_weights, block.values, block.observed
            if used is not None and block.is_sparse:
                slope, weights, values = slope[used], weights[used], values[used]
                conjugate = block.task.conjugate(slope / weights[..., None], values)
                total += float(np.vdot(weights, conjugate))
                continue
            for rows, some in block.chunks():
                weights, used = some.label_weights, some.observed
                weights = weights if used is None else np.where(used, weights, 1.0)
                conjugate = some.task.conjugate(slope[rows] / weights[..., None], some.values)
                total += some.total(conjugate)
        return total
