r"""Second derivative of a loss with respect to the raw scores, label by label.

The raw scores of a label are those of its task alone, so that the second derivative is one number
for a task with one output, and one matrix for a task with several, times the weight of the label.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from skmtl.linear.objective._losses import DataLoss, LabelBlock

Array = NDArray[Any]
Outputs = slice | Array


class Curvature:
    """Second derivative of `DataLoss` at raw scores.

    Parameters
    ----------
    loss : DataLoss
        Loss.
    raw : ndarray of shape (n_samples, n_outputs)
        Raw scores.
    """

    def __init__(self, loss: DataLoss, raw: Array) -> None:
        self.loss, self.raw = loss, raw
        self.is_diagonal = loss.has_single_outputs

    @cached_property
    def diagonal(self) -> Array:
        """Second derivative by each raw score, weighed, (n_samples, n_outputs)."""
        found = np.empty_like(self.raw)
        for block, raw in self.loss.split(self.raw):
            for rows, some in block.chunks():
                found[rows, some.outputs] = some.weigh(_diagonal(some, raw[rows]))
        return found

    @cached_property
    def upper(self) -> Array:
        r"""At least `diagonal`, and as much as leads from a label's loss to 0.

        The parabola with the slope s and the value l of a loss there, and 0 where it is least, has
        the curvature :math:`s^2 / 2 l`. For Huber's loss beyond its turn it is half of that which
        bounds the loss from above; that of the loss itself is 0.
        """
        found = self.diagonal.copy()
        for block, raw in self.loss.split(self.raw):
            if raw.shape[2] > 1:
                continue
            for rows, some in block.chunks():
                loss, slope = some.task.loss_and_grad(raw[rows], some.values)
                with np.errstate(divide="ignore", invalid="ignore"):
                    parabola = some.weigh(0.5 * slope**2 / loss[..., None])
                parabola[~np.isfinite(parabola)] = 0.0
                found[rows, some.outputs] = np.maximum(found[rows, some.outputs], parabola)
        return found

    def times(self, direction: Array) -> Array:
        """Applied to a direction (n_samples, n_outputs) of the raw scores."""
        if self.is_diagonal:
            return self.diagonal * direction
        bent = np.empty_like(self.raw)
        for block, raw in self.loss.split(self.raw):
            if raw.shape[2] == 1:
                bent[:, block.outputs] = (
                    self.diagonal[:, block.outputs] * direction[:, block.outputs]
                )
            else:
                along = direction[:, block.outputs].reshape(raw.shape)
                curvature = block.task.curvature(raw, block.values, along)
                bent[:, block.outputs] = block.weigh(curvature)
        return bent

    def blocks(self) -> list[tuple[Outputs, Array]]:
        """Columns of the raw scores, and matrices (n_samples, n_tasks, K, K), of tasks alike.

        They take K times the memory of the raw scores.
        """
        found = []
        for block, raw in self.loss.split(self.raw):
            n_outputs = raw.shape[2]
            bent = np.empty((*raw.shape, n_outputs))
            for k, unit in enumerate(np.eye(n_outputs)):
                along = np.broadcast_to(unit, raw.shape)
                curvature = block.task.curvature(raw, block.values, along)
                bent[..., k] = block.weigh(curvature).reshape(raw.shape)
            found.append((block.outputs, bent))
        return found


def _diagonal(block: LabelBlock, raw: Array) -> Array:
    """Second derivative by each raw score (n_samples, n_tasks, n_outputs)."""
    if raw.shape[2] == 1:
        return block.task.curvature(raw, block.values, np.ones_like(raw))
    bent = np.empty_like(raw)
    for k, unit in enumerate(np.eye(raw.shape[2])):
        along = np.broadcast_to(unit, raw.shape)
        bent[:, :, k] = block.task.curvature(raw, block.values, along)[:, :, k]
    return bent
