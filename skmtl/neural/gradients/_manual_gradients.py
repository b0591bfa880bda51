r"""Gradients of a trunk with linear heads, written out: what autograd finds, in half the time.

With :math:`A_0 = X`, the layers :math:`Z_l = A_{l-1} W_l + b_l` and :math:`A_l = \phi(Z_l)`, and
heads V, raw scores are :math:`F = A_L V' + c`. From :math:`D = \partial L / \partial F` follow

.. math:: \nabla V = D' A_L, \quad \Delta_L = D V \circ \phi'(Z_L), \quad
          \nabla W_l = A_{l-1}' \Delta_l, \quad
          \Delta_{l-1} = \Delta_l W_l' \circ \phi'(Z_{l-1})

[1]_. A linear path S beside the trunk adds :math:`c X S'` to F, with
:math:`\nabla S = c D' X`. What is trained before the trunk is the part of `BeforeTrunk`, the
gradients of single tasks are that of `GradientsOfTasks`.

References
----------
.. [1] D. Rumelhart, G. Hinton and R. Williams, "Learning representations by back-propagating
   errors", Nature 323, 1986, eqs. 4-7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl.neural._data import Batch
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.architectures._around import RepresentationAround
from skmtl.neural.architectures._hard_sharing import Heads, Trunk, TrunkWithHeads
from skmtl.neural.gradients._activations import ACTIVATE
from skmtl.neural.gradients._before_trunk import BeforeTrunk
from skmtl.neural.gradients._buffers import ArrayAndTensor, BuffersBySize, in_pairs, views
from skmtl.neural.gradients._compiled import add_bias, sum_rows
from skmtl.neural.gradients._gradients_of_tasks import GradientsOfTasks, quietly
from skmtl.neural.gradients._objective import Objective

Array = NDArray[Any]


class ManualGradients(GradientsOfTasks):
    """Gradients of a trunk with linear heads, without autograd.

    Parameters
    ----------
    module : MultiTaskModule
        The networks: a `TrunkWithHeads` with linear heads, on the CPU; perhaps with a
        `LinearSkip` beside it, and an `Embedding` whose gradients are written out before it.
    objective : Objective
        Losses of the tasks, wide.

    Attributes
    ----------
    flat : Tensor of shape (n_models, size)
        Gradients of what tasks share: the trunk, then what is trained before it.
    """

    @staticmethod
    def knows(module: MultiTaskModule, objective: Objective) -> bool:
        """Whether the gradients of a module are written out here."""
        network = _inside(module)
        return (
            type(network) is TrunkWithHeads
            and type(network.trunk) is Trunk
            and all(layer.normalization is None for layer in network.trunk.layers)
            and not module.mixed_precision
            and type(network.heads) is Heads
            and not network.heads.rest
            and not objective.is_long
            and next(module.parameters()).is_cpu
        )

    def __init__(self, module: MultiTaskModule, objective: Objective) -> None:
        network: Any = _inside(module)
        trunk, heads = network.trunk, network.heads
        self.objective, self.dropout = objective, trunk.dropout
        self.activate, heads = ACTIVATE[trunk.activation], heads.first
        self.n_models, self.n_tasks = len(heads.weight), len(heads.outputs)
        embedding, skip = getattr(module, "embedding", None), getattr(module, "skip", None)
        of_trunk, of_heads = list(trunk.parameters()), [heads.weight, heads.bias]
        self.shared = of_trunk + ([] if embedding is None else list(embedding.parameters()))
        of_tasks = of_heads + ([] if skip is None else [skip.weight])
        # Those of what is shared side by side, as those of single tasks are.
        self.sizes = [p[0].numel() for p in self.shared]
        self.flat = heads.weight.new_empty(self.n_models, sum(self.sizes), requires_grad=False)
        shared = views(self.flat, self.sizes, self.shared)
        self.own = [torch.empty_like(p, requires_grad=False) for p in of_tasks]
        self.layers, self.layer_gradients = in_pairs(of_trunk), in_pairs(shared[: len(of_trunk)])
        [(self.V, self.c)], [self.head_gradients] = in_pairs(of_heads), in_pairs(self.own[:2])
        self.found = self._placed(shared)
        # Of the linear path, where there is one, the weights and their gradient.
        self.factor = 1.0 if skip is None else float(skip.factor)
        self.skip = [] if skip is None else [ArrayAndTensor(s) for s in (skip.weight, self.own[2])]
        # Of what is before the trunk, where there is something.
        self.before_gradients, self.before = shared[len(of_trunk) :], None
        if embedding is not None:
            past = self.skip[0].array if self.skip else None
            self.before = BeforeTrunk(embedding, self.layers[0][0].transposed, past, self.factor)
        n_layers = len(self.layers)
        self.spaces = {"shared": (0, None), "last_shared": (2 * n_layers - 2, 2 * n_layers)}
        self.task_of = torch.from_numpy(np.repeat(np.arange(self.n_tasks), heads.outputs))
        self.starts = np.cumsum([0, *heads.outputs])
        self.one_each = all(n_outputs == 1 for n_outputs in heads.outputs)
        widths = [W.array.shape[-1] for W, _ in self.layers]
        self.buffers = BuffersBySize(self.V.tensor, widths, self.V.tensor.shape[-2])
        # By the raw scores; None where no task has anything to learn.
        self.D: Any = None
        self.jacobians: dict[str, tuple[Tensor, list[Array]]] = {}

    @quietly
    def forward(self, batch: Batch) -> Tensor:
        now = self.now = self.buffers[batch.X.shape[1]]
        x = batch.X.numpy() if self.before is None else self.before.forward(batch.X)
        # What enters each layer.
        self.inputs: list[Array] = [x]
        for (W, b), sums, units in zip(self.layers, now.sums, now.units, strict=True):
            np.matmul(x, W.array, out=sums.array)
            x = units.array
            self.activate(sums.array, b.array, x)
            self.dropout.leave_out(x, sums.array)
            self.inputs.append(x)
        np.matmul(x, self.V.transposed, out=now.raw.array)
        if self.skip:
            now.raw.array += self.factor * np.matmul(self.inputs[0], self.skip[0].transposed)
        add_bias(now.raw.array, self.c.array)
        losses, self.D = self.objective.with_slopes(now.raw.tensor, batch)
        self.jacobian_found: Tensor | None = None
        return losses

    @quietly
    def gradients(self, own: Tensor | None, shared: Tensor | None) -> Sequence[Tensor | None]:
        if self.D is None:
            return [None] * len(self.found)
        D = self._weighted(own)
        self._head_gradients(D.numpy())
        if shared is not None and self.jacobian_found is not None:
            # One more pass through the layers would find the same.
            torch.matmul(shared.unsqueeze(1), self.jacobian_found, out=self.flat.unsqueeze(1))
            return self.found
        if shared is not None:
            D = self._weighted(shared.unsqueeze(-2))
        if self.layers:
            np.matmul(D.numpy(), self.V.array, out=self.now.slopes[-1].array)
            self._shared_gradients(D.numpy())
        return self.found

    @quietly
    def gradients_along(
        self, own: Tensor | None, directions: Sequence[Tensor], space: str
    ) -> Sequence[Tensor | None]:
        if self.D is None:
            return [None] * len(self.found)
        self._head_gradients(self._weighted(own).numpy())
        if space == "representation":
            slope = self.now.slopes[-1].tensor
            slope.copy_(directions[0].view(slope.shape))
            self._shared_gradients(None)
            return self.found
        return self._placed([d.view(p.shape) for d, p in zip(directions, self.shared, strict=True)])

    def _placed(self, shared: list[Tensor]) -> list[Tensor]:
        """Gradients in the order of the parameters: trunk, heads, what is before, linear path."""
        n_trunk = 2 * len(self.layers)
        return [*shared[:n_trunk], *self.own[:2], *shared[n_trunk:], *self.own[2:]]

    def _head_gradients(self, D: Array) -> None:
        V, c = self.head_gradients
        np.matmul(D.swapaxes(-1, -2), self.inputs[-1], out=V.array)
        sum_rows(D, c.array)
        if self.skip:
            np.matmul(self.factor * D.swapaxes(-1, -2), self.inputs[0], out=self.skip[1].array)

    def _shared_gradients(self, D: Array | None) -> None:
        """Gradients of what is shared from the last slopes: those of what the heads read.

        D are those of the raw scores, for what reaches them past the trunk.
        """
        slopes = self.now.slopes
        for k in reversed(range(len(self.layers))):
            W, b = self.layer_gradients[k]
            slopes[k].array *= self.now.sums[k].array
            np.matmul(self.inputs[k].swapaxes(-1, -2), slopes[k].array, out=W.array)
            sum_rows(slopes[k].array, b.array)
            if k:
                np.matmul(slopes[k].array, self.layers[k][0].transposed, out=slopes[k - 1].array)
        if self.before is not None:
            of_before = self.before.gradients(slopes[0].array, D)
            for place, found in zip(self.before_gradients, of_before, strict=True):
                place.copy_(found)

    def _weighted(self, weights: Tensor | None) -> Tensor:
        """D with the columns of every task times its weight; None: 1."""
        if weights is None:
            return self.D
        if not self.one_each:
            weights = weights.index_select(-1, self.task_of)
        return self.D * weights


def _inside(module: MultiTaskModule) -> MultiTaskModule:
    """The network without a linear path beside it and what is trained before it."""
    if type(module) is not RepresentationAround:
        return module
    embedding, network = module.embedding, module.network
    has_layers = isinstance(network, TrunkWithHeads) and bool(getattr(network.trunk, "layers", ()))
    if embedding is None or (has_layers and embedding.has_gradients):
        return network
    return module
