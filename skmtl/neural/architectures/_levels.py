"""Levels of experts: those of all tasks, those of each, and gates in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from skmtl.neural.architectures._experts import Experts, mix
from skmtl.neural.architectures._gates import Gate, GatedModule
from skmtl.neural.architectures._layers import FirstTaskLayer, SharedLayer
from skmtl.neural.architectures._rows_by_task import RowsByTask
from skmtl.neural.architectures._stacked import OwnHeads


class Level(nn.Module):
    """Experts, and what the tasks and the next level take from them.

    Parameters
    ----------
    shared, own : Experts or None
        Experts of all tasks, and those of each side by side; either may be missing.
    n_each : int
        Number of experts of each task.
    gate : Gate
        Weighs, for each task, its own experts and then the shared ones.
    shared_gate : Gate or None
        Weighs all experts for the next level; None on the last, or for a single expert.
    """

    def __init__(
        self,
        shared: Experts | None,
        own: Experts | None,
        n_each: int,
        gate: Gate,
        shared_gate: Gate | None,
    ) -> None:
        super().__init__()
        self.shared = shared
        self.own = own
        self.n_each = n_each
        self.gate = gate
        self.shared_gate = shared_gate

    def forward(
        self, read: Tensor, shared: Tensor, task_index: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """What each task finds (n_models, n_readers, n, width), and what all do.

        Tasks ``read`` one representation (n_models, n, width) or, wide and not on the first
        level, each its own (n_models, n_tasks, n, width).
        """
        weights = self.gate(read if read.dim() == 3 else read.transpose(1, 2), task_index)
        experts, parts = [], []
        if self.own is not None:
            found = self._ask_own(self.own, read, task_index)
            experts.append(found.flatten(1, 2))
            by_reader = weights[..., : self.n_each].permute(0, 2, 3, 1).unsqueeze(-1)
            parts.append((by_reader * found).sum(2))
        if self.shared is not None:
            experts.append(self.shared(shared))
            parts.append(mix(weights[..., self.n_each :], experts[-1]))
        mixed = parts[0] if len(parts) == 1 else parts[0] + parts[1]
        if self.shared_gate is None:
            return mixed, experts[-1][:, 0]
        return mixed, mix(self.shared_gate(shared), torch.cat(experts, 1))[:, 0]

    def _ask_own(self, own: Experts, read: Tensor, task_index: Tensor | None) -> Tensor:
        """Outputs (n_models, n_readers, n_each, n, width) of the tasks' experts."""
        if task_index is None:
            x = read if read.dim() == 3 else read.repeat_interleave(self.n_each, 1)
            return own(x).unflatten(1, (-1, self.n_each))
        members = torch.arange(self.n_each, device=read.device)[:, None]
        index = self.n_each * task_index.unsqueeze(1) + members
        rows = RowsByTask(index.flatten(1), own.n_experts)
        return own(read.repeat(1, self.n_each, 1), rows).unflatten(1, (1, self.n_each, -1))


class Levels(GatedModule):
    """Level upon level, then heads."""

    def __init__(self, levels: Sequence[Level], heads: OwnHeads) -> None:
        super().__init__()
        # Before the gates, so that they start as those of hard sharing do.
        self.heads = heads
        self.levels = nn.ModuleList(levels)

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        read = shared = X
        for level in self.levels[:-1]:
            read, shared = level(read, shared)
        if task_index is not None and read.dim() == 4:
            rows = task_index[:, None, :, None].expand(-1, 1, -1, read.shape[-1])
            read = read.gather(1, rows)[:, 0]
        read, _ = self.levels[-1](read, shared, task_index)
        raw: Tensor = self.heads(read if task_index is None else read[:, 0], task_index)
        return raw

    def shared_parameters(self) -> list[nn.Parameter]:
        """Those of the shared experts, and of all that they read."""
        levels: list[Any] = list(self.levels)
        if levels[0].shared is None:
            return []
        read = [level.shared for level in levels]
        read += [part for level in levels[:-1] for part in (level.own, level.shared_gate)]
        if levels[0].own is not None:
            read += [level.gate for level in levels[:-2]]
        return [p for part in read if part is not None for p in part.parameters()]

    def last_shared_parameters(self) -> list[nn.Parameter]:
        last: Any = self.levels[-1]
        layers = [] if last.shared is None else list(last.shared.layers)
        return list(layers[-1].parameters()) if layers else []


class AllScores(nn.Module):
    """Affine scores of all experts: those of the tasks in their order, then the shared."""

    def __init__(
        self, n_models: int, n_inputs: int, tasks: Sequence[int], n_each: int, n_shared: int
    ) -> None:
        super().__init__()
        # Each drawn from its task's name, so that the order of the tasks plays no part.
        widths = [n_each] * len(tasks)
        self.own = FirstTaskLayer(n_models, n_inputs, widths, tasks) if n_each else None
        self.shared = SharedLayer(n_models, n_inputs, n_shared)

    def forward(self, x: Tensor) -> Tensor:
        scores: Tensor = self.shared(x)
        return scores if self.own is None else torch.cat([self.own(x), scores], -1)
