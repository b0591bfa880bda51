"""One trunk, modulated for each task by a few numbers."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule
from skmtl.neural.architectures._hard_sharing import Trunk
from skmtl.neural.architectures._parameters import PerTask, Shared
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.neural.architectures._stacked import OwnHeads, learning_tasks


class TaskEmbedding(Architecture):
    r"""One trunk for all tasks; a few numbers of each task scale and shift its units [1]_.

    .. math:: z_t^l = \sigma\bigl(\gamma_l(e_t) \odot (W_l z_t^{l-1} + b_l) + \beta_l(e_t)\bigr),
              \qquad \gamma_l(e) = 1 + G_l e, \quad \beta_l(e) = B_l e

    with the embedding :math:`e_t` of task t. G and B start at zero, so that the fit starts as
    hard sharing, and the L2 penalty ``alpha`` of the estimator pulls it back there. Trunk, G
    and B are shared; embeddings and heads belong to the tasks. It is made for the long form
    with thousands of tasks: a row then costs as much as with hard sharing, in time and memory,
    however many tasks there are. Wide, the trunk is computed for each task.

    Parameters
    ----------
    embedding_size : int, default=16
        Numbers that describe a task.

    References
    ----------
    .. [1] E. Perez, F. Strub, H. de Vries, V. Dumoulin and A. Courville, "FiLM: Visual
       reasoning with a general conditioning layer", AAAI 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural.architectures import TaskEmbedding
    >>> rng = np.random.default_rng(0)
    >>> task = rng.integers(50, size=1000)
    >>> X = np.column_stack([rng.normal(size=(1000, 3)), task])
    >>> y = np.sin(X[:, 0] + 0.1 * task)
    >>> modulated = TaskEmbedding(embedding_size=4)
    >>> model = MultiTaskMLPRegressor((16,), task_feature=3, architecture=modulated, tol=0.1)
    >>> model.fit(X, y).predict(X).shape
    (1000,)
    """

    alias = "task_embedding"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "embedding_size": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, *, embedding_size: int = 16) -> None:
        self.embedding_size = embedding_size

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make a trunk, embeddings and heads; see `Architecture.build`."""
        self._validate_params()
        tasks = learning_tasks(spec.outputs_per_task)
        widths = spec.widths
        sizes = [widths[-1], *spec.head_hidden_layer_sizes]
        outputs = [spec.outputs_per_task[t] for t in tasks]
        return ModulatedTrunk(
            Trunk(spec.n_models, widths, *spec.style),
            OwnHeads(spec.n_models, sizes, outputs, *spec.style, tasks),
            Embedding(spec.n_models, tasks, self.embedding_size),
            [Modulation(spec.n_models, self.embedding_size, width) for width in widths[1:]],
        )


class ModulatedTrunk(MultiTaskModule):
    """A trunk whose units each task scales and shifts before the activation."""

    def __init__(
        self,
        trunk: Trunk,
        heads: OwnHeads,
        embedding: Embedding,
        modulations: Sequence[Modulation],
    ) -> None:
        super().__init__()
        self.modulations = nn.ModuleList(modulations)
        self.trunk = trunk
        # Heads before the embedding: they are then drawn as those of hard sharing.
        self.heads = heads
        self.embedding = embedding

    def copies_of_a_row(self, *, is_long: bool) -> int:
        return 1 if is_long else len(self.embedding.tasks)

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        embedded = self.embedding(task_index)
        # One line per task and row, or one line per row.
        z = X if task_index is not None else X[:, None]
        for layer, modulation in zip(self.trunk.layers, self.modulations, strict=True):
            scale, shift = modulation(embedded)
            z = self.trunk.dropout(self.trunk.activation(layer(z) * (1 + scale) + shift))
        if task_index is None:
            z = z.expand(-1, len(self.embedding.tasks), -1, -1)
        raw: Tensor = self.heads(z, task_index)
        return raw


class Embedding(PerTask):
    """A few numbers per task: (n_models, n_tasks, 1, size), or (n_models, n, size) for rows."""

    def __init__(self, n_models: int, tasks: Sequence[int], size: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, len(tasks), size))
        self.tasks = list(tasks)

    def initialize(self, model: int, rngs: Sequence[np.random.Generator], gain: float) -> None:
        size = self.weight.shape[-1]
        drawn = [rngs[t].normal(scale=size**-0.5, size=size) for t in self.tasks]
        with torch.no_grad():
            self.weight[model] = torch.from_numpy(np.array(drawn))

    def forward(self, task_index: Tensor | None = None) -> Tensor:
        if task_index is None:
            return self.weight.unsqueeze(2)
        index = task_index[..., None].expand(-1, -1, self.weight.shape[-1])
        return self.weight.gather(1, index)


class Modulation(Shared):
    """Scale and shift of the units of one layer, linear in the embedding of the task."""

    def __init__(self, n_models: int, size: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, size, 2 * width))

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        with torch.no_grad():
            self.weight[model] = 0.0

    def forward(self, embedded: Tensor) -> tuple[Tensor, Tensor]:
        product = torch.bmm(embedded.flatten(1, -2), self.weight)
        scale, shift = product.unflatten(1, embedded.shape[1:-1]).chunk(2, dim=-1)
        return scale, shift
