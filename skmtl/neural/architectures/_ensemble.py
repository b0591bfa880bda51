"""Many networks in one, that differ by a few scales."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule
from skmtl.neural.architectures._hard_sharing import Heads
from skmtl.neural.architectures._normalization import make_normalization
from skmtl.neural.architectures._parameters import Shared, glorot
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.neural.architectures._units import ACTIVATIONS, Dropout
from skmtl.tasks._task_set import TaskSet


class Ensemble(Architecture):
    r"""Members share the weights of one trunk, and differ by scales, biases and heads [1]_.

    .. math:: x_k^l = \sigma\bigl(s_k^l \odot W_l (r_k^l \odot x_k^{l-1}) + b_k^l\bigr), \qquad
              f_{kt}(x) = h_{kt}(x_k^L)

    Each member learns by its own loss: training minimises the mean of the losses of the K
    members, not the loss of their mean. Predictions are the mean of what the members predict:
    of values, of class probabilities, of expected counts; early stopping judges these. In the
    first layer r starts as random signs, which sets the members apart; all other scales start
    at 1. W, r, s and b are shared by all tasks; heads belong to them.

    Parameters
    ----------
    n_members : int, default=32
        Number of members K.

    References
    ----------
    .. [1] Y. Gorishniy, A. Kotelnikov and A. Babenko, "TabM: Advancing tabular deep learning
       with parameter-efficient ensembling", ICLR 2025.

    Examples
    --------
    Eight members have fewer numbers than two networks:

    >>> from skmtl.neural.architectures import Ensemble, HardSharing, NetworkSpec
    >>> spec = NetworkSpec(n_features=8, outputs_per_task=(1, 1), hidden_layer_sizes=(64, 64))
    >>> for architecture in (HardSharing(), Ensemble(n_members=8)):
    ...     print(sum(p.numel() for p in architecture.build(spec).parameters()))
    4866
    8272
    """

    alias = "ensemble"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_members": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, *, n_members: int = 32) -> None:
        self.n_members = n_members

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make members with heads; see `Architecture.build`."""
        self._validate_params()
        widths = spec.widths
        trunk = MemberTrunk(spec.n_models, self.n_members, widths, *spec.style)
        heads = MemberHeads(
            spec.n_models,
            widths[-1],
            list(spec.outputs_per_task) * self.n_members,
            spec.head_hidden_layer_sizes,
            *spec.style,
            list(range(spec.n_tasks)) * self.n_members,
        )
        return Members(trunk, heads, self.n_members)


class Members(MultiTaskModule):
    """One prediction of all members; in training all, as rows one member after the other."""

    def __init__(self, trunk: MemberTrunk, heads: MemberHeads, n_members: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = heads
        self.n_members = n_members
        self.average: Callable[[Tensor], Tensor] = lambda raw: raw.mean(0)

    def read_as(self, tasks: TaskSet) -> None:
        """Average predictions instead of raw scores."""
        self.average = tasks.torch_average

    def copies_of_a_row(self, *, is_long: bool) -> int:
        return self.n_members

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        return self._together(self._each(X, task_index))

    def plus(self, added: Tensor, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        return self._together(self._each(X, task_index) + added.repeat(1, self.n_members, 1))

    def _each(self, X: Tensor, task_index: Tensor | None) -> Tensor:
        members = X.unsqueeze(1).expand(-1, self.n_members, -1, -1)
        raw: Tensor = self.heads(self.trunk(members), task_index)
        return raw

    def _together(self, raw: Tensor) -> Tensor:
        if self.training:
            return raw
        return self.average(raw.unflatten(1, (self.n_members, -1)).transpose(0, 1))


class MemberLayer(Shared):
    """Affine map of (n_models, n_members, n, n_inputs), members differing by scales."""

    def __init__(
        self,
        n_models: int,
        n_members: int,
        n_inputs: int,
        n_outputs: int,
        normalization: str | None,
        *,
        is_first: bool,
    ) -> None:
        super().__init__()
        self.is_first = is_first
        self.weight = nn.Parameter(torch.zeros(n_models, n_inputs, n_outputs))
        # Not called weight: scales are not to be pulled to zero.
        self.scale_in = nn.Parameter(torch.zeros(n_models, n_members, 1, n_inputs))
        self.scale_out = nn.Parameter(torch.zeros(n_models, n_members, 1, n_outputs))
        self.bias = nn.Parameter(torch.zeros(n_models, n_members, 1, n_outputs))
        self.normalization = make_normalization(normalization, n_models, n_members, n_outputs)

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        n_inputs, n_outputs = self.weight.shape[1:]
        weight, bias = glorot(rng, n_outputs, n_inputs, gain)
        with torch.no_grad():
            self.weight[model] = torch.from_numpy(weight.T)
            self.bias[model] = torch.from_numpy(bias)
            self.scale_out[model] = self.scale_in[model] = 1.0
            if self.is_first:
                signs = rng.choice([-1.0, 1.0], size=self.scale_in.shape[1:])
                self.scale_in[model] = torch.from_numpy(signs)

    def forward(self, x: Tensor) -> Tensor:
        product = torch.bmm((self.scale_in * x).flatten(1, 2), self.weight)
        product = product.unflatten(1, x.shape[1:3])
        affine = torch.addcmul(self.bias, self.scale_out, product)
        return affine if self.normalization is None else self.normalization(affine)


class MemberTrunk(nn.Module):
    """Hidden layers of the members."""

    def __init__(
        self,
        n_models: int,
        n_members: int,
        widths: Sequence[int],
        activation: str,
        dropout: float,
        normalization: str | None,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            MemberLayer(n_models, n_members, *size, normalization, is_first=not i)
            for i, size in enumerate(pairwise(widths))
        )
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = self.dropout(self.activation(layer(x)))
        return x


class MemberHeads(Heads):
    """Heads of each member: its tasks, one member after the other.

    (n_models, n_members, n, n_inputs) becomes (n_models, n_members * n, n_outputs).
    """

    def forward(self, x: Tensor, task_index: Tensor | None = None) -> Tensor:
        n_members = x.shape[1]
        if task_index is not None:
            first = torch.arange(n_members, device=x.device) * (self.n_tasks // n_members)
            heads = task_index.unsqueeze(1) + first[:, None]
            return super().forward(x.flatten(1, 2), heads.flatten(1, 2))
        weight = self.first.weight.unflatten(1, (n_members, -1))
        bias = self.first.bias.unflatten(2, (n_members, -1)).transpose(1, 2)
        x = torch.matmul(x, weight.mT) + bias
        if self.rest:
            x = self.first.normalized(x.transpose(1, 2).flatten(2))
            x = self._deeper(x).unflatten(-1, (n_members, -1)).transpose(1, 2)
        return x.flatten(1, 2)

    def _deeper(self, x: Tensor) -> Tensor:
        """The layers after the first, for the heads of all members side by side."""
        x = x.unflatten(-1, (self.n_tasks, -1))
        for layer in self.rest:
            x = layer(self.dropout(self.activation(x)))
        x = x.flatten(-2)
        return x if self.used is None else x[..., self.used]
