"""Masks by which each task attends to the shared layers."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule
from skmtl.neural.architectures._experts import TaskStack
from skmtl.neural.architectures._hard_sharing import Trunk
from skmtl.neural.architectures._rows_by_task import RowsByTask
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.neural.architectures._stacked import OwnHeads


class MTAN(Architecture):
    r"""Multi-task attention network: each task masks the units of every shared layer [1]_.

    .. math::
        z_t^l = \sigma\big(A_t^l [u^l; z_t^{l-1}] + b_t^l\big) \odot u^l, \qquad
        f_t(x) = h_t(z_t^L)

    with the layers :math:`u^l` of a trunk of ``hidden_layer_sizes``, the logistic function
    :math:`\sigma`, and heads :math:`h_t`. The first mask reads :math:`u^1` alone. It is the
    attention of [1]_ for vectors in place of images. Masks that are all open are `HardSharing`.

    The trunk is shared; masks and heads belong to tasks. Each mask is about as large as the
    layer it masks, so that a step costs more the more tasks there are; in long form a row
    passes through the masks of its own task alone.

    References
    ----------
    .. [1] S. Liu, E. Johns and A. J. Davison, "End-to-end multi-task learning with attention",
       CVPR 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP((16, 8), architecture="mtan", max_iter=5, tol=0)
    >>> model.fit(X, y).n_iter_
    5
    """

    alias = "mtan"
    has_model_dimension = True

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make a trunk, masks and heads; see `Architecture.build`."""
        widths = spec.widths
        trunk = Trunk(spec.n_models, widths, *spec.style)
        tasks = range(spec.n_tasks)
        masks = [
            TaskStack(spec.n_models, tasks, width + (before if i else 0), width)
            for i, (before, width) in enumerate(pairwise(widths))
        ]
        sizes = [widths[-1], *spec.head_hidden_layer_sizes]
        heads = OwnHeads(spec.n_models, sizes, spec.outputs_per_task, *spec.style)
        return MaskedTrunk(trunk, heads, masks, len(tasks))


class MaskedTrunk(MultiTaskModule):
    """A trunk that each task sees through masks, and heads."""

    def __init__(
        self, trunk: Trunk, heads: OwnHeads, masks: Sequence[TaskStack], n_tasks: int
    ) -> None:
        super().__init__()
        self.trunk = trunk
        # Before the masks, so that they start as those of hard sharing do.
        self.heads = heads
        self.masks = nn.ModuleList(masks)
        self.n_tasks = n_tasks

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        rows = None if task_index is None else RowsByTask(task_index, self.n_tasks)
        u, z = X, None
        for layer, mask in zip(self.trunk.layers, self.masks, strict=True):
            u = self.trunk.dropout(self.trunk.activation(layer(u)))
            seen = self._for_readers(u, rows)
            both = seen if z is None else torch.cat([seen, z], -1)
            z = mask(both, rows).sigmoid() * seen
        raw: Tensor = self.heads(self._for_readers(X, rows) if z is None else z, task_index)
        return raw

    def _for_readers(self, u: Tensor, rows: RowsByTask | None) -> Tensor:
        """Wide, the same for every task (n_models, n_tasks, n, width)."""
        return u.unsqueeze(1).expand(-1, self.n_tasks, -1, -1) if rows is None else u
