r"""The loss part of the objective, F(W, b) = sum over labels of c_ti loss_t(y_ti, x_i w_t + b_t).

Two forms of the same protocol: `DataLoss` works on the rows, for any mix of losses;
`_statistics_loss.StatisticsLoss` on Gram matrices, for squared loss. ``at(W, b)`` gives a point
with ``value``, ``gradient`` (gW, gb), ``hessian(dW, db)``, and ``dual(dW, db)``: the dual variable
u = gradient with respect to the raw scores, moved by a linearised step -(dW, db) of the
coefficients. A dual point has ``gradient`` (the adjoint of u) and ``conjugate(s)`` = F*(s u).
"""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skmtl._indexing import as_slice
from skmtl.linear.objective._curvature import FEW, Curvature, Outputs
from skmtl.linear.objective._design import Design, WideDesign
from skmtl.linear.objective._separation import margins
from skmtl.tasks._base import Task
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


FEW_SCORES = 2**20
"""Raw scores of a constant prediction that are kept: they are asked for more than once."""

CHUNK = 2**14
"""Raw scores that losses are computed of at a time."""


class DualPoint(Protocol):
    """A dual variable u of a loss."""

    @property
    def gradient(self) -> tuple[Array, Array]:
        """Adjoint of the design at u: (Z, sums) as (gW, gb)."""

    def conjugate(self, scale: float) -> float:
        """F*(scale u)."""


class Point(Protocol):
    """A loss at some coefficients."""

    @property
    def value(self) -> float:
        """F(W, b)."""

    @property
    def gradient(self) -> tuple[Array, Array]:
        """Derivatives (gW, gb)."""

    def hessian(self, dW: Array, db: Array) -> tuple[Array, Array]:
        """Second derivative applied to (dW, db)."""

    def dual(self, dW: Array, db: Array) -> DualPoint:
        """Gradient with respect to the raw scores, linearised at a step -(dW, db)."""


class Loss(Protocol):
    """The loss of the data."""

    def at(self, W: Array, b: Array) -> Point:
        """The loss at coefficients."""


@dataclass(frozen=True, eq=False)
class LabelBlock:
    """The labels of tasks with one loss.

    Attributes
    ----------
    task : Task
        One of them.
    outputs : slice or ndarray
        Columns of their raw scores.
    values, label_weights : ndarray of shape (n_samples, n_tasks)
        Labels, and what they count.
    """

    task: Task
    outputs: Outputs
    values: Array
    label_weights: Array

    def chunks(self) -> Iterator[tuple[slice, LabelBlock]]:
        """Rows, and their labels: a few at a time, so that what is computed stays in the cache."""
        if self._chunks:
            yield from self._chunks
        else:
            yield slice(None), self

    @cached_property
    def _chunks(self) -> list[tuple[slice, LabelBlock]]:
        n_samples, n_tasks = self.values.shape
        size = max(CHUNK // (n_tasks * self.task.n_outputs_), 1)
        if n_samples < 2 * size:
            return []
        slices = [slice(start, start + size) for start in range(0, n_samples, size)]
        return [
            (rows, replace(self, values=self.values[rows], label_weights=self.label_weights[rows]))
            for rows in slices
        ]

    @cached_property
    def observed(self) -> Array | None:
        """Where labels count; None where all do."""
        observed = self.label_weights > 0
        return None if observed.all() else observed

    @cached_property
    def is_sparse(self) -> bool:
        """Whether most of the labels do not count, so that it pays to leave them out."""
        return self.observed is not None and bool(self.observed.mean() < 0.5)

    def weigh(self, per_label: Array) -> Array:
        """Weight times value, exactly 0 where the weight is; flat over the outputs."""
        weights = self.label_weights[..., None]
        if self.observed is not None:
            per_label = np.where(self.observed[..., None], per_label, 0.0)
        weighed: Array = per_label * weights
        return weighed.reshape(len(weighed), -1)

    def total(self, per_label: Array) -> float:
        """Weighted sum of numbers (n_samples, n_tasks), whatever they are where the weight is 0."""
        if self.observed is not None:
            per_label = np.where(self.observed, per_label, 0.0)
        return float(np.vdot(per_label, self.label_weights))


class DataLoss:
    """Any losses, on the rows of the data."""

    def __init__(self, design: Design, targets: Targets, label_weights: Array) -> None:
        self.design = design
        self.n_samples, self.n_tasks = len(targets.values), targets.tasks.n_tasks
        self.task_index = targets.task_index
        self.members = [block.tasks for block in targets.tasks.blocks]
        values = targets.values.reshape(self.n_samples, -1)
        label_weights = label_weights.reshape(self.n_samples, -1)
        self.blocks = [
            LabelBlock(
                block.task,
                as_slice(block.outputs),
                np.ascontiguousarray(values[:, block.tasks]),
                np.ascontiguousarray(label_weights[:, block.tasks]),
            )
            for block in targets.tasks.blocks
        ]
        most = max((block.task.n_outputs_ for block in self.blocks), default=1)
        self.has_single_outputs, self.has_few_outputs = most == 1, most <= FEW
        self._constant: tuple[Array, DataPoint] | None = None

    def at(self, W: Array, b: Array) -> DataPoint:
        if W.any() or self.n_samples * len(b) > FEW_SCORES:
            return DataPoint(self, self.design.forward(W, b))
        # Where solvers start, and where the loss of a constant prediction is.
        if self._constant is None or not np.array_equal(self._constant[0], b):
            self._constant = b.copy(), DataPoint(self, np.array(self.design.shift(b)))
        return self._constant[1]

    def without(self, tasks: Array) -> DataLoss:
        """The loss of the others; ``tasks`` is a mask (n_tasks,)."""
        rest = copy(self)
        rest._constant = None
        rest.blocks = [
            replace(
                block,
                label_weights=np.where(self._of_labels(tasks, members), 0.0, block.label_weights),
            )
            for members, block in zip(self.members, self.blocks, strict=True)
        ]
        return rest

    def of_rows(self, step: int) -> DataLoss:
        """The loss of every ``step``-th row, times that (wide)."""
        some, rows = copy(self), slice(None, None, step)
        some._constant = None
        assert isinstance(self.design, WideDesign)
        some.design = WideDesign(self.design.X[rows], self.design.offset)
        some.blocks = [
            replace(
                block,
                values=block.values[rows],
                label_weights=block.label_weights[rows] * step,
            )
            for block in self.blocks
        ]
        return some

    def _of_labels(self, tasks: Array, members: Array) -> Array:
        """What a label (n, n_members) of a block has of its task."""
        return tasks[members] if self.task_index is None else tasks[self.task_index][:, None]

    @cached_property
    def has_constant_labels(self) -> bool:
        """Whether every task has labels of one class only, which intercepts alone tell apart."""
        low, high = np.full(self.n_tasks, np.inf), np.full(self.n_tasks, -np.inf)
        for members, block in zip(self.members, self.blocks, strict=True):
            if not block.task.is_classification:
                return False
            rows, columns = np.nonzero(block.label_weights > 0)
            tasks = members[columns] if self.task_index is None else self.task_index[rows]
            values = block.values[rows, columns]
            np.minimum.at(low, tasks, values)
            np.maximum.at(high, tasks, values)
        return bool((low >= high).all())

    def separated(self, raw: Array) -> Array:
        """Mask (n_tasks,) of the tasks whose labels all have the largest raw score."""
        apart = np.ones(self.n_tasks, dtype=bool)
        for members, (block, scores) in zip(self.members, self.split(raw), strict=True):
            wrong = block.label_weights > 0
            if block.task.is_classification:
                wrong = wrong & ~(margins(scores, block.values) > 0.0)
            if self.task_index is None:
                apart[members] = ~wrong.any(axis=0)
            else:
                apart[self.task_index[wrong[:, 0]]] = False
        return apart

    def split(self, raw: Array) -> Iterator[tuple[LabelBlock, Array]]:
        """Each block with its raw scores (n_samples, n_tasks, n_outputs)."""
        for block in self.blocks:
            yield block, raw[:, block.outputs].reshape(*block.values.shape, -1)


class DataPoint:
    """`DataLoss` at some coefficients, that is at raw scores (n_samples, n_outputs)."""

    def __init__(self, loss: DataLoss, raw: Array) -> None:
        self.loss, self.raw = loss, raw

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
    def _value_and_slope(self) -> tuple[float, Array]:
        total, slope = 0.0, np.empty_like(self.raw)
        # A loss may overflow on a step that is too long; the search then shortens it.
        with np.errstate(over="ignore", invalid="ignore"):
            for block, raw in self.loss.split(self.raw):
                for rows, some in block.chunks():
                    loss, grad = some.task.loss_and_grad(raw[rows], some.values)
                    total += some.total(loss)
                    slope[rows, some.outputs] = some.weigh(grad)
        return total, slope

    @property
    def value(self) -> float:
        return self._value_and_slope[0]

    @property
    def slope(self) -> Array:
        """Derivative with respect to the raw scores, (n_samples, n_outputs)."""
        return self._value_and_slope[1]

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
    def _value_and_slope(self) -> tuple[float, Array]:
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

    def conjugate(self, scale: float) -> float:
        total = 0.0
        for block, slope in self.loss.split(scale * self.slope):
            weights, values, used = block.label_weights, block.values, block.observed
            if used is not None and block.is_sparse:
                slope, weights, values = slope[used], weights[used], values[used]
                conjugate = block.task.conjugate(slope / weights[..., None], values)
                total += float(np.vdot(weights, conjugate))
            else:
                weights = weights if used is None else np.where(used, weights, 1.0)
                total += block.total(block.task.conjugate(slope / weights[..., None], values))
        return total
