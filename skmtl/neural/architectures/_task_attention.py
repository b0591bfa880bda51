"""Tasks that attend to tokens of the trunk."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule
from skmtl.neural.architectures._experts import Experts
from skmtl.neural.architectures._hard_sharing import Trunk
from skmtl.neural.architectures._layers import SharedLayer
from skmtl.neural.architectures._parameters import PerTask, glorot
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.neural.architectures._stacked import OwnHeads


class TaskAttention(Architecture):
    r"""Each task asks the trunk: a learned query attends to tokens of what all share.

    .. math::
        f_t(x) = h_t\big(\mathrm{MultiHead}(q_t, U(x), U(x))\big), \qquad
        \mathrm{head}_i = \mathrm{softmax}\Big(\frac{q_t W_i^Q (U W_i^K)^\top}{\sqrt{d / H}}\Big)
        U W_i^V

    with multi-head attention [1]_ of H = ``n_heads`` heads in d = ``embed_dim`` dimensions, a
    query :math:`q_t` per task, and heads :math:`h_t`. The last of ``hidden_layer_sizes`` is
    computed ``n_tokens`` times, with weights of its own for each token, a row of U(x). That
    outputs are read by queries of what is to be predicted follows [2]_.

    Trunk, tokens and projections are shared; queries and heads belong to tasks: what a task
    adds is small, and tasks with similar queries share more.

    Parameters
    ----------
    n_tokens : int, default=4
        Number of tokens. One gives all tasks the same to read.
    n_heads : int, default=4
        Number of attention heads; divides ``embed_dim``.
    embed_dim : int, default=64
        Dimension of queries and of what a task reads.

    References
    ----------
    .. [1] A. Vaswani et al., "Attention is all you need", NeurIPS 2017.
    .. [2] A. Jaegle et al., "Perceiver IO: A general architecture for structured inputs and
       outputs", ICLR 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import TaskAttention
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP((16,), architecture=TaskAttention(n_tokens=8), max_iter=5, tol=0)
    >>> model.fit(X, y).n_iter_
    5
    """

    alias = "task_attention"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_tokens": [Interval(Integral, 1, None, closed="left")],
        "n_heads": [Interval(Integral, 1, None, closed="left")],
        "embed_dim": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_tokens: int = 4, *, n_heads: int = 4, embed_dim: int = 64) -> None:
        self.n_tokens = n_tokens
        self.n_heads = n_heads
        self.embed_dim = embed_dim

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make a trunk, tokens, queries and heads; see `Architecture.build`."""
        self._validate_params()
        if self.embed_dim % self.n_heads:
            raise ValueError(
                f"embed_dim={self.embed_dim} is not a multiple of n_heads={self.n_heads}."
            )
        if not len(spec.hidden_layer_sizes):
            raise ValueError(
                "hidden_layer_sizes=(): TaskAttention makes its tokens of a hidden layer."
            )
        widths = spec.widths
        sizes = [self.embed_dim, *spec.head_hidden_layer_sizes]
        return AttendedTokens(
            nn.Sequential(
                Trunk(spec.n_models, widths[:-1], *spec.style),
                Experts(spec.n_models, self.n_tokens, widths[-2:], *spec.style),
            ),
            Queries(spec.n_models, spec.n_tasks, self.embed_dim),
            Attention(spec.n_models, widths[-1], self.embed_dim, self.n_heads),
            OwnHeads(spec.n_models, sizes, spec.outputs_per_task, *spec.style),
        )


class AttendedTokens(MultiTaskModule):
    """Tokens, what tasks ask, what they learn, and heads."""

    def __init__(
        self, tokens: nn.Module, queries: Queries, attention: Attention, heads: OwnHeads
    ) -> None:
        super().__init__()
        self.tokens = tokens
        self.queries = queries
        self.attention = attention
        self.heads = heads

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        found = self.attention(self.queries(task_index), self.tokens(X))
        raw: Tensor = self.heads(found if task_index is None else found[:, 0], task_index)
        return raw


class Queries(PerTask):
    """One vector per task: (n_models, 1, n_tasks, width), or (n_models, n, 1, width) for rows."""

    def __init__(self, n_models: int, n_tasks: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, n_tasks, width))

    def initialize(self, model: int, rngs: Sequence[np.random.Generator], gain: float) -> None:
        drawn = [glorot(rng, 1, self.weight.shape[-1], gain)[0] for rng in rngs]
        with torch.no_grad():
            self.weight[model] = torch.from_numpy(np.concatenate(drawn))

    def forward(self, task_index: Tensor | None = None) -> Tensor:
        if task_index is None:
            return self.weight.unsqueeze(1)
        rows = task_index.unsqueeze(-1).expand(-1, -1, self.weight.shape[-1])
        return self.weight.gather(1, rows).unsqueeze(2)


class Attention(nn.Module):
    """Multi-head attention that all tasks share."""

    def __init__(self, n_models: int, token_width: int, width: int, n_heads: int) -> None:
        super().__init__()
        self.query = SharedLayer(n_models, width, width)
        self.key = SharedLayer(n_models, token_width, width)
        self.value = SharedLayer(n_models, token_width, width)
        self.out = SharedLayer(n_models, width, width)
        self.n_heads = n_heads

    def forward(self, queries: Tensor, tokens: Tensor) -> Tensor:
        """What is found: (n_models, n_readers, n, width).

        ``queries`` are (n_models, n or 1, n_readers, width), ``tokens``
        (n_models, n_tokens, n, token_width).
        """
        n_models, _, n, _ = tokens.shape
        asked = self._heads(self.query, queries).transpose(2, 3).expand(-1, n, -1, -1, -1)
        keys, values = (
            self._heads(layer, tokens).permute(0, 2, 3, 1, 4) for layer in (self.key, self.value)
        )
        # With models and rows as one dimension PyTorch takes its fused kernel.
        found = nn.functional.scaled_dot_product_attention(
            asked.flatten(0, 1), keys.flatten(0, 1), values.flatten(0, 1)
        )
        mixed = found.unflatten(0, (n_models, n)).permute(0, 3, 1, 2, 4).flatten(3)
        out: Tensor = self.out(mixed)
        return out

    def _heads(self, layer: SharedLayer, x: Tensor) -> Tensor:
        """A projection of x (n_models, i, j, width): (n_models, i, j, n_heads, width of a head)."""
        projected: Tensor = layer(x)
        return projected.unflatten(-1, (self.n_heads, -1))
