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
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skmtl._indexing import as_slice
from skmtl.linear.objective._design import Design
from skmtl.linear.objective._separation import margins
from skmtl.tasks._base import Task
from skmtl.tasks._targets import Targets

Array = NDArray[Any]
Outputs = slice | Array


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
            (
                block.task,
                as_slice(block.outputs),
                np.ascontiguousarray(values[:, block.tasks]),
                np.ascontiguousarray(label_weights[:, block.tasks]),
            )
            for block in targets.tasks.blocks
        ]

    def at(self, W: Array, b: Array) -> DataPoint:
        return DataPoint(self, self.design.forward(W, b))

    def without(self, tasks: Array) -> DataLoss:
        """The loss of the others; ``tasks`` is a mask (n_tasks,)."""
        rest = copy(self)
        rest.blocks = [
            (task, outputs, values, np.where(self._of_labels(tasks, members), 0.0, label_weights))
            for members, (task, outputs, values, label_weights) in zip(
                self.members, self.blocks, strict=True
            )
        ]
        return rest

    def _of_labels(self, tasks: Array, members: Array) -> Array:
        """What a label (n, n_members) of a block has of its task."""
        return tasks[members] if self.task_index is None else tasks[self.task_index][:, None]

    def separated(self, raw: Array) -> Array:
        """Mask (n_tasks,) of the tasks whose labels all have the largest raw score."""
        apart = np.ones(self.n_tasks, dtype=bool)
        for members, (task, scores, values, label_weights, _) in zip(
            self.members, self.split(raw), strict=True
        ):
            wrong = label_weights > 0
            if task.is_classification:
                wrong = wrong & ~(margins(scores, values) > 0.0)
            if self.task_index is None:
                apart[members] = ~wrong.any(axis=0)
            else:
                apart[self.task_index[wrong[:, 0]]] = False
        return apart

    def split(self, raw: Array) -> Iterator[tuple[Task, Array, Array, Array, Outputs]]:
        """(task, raw, values, label_weights, outputs) of each block, raw (n, tasks, outputs)."""
        for task, outputs, values, label_weights in self.blocks:
            yield task, raw[:, outputs].reshape(*values.shape, -1), values, label_weights, outputs


class DataPoint:
    """`DataLoss` at some coefficients."""

    def __init__(self, loss: DataLoss, raw: Array) -> None:
        self.loss, self.raw = loss, raw

    @cached_property
    def separated(self) -> Array:
        """Mask of the tasks whose classes these coefficients tell apart."""
        return self.loss.separated(self.raw)

    def without(self, tasks: Array) -> DataPoint:
        """The point of the loss of the other tasks; ``tasks`` is a mask."""
        return DataPoint(self.loss.without(tasks), self.raw) if tasks.any() else self

    @cached_property
    def _value_and_slope(self) -> tuple[float, Array]:
        total, slope = 0.0, np.empty_like(self.raw)
        # A loss may overflow on a step that is too long; the search then shortens it.
        with np.errstate(over="ignore", invalid="ignore"):
            for task, raw, values, label_weights, outputs in self.loss.split(self.raw):
                loss, grad = task.loss_and_grad(raw, values)
                total += float((np.where(label_weights > 0, loss, 0.0) * label_weights).sum())
                slope[:, outputs] = _weigh(label_weights, grad)
        return total, slope

    @property
    def value(self) -> float:
        return self._value_and_slope[0]

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        return self.loss.design.adjoint(self._value_and_slope[1])

    def _bend(self, direction: Array) -> Array:
        """Second derivative applied to raw scores."""
        bent = np.empty_like(self.raw)
        for task, raw, values, label_weights, outputs in self.loss.split(self.raw):
            along = direction[:, outputs].reshape(raw.shape)
            bent[:, outputs] = _weigh(label_weights, task.curvature(raw, values, along))
        return bent

    def hessian(self, dW: Array, db: Array) -> tuple[Array, Array]:
        return self.loss.design.adjoint(self._bend(self.loss.design.forward(dW, db)))

    def dual(self, dW: Array, db: Array) -> DataDual:
        slope = self._value_and_slope[1]
        if dW.any() or db.any():
            slope = slope - self._bend(self.loss.design.forward(dW, db))
        return DataDual(self.loss, slope)


class DataDual:
    """A dual point of `DataLoss`."""

    def __init__(self, loss: DataLoss, slope: Array) -> None:
        self.loss, self.slope = loss, slope

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        return self.loss.design.adjoint(self.slope)

    def conjugate(self, scale: float) -> float:
        total = 0.0
        for task, slope, values, label_weights, _ in self.loss.split(scale * self.slope):
            used = label_weights > 0
            per_label = slope[used] / label_weights[used][:, None]
            total += float(label_weights[used] @ task.conjugate(per_label, values[used]))
        return total


def _weigh(label_weights: Array, values: Array) -> Array:
    """Label weight times value, exactly 0 where the weight is; flat over the outputs."""
    weighed = np.where(label_weights[..., None] > 0, values, 0.0) * label_weights[..., None]
    return weighed.reshape(len(values), -1)
