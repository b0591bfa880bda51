"""Networks that add up each other's activations."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from skmtl.neural.architectures._parameters import Shared
from skmtl.neural.architectures._stacked import (
    OwnHeads,
    StackedArchitecture,
    StackedNetworks,
    StackedTrunks,
)


class CrossStitch(StackedArchitecture):
    r"""Each task has a network of its own, and reads a learned mix of all of them.

    .. math:: \tilde x_t^l = \sum_s \alpha_{ts}^l x_s^l, \qquad
              x_t^{l+1} = \sigma(W_t^{l+1} \tilde x_t^l + b_t^{l+1})

    with the units :math:`x_s^l` of hidden layer l of task s ([1]_, for any number of tasks).
    Hidden layers and :math:`\alpha` are shared, as the losses of all tasks depend on them, but
    for the last :math:`\alpha`, in which each task has a row of its own. The L2 penalty
    ``alpha`` of the estimator leaves :math:`\alpha` alone, which would otherwise fade towards
    zero. With ``stitch=1`` the fit starts as `Independent` does. A row of any task passes
    through all networks: long form costs what wide form does.

    Parameters
    ----------
    stitch : float in [0, 1], default=0.9
        Initial :math:`\alpha_{tt}`; the rest to 1 is spread evenly over the other tasks.

    References
    ----------
    .. [1] I. Misra, A. Shrivastava, A. Gupta and M. Hebert, "Cross-stitch networks for
       multi-task learning", CVPR 2016.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import CrossStitch
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP((16,), architecture=CrossStitch(stitch=0.8), tol=0.1)
    >>> model.fit(X, y).predict(X).shape
    (200, 2)
    """

    alias = "cross_stitch"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "stitch": [Interval(Real, 0, 1, closed="both")]
    }

    def __init__(self, *, stitch: float = 0.9) -> None:
        self.stitch = stitch

    def _join(
        self, trunks: StackedTrunks, heads: OwnHeads, outputs_per_task: Sequence[int]
    ) -> StackedNetworks:
        return StitchedNetworks(trunks, heads, self.stitch)


class StitchedNetworks(StackedNetworks):
    """Networks with a `Stitch` after each hidden layer."""

    def __init__(
        self, trunks: StackedTrunks, heads: OwnHeads, stitch: float, n_subspaces: int = 1
    ) -> None:
        super().__init__(trunks, heads)
        start = initial_stitch(trunks.n_tasks, stitch, n_subspaces)
        self.stitches = nn.ModuleList(Stitch(trunks.n_models, start) for _ in trunks.layers)

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        x = self.mix(self.layers(X))
        if task_index is not None:
            x = rows_of_task(x, task_index)
        raw: Tensor = self.heads(x, task_index)
        return raw

    def layers(self, X: Tensor) -> list[Tensor]:
        """Stitched units (n_models, n_tasks, n, width) of each layer, the features first."""
        trunks = self.trunks
        found = [trunks.for_each_task(X)]
        for layer, stitch in zip(trunks.layers, self.stitches, strict=True):
            found.append(stitch(trunks.dropout(trunks.activation(layer(found[-1])))))
        return found

    def mix(self, layers: list[Tensor]) -> Tensor:
        """What the heads read of the layers."""
        return layers[-1]

    def copies_of_a_row(self, *, is_long: bool) -> int:
        return self.trunks.n_tasks

    def shared_parameters(self) -> list[nn.Parameter]:
        """All but the last stitch, in which each task has a row of its own."""
        last = {id(p) for stitch in self.stitches[-1:] for p in stitch.parameters()}
        return [p for p in self._parameters_of(Shared) if id(p) not in last]

    def last_shared_parameters(self) -> list[nn.Parameter]:
        return [p for layer in self.trunks.layers[-1:] for p in layer.parameters()]


class Stitch(Shared):
    """Linear combinations of what the tasks, or their subspaces, have computed."""

    def __init__(self, n_models: int, start: Tensor) -> None:
        super().__init__()
        self.register_buffer("start", start, persistent=False)
        # Not called weight: pulled to zero it would silence the networks.
        self.stitch = nn.Parameter(torch.zeros(n_models, *start.shape))

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        with torch.no_grad():
            self.stitch[model] = self.get_buffer("start")

    def forward(self, x: Tensor) -> Tensor:
        n_subspaces = self.stitch.shape[-1] // x.shape[1]
        if n_subspaces == 1:
            return torch.matmul(self.stitch, x.flatten(2)).view(x.shape)
        parts = x.unflatten(-1, (n_subspaces, -1)).transpose(2, 3)
        mixed = torch.matmul(self.stitch, parts.flatten(1, 2).flatten(2))
        return mixed.view(parts.shape).transpose(2, 3).flatten(-2)


def initial_stitch(n_tasks: int, stitch: float, n_subspaces: int) -> Tensor:
    """Rows sum to one: as all networks start equal, the first outputs are those of one network.

    Subspaces start by reading the same subspace of the other tasks alone.
    """
    other = (1 - stitch) / (n_tasks - 1) if n_tasks > 1 else 0.0
    start = torch.full((n_tasks, n_tasks), other, dtype=torch.float64)
    start.fill_diagonal_(stitch if n_tasks > 1 else 1.0)
    return torch.kron(start, torch.eye(n_subspaces, dtype=torch.float64))


def rows_of_task(x: Tensor, task_index: Tensor) -> Tensor:
    """Of (n_models, n_tasks, n, width) the own task of each row: (n_models, n, width)."""
    index = task_index[:, None, :, None].expand(-1, 1, -1, x.shape[-1])
    return x.gather(1, index).squeeze(1)
