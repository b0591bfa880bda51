r"""Smooth losses in place of those with kinks, and what certifies the latter.

A pinball loss is :math:`\max_u u r` of the residual r over an interval of u. Around
:math:`\bar u`, and for a number :math:`\mu`,

.. math:: \max_u u r - \tfrac\mu2 (u - \bar u)^2

is smooth (Y. Nesterov, "Smooth minimization of non-smooth functions", Mathematical Programming
103, 2005, eq. 2.4), and up to a constant the same around 0 for a label that is moved by
:math:`\mu \bar u`. Its slopes -u are slopes of the loss itself, so that they certify coefficients
for that.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._indexing import as_slice
from skmtl.linear.objective._data_point import DataDual, DataPoint
from skmtl.linear.objective._label_block import LabelBlock, Outputs
from skmtl.linear.objective._losses import DataLoss

Array = NDArray[Any]

WIDE = 1.0
"""Smoothing, over the spread of the labels, for one look at the curvature: a kernel estimate of the
density at a quantile. Of normal labels it is best at 4 n^(-1/5), for n = 1000 this number (B. W.
Silverman, "Density Estimation", 1986, section 3.4.2, of a rectangular kernel)."""


def widely_smoothed(loss: DataLoss, raw: Array) -> DataLoss:
    """A loss that has a curvature at raw scores; those that are smooth as they are."""
    if all(block.task.is_smooth for block in loss.blocks):
        return loss
    return smoothed(loss, [WIDE * of_tasks for of_tasks in spreads(loss, raw)])


def spreads(loss: DataLoss, raw: Array) -> list[Array]:
    """Mean distance of labels from raw scores, for each task of each block.

    They are powers of two, so that tasks that are alike have the same.
    """
    found = []
    for block, scores in loss.split(raw):
        total = np.abs(block.weigh(block.values[..., None] - scores[..., :1])).sum(axis=0)
        mean = total / block.label_weights.sum(axis=0)
        found.append(2.0 ** np.round(np.log2(np.where(mean > 0, mean, 1.0))))
    return found


def smoothed(loss: DataLoss, smoothing: list[Array], slope: Array | None = None) -> DataLoss:
    """The loss with smooth ones in place of those with kinks.

    Parameters
    ----------
    loss : DataLoss
        Loss.
    smoothing : list of ndarray
        mu of each task of each block.
    slope : ndarray of shape (n_samples, n_outputs) or None, default=None
        Slopes, weighed, that smooth losses are around; None for 0.
    """
    found = copy(loss)
    found._constant = None
    found.__dict__.pop("only_block", None)
    found.blocks, found.members = [], []
    for block, members, of_tasks in zip(loss.blocks, loss.members, smoothing, strict=True):
        if block.task.is_smooth:
            found.blocks.append(block)
            found.members.append(members)
            continue
        for mu in np.unique(of_tasks):
            some = np.flatnonzero(of_tasks == mu)
            found.blocks.append(_smooth_block(block, some, float(mu), slope))
            found.members.append(members[some])
    return found


def _smooth_block(block: LabelBlock, some: Array, mu: float, slope: Array | None) -> LabelBlock:
    """Some of the tasks of a block, with a smooth loss."""
    smooth = block.task.by_output(mu)
    assert smooth is not None
    (task,), columns, outputs = smooth, as_slice(some), _positions(block.outputs)[some]
    values, weights = block.values[:, columns], block.label_weights[:, columns]
    if slope is not None:
        own = slope[:, outputs]
        dual = np.divide(own, weights, out=np.zeros_like(own), where=weights > 0)
        values = task.augmented(values, dual[..., None])
    return LabelBlock(task, as_slice(outputs), values, weights)


def _positions(outputs: Outputs) -> Array:
    return np.arange(outputs.start, outputs.stop) if isinstance(outputs, slice) else outputs


class CertifyingPoint(DataPoint):
    """The slopes of a smooth loss as a dual variable of the one that it stands for."""

    def __init__(self, loss: DataLoss, point: DataPoint) -> None:
        super().__init__(point.loss, point.raw, point.value_and_slope)
        self.point, self.certified = point, loss

    def without(self, tasks: Array) -> DataPoint:
        if not tasks.any():
            return self
        return CertifyingPoint(self.certified.without(tasks), self.point.without(tasks))

    def dual(self, dW: Array, db: Array) -> DataDual:
        return DataDual(self.certified, super().dual(dW, db).slope)
