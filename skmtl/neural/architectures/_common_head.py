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
from skmtl.neural.architectures._lines import Lines, TaskLines
from skmtl.neural.architectures._parameters import PerTask, Shared
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.tasks._task_set import TaskSet

# How far one step moves the offset of a task: the smaller, the more it is pulled to 0 (measured:
# benchmarks/accuracy.py, long form).
OFFSET = 0.3


class CommonHead(Architecture):
    r"""All tasks share trunk and head; each has a line, and with many labels a head of its own.

    .. math:: f_t(x) = a' x + (w + s_t v_t)' \phi(x) + b_t + 0.3 c_t + u_t' x, \qquad
              s_t = \rho \min\bigl(1, (n_t / m)^3\bigr)

    with the intercepts :math:`b_t` and slopes :math:`u_t` that a linear model with random
    intercepts and slopes predicts [1]_ before training begins: its variances say how much the
    tasks have of their own, next to nothing where all have the same slopes. :math:`\rho` is the
    share of their slopes that is their own; :math:`n_t` counts labels of a task, and m the units
    of the trunk :math:`\phi`, which are as many as v has weights. Slopes stay as they are. The
    deviations :math:`v_t` and :math:`c_t` start at zero, and the decay of the weights pulls them
    back there [2]_. Trunk, a and w are shared, v and c belong to the tasks, also where these have
    further layers (``head_hidden_layer_sizes``).

    With more than two classes, with losses that are neither squared nor of two classes, where tasks
    are columns of y, and with ``partial_fit``, b is the
    best constant of the task's labels and of others, as the variances within and between tasks
    weigh them, u = 0, and :math:`\rho = 1`. It is made for the long form, where tasks are of
    one type, and of few rows each. Of more than 32 inputs, slopes are those along their first 32
    principal directions.

    References
    ----------
    .. [1] N. M. Laird and J. H. Ware, "Random-effects models for longitudinal data", Biometrics
       38, 1982, eqs. 3.1 and 3.2.
    .. [2] T. Evgeniou and M. Pontil, "Regularized multi-task learning", KDD 2004, section 2.

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

    takes_lines = True
    difference: Tensor
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
        self.lines = TaskLines(spec.n_models, widths[0], len(outputs), most)
        self.width = widths[-1]
        used = torch.arange(most) < torch.tensor(outputs)[:, None]
        self.register_buffer("used", used.flatten().nonzero()[:, 0], persistent=False)
        task_of = torch.repeat_interleave(torch.arange(len(outputs)), torch.tensor(outputs))
        self.register_buffer("task_of", task_of, persistent=False)
        self.register_buffer("trust", torch.ones(len(outputs)), persistent=False)
        self.register_buffer("difference", torch.ones(spec.n_models, 1))

    def read_as(self, tasks: TaskSet) -> None:
        """Learn how many labels each task has."""
        share = (tasks.n_labels / max(1, self.width)) ** 3
        self.trust.copy_(torch.from_numpy(np.minimum(share, 1.0)))

    def start_at(self, raw: Sequence[NDArray[Any]]) -> None:
        """Let the common head and the offsets begin at these."""
        most = self.head.bias.shape[-1]
        of_models = [np.atleast_2d(row) for row in raw]
        # (n_models or 1, n_tasks, most)
        padded = np.stack(
            [np.pad(row, ((0, 0), (0, most - row.shape[1]))) for row in of_models], axis=1
        )
        center = padded.mean(axis=1, keepdims=True)
        self.head.bias.detach().copy_(torch.from_numpy(center))
        self.offsets.start.copy_(torch.from_numpy(padded - center))

    def start_at_lines(self, model: int, lines: Lines) -> None:
        """Let common head, offsets and slopes be these, and heads as different as slopes are."""
        self.head.bias.detach()[model, 0] = torch.from_numpy(lines.common)
        self.offsets.start[model] = torch.from_numpy(lines.offsets)
        self.lines.take(model, lines)
        self.difference[model] = lines.difference

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        x = self.trunk(X)
        common = self.head(x) + self.skip(X)
        lines = self.lines(X, task_index) + self.offsets(task_index)
        own = self.deviations(x, task_index)
        trust = self.trust * self.difference
        if task_index is not None:
            trust = trust.gather(1, task_index.clamp_min(0)).unsqueeze(-1)
            return common + lines + trust * own
        added = (common.unsqueeze(2) + lines).flatten(2).index_select(-1, self.used)
        return added + trust[:, None, self.task_of] * own


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
    """A number for each raw score of every task: (n_models, 1, n_tasks, n_outputs), or of rows.

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
            return offsets.unsqueeze(1)
        index = task_index.clamp_min(0).unsqueeze(-1).expand(-1, -1, offsets.shape[-1])
        return offsets.gather(1, index)
