r"""Gradients of single tasks by what a trunk shares, written out.

They come from the columns of D, the derivatives of the losses by the raw scores: for task t

.. math:: \Delta_{L, t} = D_t V_t \circ \phi'(Z_L), \qquad
          \nabla_t W_l = A_{l-1}' \Delta_{l, t}

a few tasks at a time in one product (notation of `ManualGradients`). At what the heads read, their
Gramian is that of rank-one matrices.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl.neural.gradients._base import Gradients
from skmtl.neural.gradients._before_trunk import BeforeTrunk
from skmtl.neural.gradients._buffers import ArrayAndTensor, Buffers
from skmtl.neural.gradients._compiled import by_task

Array = NDArray[Any]

# What overflows is seen by the loss; numpy need not say it, too.
quietly = np.errstate(over="ignore", invalid="ignore")


class GradientsOfTasks(Gradients):
    """What the weights of tasks are found by, after a pass through the networks.

    Attributes
    ----------
    D : Tensor of shape (n_models, n, n_outputs)
        Derivatives of the losses by the raw scores.
    inputs : list of ndarray of shape (n_models, n, width)
        What enters each layer, and the heads.
    now : Buffers
        Where the pass left the derivatives of the activations.
    V : ArrayAndTensor
        Weights of the heads.
    layers : list of (ArrayAndTensor, ArrayAndTensor)
        Weights and biases of the trunk.
    shared, sizes : list
        Parameters that tasks share, and how many numbers of a model each has.
    spaces : dict of str to (int, int or None)
        Which of these a space has.
    starts, task_of : ndarray, Tensor
        Where the outputs of each task begin, and the task of each.
    """

    D: Any
    inputs: list[Array]
    now: Buffers
    V: ArrayAndTensor
    layers: list[tuple[ArrayAndTensor, ArrayAndTensor]]
    before: BeforeTrunk | None
    flat: Tensor
    shared: list[Tensor]
    sizes: list[int]
    spaces: dict[str, tuple[int, int | None]]
    jacobians: dict[str, tuple[Tensor, list[Array]]]
    jacobian_found: Tensor | None
    n_models: int
    n_tasks: int
    starts: Array
    task_of: Tensor
    one_each: bool

    @quietly
    def jacobian(self, space: str) -> list[Tensor]:
        if space == "representation":
            g = self.D.new_empty(self.n_tasks, *self.inputs[-1].shape)
            by_task(self.D.numpy(), self.V.array, self.starts, 0, g.numpy())
            return [g.transpose(0, 1).flatten(2)]
        J = self._jacobian(space)
        return list(J.split(self.sizes[slice(*self.spaces[space])], dim=-1))

    @quietly
    def gramian(self, space: str) -> Tensor:
        if space != "representation":
            return _outer(self._jacobian(space))
        of_outputs = _outer(self.D.mT) * _outer(self.V.tensor)
        return self._sum_outputs(self._sum_outputs(of_outputs, -1), -2)

    def _jacobian(self, space: str) -> Tensor:
        """Gradients (n_models, n_tasks, size), a few tasks at a time."""
        J, parts = self._memory_of_jacobian(space)
        first_layer, slopes = self.spaces[space][0] // 2, self.now.slopes_of_tasks(self.n_tasks)
        for first in range(0, self.n_tasks, len(slopes[-1])):
            some = [g[: self.n_tasks - first] for g in slopes]
            found = [part[first : first + len(some[-1])] for part in parts]
            by_task(self.D.numpy(), self.V.array, self.starts, first, some[-1].numpy())
            for k in reversed(range(first_layer, len(self.layers))):
                some[k].mul_(self.now.sums[k].tensor)
                g, place = some[k].numpy(), 2 * (k - first_layer)
                np.matmul(self.inputs[k].swapaxes(-1, -2), g, out=found[place])
                np.matmul(self.now.ones, g, out=found[place + 1])
                if k > first_layer:
                    np.matmul(g, self.layers[k][0].transposed, out=some[k - 1].numpy())
            if self.before is not None and space == "shared":
                tasks = self.starts[first : first + len(some[0]) + 1]
                of_tasks = self.before.gradients_of_tasks(some[0].numpy(), self.D.numpy(), tasks)
                for of_tensor, part in zip(found[2 * len(self.layers) :], of_tasks, strict=True):
                    of_tensor[:] = part.numpy()
        self.jacobian_found = J if space == "shared" else None
        return J

    def _memory_of_jacobian(self, space: str) -> tuple[Tensor, list[Array]]:
        """An array (n_models, n_tasks, size), and in it (n_tasks, n_models, ..) of each tensor."""
        if space not in self.jacobians:
            where = slice(*self.spaces[space])
            J = self.flat.new_empty(self.n_models, self.n_tasks, sum(self.sizes[where]))
            self.jacobians[space] = (
                J,
                [
                    part.unflatten(-1, p.shape[1:]).transpose(0, 1).numpy()
                    for part, p in zip(
                        J.split(self.sizes[where], dim=-1), self.shared[where], strict=True
                    )
                ],
            )
        return self.jacobians[space]

    def _sum_outputs(self, array: Tensor, dim: int) -> Tensor:
        """Sum over the outputs of every task."""
        if self.one_each:
            return array
        shape = list(array.shape)
        shape[dim] = self.n_tasks
        return array.new_zeros(shape).index_add_(dim, self.task_of, array)


def _outer(A: Tensor) -> Tensor:
    """A A'."""
    array = A.numpy()
    return torch.from_numpy(np.matmul(array, array.swapaxes(-1, -2)))
