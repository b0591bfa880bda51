"""One trunk and one head for all tasks, from which each deviates as far as its labels allow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule
from skmtl.neural.architectures._hard_sharing import Heads, Trunk
from skmtl.neural.architectures._layers import SharedLayer
from skmtl.neural.architectures._parameters import PerTask, Shared
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.tasks._task_set import TaskSet

# How far one step moves the offset of a task: the smaller, the more it is pulled to 0 (measured:
# benchmarks/accuracy.py, long form).
OFFSET = 0.3


class CommonHead(Architecture):
    r"""All tasks share trunk and head; each has an offset, and with many labels a head of its own.

    .. math:: f_t(x) = a' x + (w + s_t v_t)' \phi(x) + b_t + 0.3 c_t, \qquad
              s_t = \min\bigl(1, (n_t / m)^3\bigr)

    with the best constant :math:`b_t` of the task's labels and of others, as the variances within
    and between tasks weigh them; :math:`n_t` labels of a task; and the m units of the trunk
    :math:`\phi`, which are as many as v has weights. Deviations :math:`v_t` and :math:`c_t` start
    at zero, and the decay of the weights pulls them back there [1]_. It is made for the long form,
    where tasks are of one type, and of few rows each. Trunk, a and w are shared, v and c belong to
    the tasks, also where these have further layers (``head_hidden_layer_sizes``).

    References
    ----------
    .. [1] T. Evgeniou and M. Pontil, "Regularized multi-task learning", KDD 2004, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([rng.normal(size=(300, 3)), rng.integers(50, size=300)])
    >>> y = np.sin(X[:, 0]) + 0.1 * rng.normal(size=50)[X[:, 3].astype(int)]
    >>> model = MultiTaskMLPRegressor(task_feature=3, architecture="common_head", random_state=0)
    >>> model.fit(X, y).predict(X).shape
    (300,)
    """

    alias = "common_head"
    has_model_dimension = True

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make a trunk, a common head and deviations; see `Architecture.build`."""
        return DeviatingTasks(spec)


class DeviatingTasks(MultiTaskModule):
    """A common network, and what single tasks add to it."""

    trust: Tensor
    task_of: Tensor

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        widths, outputs = spec.widths, list(spec.outputs_per_task)
        most = max(1, *outputs)
        self.trunk = Trunk(spec.n_models, widths, *spec.style)
        self.skip = FromZero(spec.n_models, widths[0], most)
        self.head = SharedLayer(spec.n_models, widths[-1], most)
        self.deviations = Heads(
            spec.n_models, widths[-1], outputs, spec.head_hidden_layer_sizes, *spec.style
        )
        # They begin with nothing.
        last: Any = self.deviations.rest[-1] if self.deviations.rest else self.deviations.first
        last.scale, last.is_output = 0.0, False
        self.offsets = Offsets(spec.n_models, len(outputs), most)
        self.width = widths[-1]
        used = torch.arange(most) < torch.tensor(outputs)[:, None]
        self.register_buffer("used", used.flatten().nonzero()[:, 0], persistent=False)
        task_of = torch.repeat_interleave(torch.arange(len(outputs)), torch.tensor(outputs))
        self.register_buffer("task_of", task_of, persistent=False)
        self.register_buffer("trust", torch.ones(len(outputs)), persistent=False)

    def read_as(self, tasks: TaskSet) -> None:
        """Learn how many labels each task has."""
        share = (tasks.n_labels / max(1, self.width)) ** 3
        self.trust.copy_(torch.from_numpy(np.minimum(share, 1.0)))

    def start_at(self, raw: Sequence[NDArray[Any]]) -> None:
        """Let the common head and the offsets begin at these."""
        most = self.head.bias.shape[-1]
        padded = np.array([np.pad(row, (0, most - len(row))) for row in raw])
        center = padded.mean(axis=0)
        self.head.bias.detach().copy_(torch.from_numpy(center))
        self.offsets.start.copy_(torch.from_numpy(padded - center))

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        x = self.trunk(X)
        common = self.head(x) + self.skip(X)
        own = self.deviations(x, task_index)
        if task_index is not None:
            rows = task_index.clamp_min(0)
            return common + self.trust[rows].unsqueeze(-1) * own + self.offsets(task_index)
        added = common.unsqueeze(2) + self.offsets().unsqueeze(1)
        added = added.flatten(2).index_select(-1, self.used)
        return added + self.trust[self.task_of] * own


class FromZero(Shared):
    """Linear map of each model that starts at 0: (n_models, n, n_inputs) to (.., n_outputs)."""

    def __init__(self, n_models: int, n_inputs: int, n_outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, n_inputs, n_outputs))

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        with torch.no_grad():
            self.weight[model] = 0.0

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(x, self.weight)


class Offsets(PerTask):
    """A number for each raw score of every task: (n_models, n_tasks, n_outputs), or of rows.

    It is pulled back to where it starts, not to 0.
    """

    start: Tensor

    def __init__(self, n_models: int, n_tasks: int, n_outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, n_tasks, n_outputs))
        self.register_buffer("start", torch.zeros(n_models, n_tasks, n_outputs))

    def initialize(self, model: int, rngs: Sequence[np.random.Generator], gain: float) -> None:
        with torch.no_grad():
            self.weight[model] = 0.0

    def forward(self, task_index: Tensor | None = None) -> Tensor:
        offsets = self.start + OFFSET * self.weight
        if task_index is None:
            return offsets
        index = task_index.clamp_min(0).unsqueeze(-1).expand(-1, -1, offsets.shape[-1])
        return offsets.gather(1, index)
