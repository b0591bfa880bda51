"""Experts of all tasks and experts of each, level upon level."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from sklearn.utils._param_validation import Interval

from skmtl.neural.architectures._base import MultiTaskModule
from skmtl.neural.architectures._experts import Experts
from skmtl.neural.architectures._gates import GatedArchitecture, SoftmaxGate
from skmtl.neural.architectures._layers import FirstTaskLayer, NextTaskLayer
from skmtl.neural.architectures._levels import AllScores, Level, Levels
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.neural.architectures._stacked import OwnHeads, learning_tasks


class PLE(GatedArchitecture):
    r"""Progressive layered extraction: experts that all tasks share and experts of each [1]_.

    .. math::
        x_t^{l+1} = \sum_{e \in E_t \cup E_s} g_{te}^l(x_t^l) \, \phi_e^l, \qquad
        x_s^{l+1} = \sum_{e \in \cup_t E_t \cup E_s} g_{se}^l(x_s^l) \, \phi_e^l, \qquad
        f_t(x) = h_t(x_t^L)

    from :math:`x_t^0 = x_s^0 = x`: on each level l, experts :math:`E_t` of a task read what
    that task has found so far, the shared ones :math:`E_s` read :math:`x_s^l`; each task
    gates its own and the shared experts, and what the next level shares is gated from all of
    them, by a softmax. One level is customized gate control (CGC). One shared expert and none
    of the tasks' is `HardSharing`.

    The ``hidden_layer_sizes`` are dealt out to the levels: the depth is that of hard sharing.
    On more than one level all tasks read all experts in the end: a task that joins changes
    the others from the start, and long form computes all tasks on all levels but the last.

    Shared are the shared experts and, with more than one level, what the shared gates and
    they read: experts of tasks below the last level, gates of tasks below the last two.
    Heads, and the rest of the experts and gates, belong to tasks.

    Parameters
    ----------
    n_shared_experts, n_task_experts : int, default=1
        Number of experts on each level that the tasks share, and that each task has.
    n_levels : int, default=1
        Number of levels, at most one a hidden layer.
    gate : {"softmax", "dselect"}, default="softmax"
        Kind of the tasks' gates; `MMoE` has the formulas.
    k, gamma, entropy_weight : int, float, float, default=2, 1.0, 1e-3
        DSelect-k: as in `MMoE`.
    gate_dropout : float in [0, 1), default=0.0
        Probability that an expert is left out of a gate in a training step.

    References
    ----------
    .. [1] H. Tang, J. Liu, M. Zhao and X. Gong, "Progressive layered extraction (PLE): A novel
       multi-task learning (MTL) model for personalized recommendations", RecSys 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import PLE
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP((16,), architecture=PLE(n_shared_experts=2), max_iter=5, tol=0)
    >>> model.fit(X, y).n_iter_
    5
    """

    alias = "ple"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **GatedArchitecture._parameter_constraints,
        "n_shared_experts": [Interval(Integral, 0, None, closed="left")],
        "n_task_experts": [Interval(Integral, 0, None, closed="left")],
        "n_levels": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_shared_experts: int = 1,
        n_task_experts: int = 1,
        n_levels: int = 1,
        *,
        gate: str = "softmax",
        k: int = 2,
        gamma: float = 1.0,
        entropy_weight: float = 1e-3,
        gate_dropout: float = 0.0,
    ) -> None:
        self.n_shared_experts = n_shared_experts
        self.n_task_experts = n_task_experts
        self.n_levels = n_levels
        self.gate = gate
        self.k = k
        self.gamma = gamma
        self.entropy_weight = entropy_weight
        self.gate_dropout = gate_dropout

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make levels of experts and gates, and heads; see `Architecture.build`."""
        self._validate_params()
        if not self.n_shared_experts + self.n_task_experts:
            raise ValueError("n_shared_experts=0 and n_task_experts=0: PLE needs an expert.")
        # The experts of a constant task would reach the others through the shared gates.
        tasks = learning_tasks(spec.outputs_per_task)
        layers = self._deal(tuple(spec.hidden_layer_sizes))
        inputs = spec.widths[:1] + [sizes[-1] for sizes in layers[:-1]]
        levels = [
            self._level(
                spec.n_models,
                tasks,
                [n_inputs, *sizes],
                spec.style,
                is_first=i == 0,
                is_last=i == len(layers) - 1,
            )
            for i, (n_inputs, sizes) in enumerate(zip(inputs, layers, strict=True))
        ]
        outputs = [spec.outputs_per_task[t] for t in tasks]
        sizes = [[*inputs, *layers[-1]][-1], *spec.head_hidden_layer_sizes]
        heads = OwnHeads(spec.n_models, sizes, outputs, *spec.style, tasks)
        return Levels(levels, heads)

    def _deal(self, sizes: tuple[int, ...]) -> list[list[int]]:
        """The hidden layers of each level."""
        if self.n_levels > max(1, len(sizes)):
            raise ValueError(
                f"n_levels={self.n_levels}: PLE needs a hidden layer for each level, and "
                f"hidden_layer_sizes={sizes} has {len(sizes)}."
            )
        parts = np.array_split(np.array(sizes, dtype=int), self.n_levels)
        return [part.tolist() for part in parts]

    def _level(
        self,
        n_models: int,
        tasks: Sequence[int],
        widths: Sequence[int],
        style: tuple[str, float, str | None],
        *,
        is_first: bool,
        is_last: bool,
    ) -> Level:
        n_shared, n_each, n_inputs = self.n_shared_experts, self.n_task_experts, widths[0]
        owners = [t for t in tasks for _ in range(n_each)]
        # On the first level all tasks read the same: one product for all their gates.
        layer = FirstTaskLayer if is_first else NextTaskLayer
        shared_gate = None
        if n_shared and not is_last and n_shared + n_each > 1:
            shared_gate = SoftmaxGate(
                lambda _: AllScores(n_models, n_inputs, tasks, n_each, n_shared),
                n_shared + len(owners),
                self.gate_dropout,
            )
        return Level(
            Experts(n_models, n_shared, widths, *style) if n_shared else None,
            Experts(n_models, owners, widths, *style) if owners else None,
            n_each,
            self._make_gate(
                lambda n_scores: layer(n_models, n_inputs, [n_scores] * len(tasks), tasks),
                n_shared + n_each,
            ),
            shared_gate,
        )
