"""Tasks in a hierarchy: each may read the outputs of others, and a layer of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule
from skmtl.neural.architectures._cross_stitch import rows_of_task
from skmtl.neural.architectures._hard_sharing import Heads, Trunk
from skmtl.neural.architectures._hierarchy import (
    Stage,
    layers_by_task,
    parents_by_task,
    reached_by,
    read_layers,
    read_parents,
    some_layers,
    some_parents,
    stages,
)
from skmtl.neural.architectures._spec import NetworkSpec


class Cascade(Architecture):
    r"""Tasks in a hierarchy: a task reads a layer of the trunk and what its parents predict.

    .. math:: f_t(x) = h_t\big([u^{l(t)}(x); f_{p_1}(x); f_{p_2}(x); \ldots]\big)

    with the layers :math:`u^l` of a trunk of ``hidden_layer_sizes``, the raw outputs of the
    parents :math:`p_i` of task t (logits; regression in standardised units), and heads
    :math:`h_t`. Simple tasks that are supervised at lower layers help those above [1]_; tasks
    that depend on others by nature read what those predict [2]_. Without parents and
    layers it is `HardSharing`.

    Shared are the layers that more than one task depends on and, unless ``detach``, the heads
    of parents, which learn from the losses of their children as well. Layers above the
    highest that is read are left out. In long form a row computes the head of its own task
    and of all tasks that are parents.

    Parameters
    ----------
    parents : dict or array-like of shape (n_tasks, n_tasks), default=None
        The tasks that each task reads: ``{2: [0, 1]}``, or a matrix whose entry (t, s) is not
        zero where t reads s. In a dict tasks are names or, where not all are names, numbers in
        the order of ``task_names_in_``; a DataFrame is matched by the names.
    layers : dict or array-like of shape (n_tasks,), default=None
        The hidden layer that each task reads, from 1; 0 are the features. The last one for
        tasks that a dict, by name or number, leaves out.
    detach : bool, default=False
        Whether parents are left in peace: no gradient flows through their outputs.

    References
    ----------
    .. [1] A. Søgaard and Y. Goldberg, "Deep multi-task learning with low level tasks
       supervised at lower layers", ACL 2016.
    .. [2] K. Hashimoto, C. Xiong, Y. Tsuruoka and R. Socher, "A joint many-task model: Growing
       a neural network for multiple NLP tasks", EMNLP 2017.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import Cascade
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> clicks = X[:, 0] > X[:, 1]
    >>> y = np.column_stack([clicks, clicks & (X[:, 2] > 0)])
    >>> cascade = Cascade(parents={1: [0]}, layers={0: 1})
    >>> model = MultiTaskMLP((16, 8), architecture=cascade, max_iter=5, tol=0)
    >>> model.fit(X, y).n_iter_
    5
    """

    alias = "cascade"
    has_model_dimension = True
    per_task: ClassVar[dict[str, Any]] = {"parents": parents_by_task, "layers": layers_by_task}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "parents": [dict, "array-like", None],
        "layers": [dict, "array-like", None],
        "detach": ["boolean"],
    }

    def __init__(self, parents: Any = None, *, layers: Any = None, detach: bool = False) -> None:
        self.parents = parents
        self.layers = layers
        self.detach = detach

    def for_tasks(self, members: NDArray[Any], n_tasks: int) -> Cascade:
        """The hierarchy of some of the tasks; the others are read by none.

        Parameters
        ----------
        members : ndarray of int
            Positions of the tasks that are left.
        n_tasks : int
            Number of tasks before.

        Returns
        -------
        architecture : Cascade
            With the parents and layers of these tasks.
        """
        parents, layers = self.parents, self.layers
        if parents is not None:
            parents = some_parents(read_parents(parents, n_tasks), members)
        if layers is not None:
            layers = some_layers(layers, members, n_tasks)
        return Cascade(parents, layers=layers, detach=self.detach)

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make a trunk, and heads in their order; see `Architecture.build`."""
        self._validate_params()
        n_tasks = spec.n_tasks
        parents = read_parents(self.parents, n_tasks)
        layers = read_layers(self.layers, n_tasks, len(spec.hidden_layer_sizes))
        widths = spec.widths[: max(layers) + 1]
        plan = stages(parents, layers)
        heads = [
            Heads(
                spec.n_models,
                widths[stage.layer] + sum(spec.outputs_per_task[t] for t in stage.parents),
                [spec.outputs_per_task[t] for t in stage.tasks],
                spec.head_hidden_layer_sizes,
                *spec.style,
                stage.tasks,
            )
            for stage in plan
        ]
        trunk = Trunk(spec.n_models, widths, *spec.style)
        reached = reached_by(parents, self.detach)
        return CascadedHeads(trunk, heads, plan, spec.outputs_per_task, reached, self.detach)


class CascadedHeads(MultiTaskModule):
    """A trunk, and heads for each of the `stages`; ``reached`` is that of `reached_by`."""

    columns: Tensor | None
    stage_of: Tensor
    place_of: Tensor

    def __init__(
        self,
        trunk: Trunk,
        heads: Sequence[Heads],
        plan: Sequence[Stage],
        outputs: Sequence[int],
        reached: Sequence[set[int]],
        detach: bool,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleList(heads)
        self.plan = plan
        self.outputs = outputs
        self.reached = reached
        self.detach = detach
        places = {t: (i, j) for i, stage in enumerate(plan) for j, t in enumerate(stage.tasks)}
        where = torch.tensor([places[t] for t in range(len(places))])
        self.register_buffer("stage_of", where[:, 0], persistent=False)
        self.register_buffer("place_of", where[:, 1], persistent=False)
        owners = [t for stage in plan for t in stage.tasks for _ in range(outputs[t])]
        columns = None if owners == sorted(owners) else torch.tensor(owners).argsort(stable=True)
        self.register_buffer("columns", columns, persistent=False)

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        layers = self._layers(X)
        outputs: dict[int, Tensor] = {}
        wide, long = [], None
        for i, (stage, heads) in enumerate(zip(self.plan, self.heads, strict=True)):
            x = _joined([layers[stage.layer], *(outputs[t] for t in stage.parents)])
            if stage.is_read or task_index is None:
                wide.append(heads(x))
            if stage.is_read:
                raw = wide[-1].detach() if self.detach else wide[-1]
                sizes = [self.outputs[t] for t in stage.tasks]
                outputs.update(zip(stage.tasks, raw.split(sizes, -1), strict=True))
            if task_index is not None:
                is_here = self.stage_of[task_index] == i
                place = torch.where(is_here, self.place_of[task_index], -1)
                raw = _picked(wide[-1], place, heads) if stage.is_read else heads(x, place)
                long = raw if long is None else torch.where(is_here.unsqueeze(-1), raw, long)
        if long is not None:
            return long
        raw = _joined(wide)
        return raw if self.columns is None else raw.index_select(-1, self.columns)

    def read_by_heads(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        """The last layer of the trunk, without what tasks take from other tasks."""
        return self._layers(X)[-1].unsqueeze(2)

    def _layers(self, X: Tensor) -> list[Tensor]:
        found = [X]
        for layer in self.trunk.layers:
            found.append(self.trunk.dropout(self.trunk.activation(layer(found[-1]))))
        return found

    def shared_parameters(self) -> list[nn.Parameter]:
        """Those of layers and heads that the losses of more than one task depend on."""
        pairs = zip(self.plan, self.heads, strict=True)
        parents = [heads for stage, heads in pairs if len(self.reached[stage.tasks[0]]) > 1]
        return [p for module in self._shared_layers() + parents for p in module.parameters()]

    def last_shared_parameters(self) -> list[nn.Parameter]:
        layers = self._shared_layers()
        return list(layers[-1].parameters()) if layers else []

    def _shared_layers(self) -> list[nn.Module]:
        found = []
        for number, layer in enumerate(self.trunk.layers, start=1):
            above = [t for stage in self.plan if stage.layer >= number for t in stage.tasks]
            reached = set().union(*(self.reached[t] for t in above))
            # The trunk of a single task counts as shared, as in hard sharing.
            if len(reached) > 1 or len(self.reached) == 1:
                found.append(layer)
        return found


def _picked(wide: Tensor, place: Tensor, heads: Any) -> Tensor:
    """Of the scores of all heads those of one head per row; any for place -1."""
    by_head = wide.unflatten(-1, (heads.n_tasks, -1)).transpose(1, 2)
    return rows_of_task(by_head, place.clamp_min(0))


def _joined(parts: list[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(parts, -1)
