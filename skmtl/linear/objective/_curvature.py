r"""Second derivative of a loss with respect to the raw scores, label by label.

The raw scores of a label are those of its task alone, so that the second derivative is one number
for a task with one output, and one matrix for a task with several, times the weight of the label.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skmtl.linear.objective._label_block import LabelBlock, Outputs

if TYPE_CHECKING:
    from skmtl.linear.objective._losses import DataLoss

Array = NDArray[Any]

FEW = 8
"""Outputs of a task up to which a system of its intercepts costs less than several products."""

SMALL = 2**20
"""Numbers in matrices that are kept."""


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
        self._kept: dict[int, Array] = {}

    @cached_property
    def diagonal(self) -> Array:
        """Second derivative by each raw score, weighed, (n_samples, n_outputs)."""
        if self.is_diagonal:
            return self._of_single_outputs(None)
        found = np.empty_like(self.raw)
        for block, raw in self.loss.split(self.raw):
            for rows, some in block.chunks():
                found[rows, some.outputs] = some.weigh(_diagonal(some, raw[rows]))
        return found

    def _of_single_outputs(self, direction: Array | None) -> Array:
        """`diagonal`, times a direction, where all tasks have one output."""
        if (block := self.loss.only_block) is not None:
            raw = self.raw[..., None]
            along = np.ones_like(raw) if direction is None else direction[..., None]
            return block.weigh(block.task.curvature(raw, block.values, along))
        found = np.empty_like(self.raw)
        for block, raw in self.loss.split(self.raw):
            for rows, some in block.chunks():
                part = raw[rows]
                along = np.ones_like(part)
                if direction is not None:
                    along = direction[rows, some.outputs][..., None]
                bent = some.task.curvature(part, some.values, along)
                found[rows, some.outputs] = some.weigh(bent)
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
            is_known = "diagonal" in self.__dict__
            return self.diagonal * direction if is_known else self._of_single_outputs(direction)
        bent = np.empty_like(self.raw)
        for block, raw in self.loss.split(self.raw):
            if raw.shape[2] == 1:
                bent[:, block.outputs] = (
                    self.diagonal[:, block.outputs] * direction[:, block.outputs]
                )
            else:
                along = direction[:, block.outputs].reshape(raw.shape)
                if (kept := self._kept.get(id(block))) is not None:
                    product = np.einsum("kltn,ltn->ktn", kept, along.T)
                    bent[:, block.outputs] = product.T.reshape(len(raw), -1)
                else:
                    curvature = block.task.curvature(raw, block.values, along)
                    bent[:, block.outputs] = block.weigh(curvature)
        return bent

    def blocks(self) -> list[tuple[Outputs, Array]]:
        """Columns of the raw scores, and matrices (n_samples, n_tasks, K, K), of tasks alike.

        They take K times the memory of the raw scores.
        """
        found = []
        for block, raw in self.loss.split(self.raw):
            if raw.shape[2] <= FEW:
                matrices = self._matrices(block, raw).T
            else:
                matrices = np.empty((*raw.shape, raw.shape[2]))
                for rows, some in block.chunks():
                    matrices[rows] = _all_at_once(some, raw[rows])
            found.append((block.outputs, matrices))
        return found

    def _matrices(self, block: LabelBlock, raw: Array) -> Array:
        """Those of a block with few outputs, (K, K, n_tasks, n_samples), kept where small."""
        if (kept := self._kept.get(id(block))) is not None:
            return kept
        matrices = _all_at_once(block, raw).T
        if matrices.size <= SMALL:
            self._kept[id(block)] = matrices
        return matrices

    @staticmethod
    def _columns(block: LabelBlock, raw: Array) -> Iterator[Array]:
        """Columns of the matrices of a block, each (n_samples, n_tasks * K)."""
        for unit in np.eye(raw.shape[2]):
            along = np.broadcast_to(unit, raw.shape)
            yield block.weigh(block.task.curvature(raw, block.values, along))

    def solve_intercepts(self, g: Array) -> tuple[Array, float, float]:
        """Shortest z with H z = g, H the second derivative by the intercepts of every task.

        Also the squared sizes of g and of what is left of it, g - H z, in units of the loss.
        """
        sums, is_long = self.loss.design.sums, self.loss.task_index is not None
        if self.is_diagonal:
            h = sums(self.diagonal)
            z = np.divide(g, h, out=np.zeros_like(g), where=h > 0)
            left = np.where(h > 0, 0.0, g)
            return z, float(g @ z + left @ left), float(left @ left)
        z, size, rest = np.zeros_like(g), 0.0, 0.0
        for block, raw in self.loss.split(self.raw):
            K, own = raw.shape[2], slice(None) if is_long else block.outputs
            if K * raw.size <= SMALL:
                matrices = self._matrices(block, raw)
                if is_long:
                    H = sums(matrices.T.reshape(len(raw), -1)).reshape(-1, K, K)
                else:
                    H = matrices.sum(axis=3).T
            else:
                columns = [sums(column).reshape(-1, K) for column in self._columns(block, raw)]
                H = np.stack(columns, axis=2)
            if not np.isfinite(H).all():
                return z, np.inf, np.inf
            of_tasks = g[own].reshape(-1, K, 1)
            values, vectors = np.linalg.eigh(H)
            bent = values > 1e-15 * values[:, -1:]
            inverse = np.divide(1.0, values, out=np.zeros_like(values), where=bent)
            found = vectors @ (inverse[..., None] * (vectors.swapaxes(1, 2) @ of_tasks))
            left = of_tasks - H @ found
            h = np.diagonal(H, axis1=1, axis2=2)[..., None]
            inverse = 1.0 / np.where(h > 0, h, 1.0)
            size += float((inverse * of_tasks**2).sum())
            rest += float((inverse * left**2).sum())
            z[own] = found.ravel()
        return z, size, rest


def _diagonal(block: LabelBlock, raw: Array) -> Array:
    """Second derivative by each raw score (n_samples, n_tasks, n_outputs)."""
    if raw.shape[2] == 1:
        return block.task.curvature(raw, block.values, np.ones_like(raw))
    bent = np.empty_like(raw)
    for k, unit in enumerate(np.eye(raw.shape[2])):
        along = np.broadcast_to(unit, raw.shape)
        bent[:, :, k] = block.task.curvature(raw, block.values, along)[:, :, k]
    return bent


def _all_at_once(block: LabelBlock, raw: Array) -> Array:
    """Weighed second derivatives (n_samples, n_tasks, n_outputs, n_outputs), all at once."""
    # Class by class, as they may be in memory.
    matrices = block.task.curvature_matrix(raw, block.values).T
    if block.observed is not None:
        matrices = np.where(block.observed.T, matrices, 0.0)
    weighed: Array = matrices * block.label_weights.T
    return weighed.T
