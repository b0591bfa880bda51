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
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from skmtl._indexing import as_slice
from skmtl.linear.objective._curvature import FEW
from skmtl.linear.objective._data_point import DataPoint
from skmtl.linear.objective._design import Design, WideDesign
from skmtl.linear.objective._label_block import LabelBlock
from skmtl.linear.objective._separation import margins
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import Block

Array = NDArray[Any]


FEW_SCORES = 2**20
"""Raw scores of a constant prediction that are kept: they are asked for more than once."""


class DualPoint(Protocol):
    """A dual variable u of a loss."""

    @property
    def gradient(self) -> tuple[Array, Array]:
        """Adjoint of the design at u: (Z, sums) as (gW, gb)."""

    @property
    def scale(self) -> float:
        """Largest s <= 1 for which the conjugate is finite at s u, as far as that is known."""

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
        blocks = [one for block in targets.tasks.blocks for one in _by_output(block)]
        self.members = [block.tasks for block in blocks]
        values = targets.values.reshape(self.n_samples, -1)
        label_weights = label_weights.reshape(self.n_samples, -1)
        self.blocks = [
            LabelBlock(
                block.task,
                as_slice(block.outputs),
                np.ascontiguousarray(values[:, as_slice(block.tasks)]),
                np.ascontiguousarray(label_weights[:, as_slice(block.tasks)]),
            )
            for block in blocks
        ]
        most = max((block.task.n_outputs_ for block in self.blocks), default=1)
        self.has_single_outputs, self.has_few_outputs = most == 1, most <= FEW
        self._constant: tuple[Array, Array, tuple[float, Array]] | None = None

    @cached_property
    def only_block(self) -> LabelBlock | None:
        """The block of all tasks, where it is the only one, they have one output and are few."""
        if len(self.blocks) != 1:
            return None
        block = self.blocks[0]
        return block if block.task.n_outputs_ == 1 and not block.has_chunks else None

    def at(self, W: Array, b: Array) -> DataPoint:
        if W.any() or self.n_samples * len(b) > FEW_SCORES:
            return DataPoint(self, self.design.forward(W, b))
        # Where solvers start, and where the loss of a constant prediction is.
        if self._constant is None or (self._constant[0] != b).any():
            point = DataPoint(self, np.array(self.design.shift(b)))
            # Not the point: it has this loss, and with it all data would wait for the collector.
            self._constant = b.copy(), point.raw, point.value_and_slope
        return DataPoint(self, *self._constant[1:])

    def without(self, tasks: Array) -> DataLoss:
        """The loss of the others; ``tasks`` is a mask (n_tasks,)."""
        rest = copy(self)
        rest._constant = None
        rest.__dict__.pop("only_block", None)
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
        some.__dict__.pop("only_block", None)
        assert self.task_index is None
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
        return all(block.task.can_vanish and self._are_constant(block) for block in self.blocks)

    def _are_constant(self, block: LabelBlock) -> bool:
        """Whether the observed labels of a block are one class in every task."""
        observed, values = block.label_weights > 0, block.values
        if self.task_index is not None:
            index, classes = self.task_index[observed[:, 0]], values[observed]
            seen = np.zeros((self.n_tasks, len(block.task.classes_)), dtype=bool)
            seen[index, classes.astype(np.intp)] = True
            return bool((seen.sum(axis=1) <= 1).all())
        low = np.where(observed, values, np.inf).min(axis=0)
        high = np.where(observed, values, -np.inf).max(axis=0)
        return bool((low >= high).all())

    def separated(self, raw: Array) -> Array:
        """Mask (n_tasks,) of the tasks whose labels all have the largest raw score."""
        apart = np.ones(self.n_tasks, dtype=bool)
        for members, (block, scores) in zip(self.members, self.split(raw), strict=True):
            wrong = block.label_weights > 0
            if block.task.can_vanish:
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


def _by_output(block: Block) -> list[Block]:
    """A block, or one for each raw score of its tasks where the loss is a sum over them."""
    tasks = block.task.by_output()
    if tasks is None:
        return [block]
    outputs = block.outputs.reshape(len(block.tasks), -1).T
    return [Block(task, block.tasks, own) for task, own in zip(tasks, outputs, strict=True)]
