r"""Gradients of a trunk with linear heads, written out: what autograd finds, in half the time.

With :math:`A_0 = X`, the layers :math:`Z_l = A_{l-1} W_l + b_l` and :math:`A_l = \phi(Z_l)`, and
heads V, raw scores are :math:`F = A_L V' + c`. From :math:`D = \partial L / \partial F` follow

.. math:: \nabla V = D' A_L, \quad \Delta_L = D V \circ \phi'(Z_L), \quad
          \nabla W_l = A_{l-1}' \Delta_l, \quad
          \Delta_{l-1} = \Delta_l W_l' \circ \phi'(Z_{l-1})

[1]_. The gradients of single tasks come from the columns of D, all tasks in one product; at what
the heads read, their Gramian is that of rank-one matrices.

References
----------
.. [1] D. Rumelhart, G. Hinton and R. Williams, "Learning representations by back-propagating
   errors", Nature 323, 1986, eqs. 4-7.
"""

from __future__ import annotations

import numpy as np
import torch

from skmtl.neural.architectures._hard_sharing import Heads, Trunk, TrunkWithHeads

aten = torch.ops.aten
# From the gradient by the units and the units themselves to the gradient by what made them.
BACK = {
    torch.relu: lambda g, a: aten.threshold_backward(g, a, 0.0),
    torch.tanh: lambda g, a: aten.tanh_backward(g, a),
    torch.sigmoid: lambda g, a: aten.sigmoid_backward(g, a),
}


IN_PLACE = {torch.relu: torch.relu_, torch.tanh: torch.tanh_, torch.sigmoid: torch.sigmoid_}

WORTH_NUMPY = 200_000
"""Multiplications from which going to numpy and back is repaid."""


def is_written_out(module, objective):
    """Whether `ByHand` knows the gradients of a module."""
    return (
        type(module) is TrunkWithHeads
        and type(module.trunk) is Trunk
        and type(module.heads) is Heads
        and not module.heads.rest
        and not objective.is_long
    )


def product(A, B):
    """A B; large ones on the CPU by numpy, whose BLAS may be twice as fast as torch's."""
    if A.numel() * B.shape[-1] > WORTH_NUMPY and A.is_cpu:
        return torch.from_numpy(np.matmul(A.numpy(), B.numpy()))
    return A @ B


class ByHand:
    """What a step needs to know about the losses of a batch; see `Autograd`.

    Parameters
    ----------
    module : TrunkWithHeads
        The networks, with linear heads.
    objective : Objective
        Losses of the tasks, wide.
    """

    def __init__(self, module, objective):
        self.module, self.objective = module, objective
        heads = module.heads.first
        self.n_models, self.n_tasks = len(heads.weight), len(heads.outputs)
        # Products of matrices are faster than those of stacks with one matrix each.
        self.is_flat = self.n_models == 1
        pairs = [(layer.weight, layer.bias) for layer in [*module.trunk.layers, heads]]
        *self.layers, (self.V, self.c) = [
            tuple(self._flat(p.detach()) for p in pair) for pair in pairs
        ]
        activation = module.trunk.activation
        self.activate = IN_PLACE.get(activation, activation)
        self.back = BACK.get(activation)
        task_of = torch.from_numpy(np.repeat(np.arange(self.n_tasks), heads.outputs))
        self.task_of = task_of.to(self.V.device)
        self.one_each = all(n_outputs == 1 for n_outputs in heads.outputs)

    def forward(self, batch):
        """Losses (n_models, n_tasks) of a batch."""
        trunk = self.module.trunk
        with torch.no_grad():
            x = self._flat(batch.X)
            # What enters each layer; the units before dropout, and what that does to them.
            self.inputs, self.units, self.masks = [x], [], []
            for W, b in self.layers:
                x = self.activate(product(x, W).add_(b))
                mask = trunk.dropout.mask(self._stacked(x))
                self.units.append(x)
                self.masks.append(None if mask is None else self._flat(mask))
                x = x if mask is None else x * self.masks[-1]
                self.inputs.append(x)
            raw = self._stacked(product(x, self.V.mT).add_(self.c))
            losses, slopes = self.objective.with_slopes(raw, batch)
            self.D = None if slopes is None else self._flat(slopes)
        return losses

    def gradients(self, own, shared):
        """As `Autograd.gradients`."""
        if self.D is None:
            return [None] * (2 * len(self.layers) + 2)
        with torch.no_grad():
            D = self._weighted(own)
            heads = self._head_gradients(D)
            if shared is not None:
                D = self._weighted(self._flat(shared.unsqueeze(-2)))
            return [self._stacked(g) for g in [*self._trunk_gradients(product(D, self.V)), *heads]]

    def gradients_along(self, own, directions, space):
        """As `Autograd.gradients_along`."""
        if self.D is None:
            return [None] * (2 * len(self.layers) + 2)
        with torch.no_grad():
            if space == "representation":
                trunk = self._trunk_gradients(directions[0].view(self.inputs[-1].shape))
            else:
                tensors = [p for pair in self.layers for p in pair]
                trunk = [d.view(p.shape) for d, p in zip(directions, tensors, strict=True)]
            heads = self._head_gradients(self._weighted(own))
            return [self._stacked(g) for g in [*trunk, *heads]]

    def jacobian(self, space):
        """As `Autograd.jacobian`."""
        with torch.no_grad():
            g = self._by_task()
            if space == "representation":
                return [g.reshape(self.n_models, self.n_tasks, -1)]
            found = []
            last = 0 if space == "shared" else len(self.layers) - 1
            for k in reversed(range(last, len(self.layers))):
                g = self._before_activation(g, k)
                found += [g.sum(-2), product(self.inputs[k].unsqueeze(-3).mT, g)]
                if k > last:
                    g = product(g, self.layers[k][0].mT.unsqueeze(-3))
            return [J.reshape(self.n_models, self.n_tasks, -1) for J in reversed(found)]

    def gramian(self, space):
        """As `Autograd.gramian`."""
        if space != "representation":
            return sum(product(J, J.mT) for J in self.jacobian(space))
        with torch.no_grad():
            of_outputs = product(self.D.mT, self.D) * product(self.V, self.V.mT)
            return self._stacked(self._sum_outputs(self._sum_outputs(of_outputs, -1), -2))

    def _head_gradients(self, D):
        return [product(D.mT, self.inputs[-1]), D.sum(-2, keepdim=True)]

    def _trunk_gradients(self, g):
        """Gradients of the trunk from the one of what the heads read."""
        found = []
        for k in reversed(range(len(self.layers))):
            g = self._before_activation(g, k)
            found += [g.sum(-2, keepdim=True), product(self.inputs[k].mT, g)]
            if k:
                g = product(g, self.layers[k][0].mT)
        return found[::-1]

    def _before_activation(self, g, k):
        """From the gradient of what layer k passes on to that of what its activation gets."""
        units, mask = self.units[k], self.masks[k]
        if g.ndim > units.ndim:
            units = units.unsqueeze(-3).expand(g.shape)
            mask = mask if mask is None else mask.unsqueeze(-3)
        g = g if mask is None else g * mask
        return g if self.back is None else self.back(g, units)

    def _weighted(self, weights):
        """D with the columns of every task times its weight; None: 1."""
        if weights is None:
            return self.D
        if not self.one_each:
            weights = weights.index_select(-1, self.task_of)
        return self.D * weights

    def _by_task(self):
        """Gradients (.., n_tasks, n, width) of what the heads read."""
        return self._sum_outputs(self.D.mT.unsqueeze(-1) * self.V.unsqueeze(-2), -3)

    def _sum_outputs(self, array, dim):
        """Sum over the outputs of every task."""
        if self.one_each:
            return array
        shape = list(array.shape)
        shape[dim] = self.n_tasks
        return array.new_zeros(shape).index_add_(dim, self.task_of, array)

    def _flat(self, x):
        return x[0] if self.is_flat else x

    def _stacked(self, x):
        return x[None] if self.is_flat else x
