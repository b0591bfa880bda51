"""Networks as a stranger would write them: layers of torch, and no word about models or seeds."""

import torch
from torch import nn

from skmtl.neural.architectures import Architecture, MultiTaskModule


def network(n_features, outputs_per_task):
    """A trunk, and the heads of all tasks in one layer."""
    return nn.Sequential(
        nn.Linear(n_features, 8), nn.Tanh(), nn.Linear(8, 6), nn.ReLU(),
        nn.Linear(6, sum(outputs_per_task)),
    )  # fmt: skip


class Towers(nn.Module):
    """A trunk with normalisation and noise, and a head of two layers for each task."""

    def __init__(self, n_features, outputs_per_task):
        super().__init__()
        self.heads = nn.ModuleList(
            nn.Sequential(nn.Linear(8, 4), nn.Tanh(), nn.Linear(4, n_outputs))
            for n_outputs in outputs_per_task
        )
        self.trunk = nn.Sequential(
            nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.2)
        )

    def forward(self, x):
        x = self.trunk(x)
        return torch.cat([head(x) for head in self.heads], dim=-1)


class PlainModule(MultiTaskModule):
    """A module of the public base class, which draws from torch's generator as it is made."""

    def __init__(self, n_features, outputs_per_task):
        super().__init__()
        self.trunk = nn.Linear(n_features, 8)
        self.heads = nn.Linear(8, sum(outputs_per_task))
        self.n_tasks = len(outputs_per_task)

    def forward(self, X, task_index=None):
        raw = self.heads(self.trunk(X).tanh())
        if task_index is None:
            return raw
        by_task = raw.unflatten(-1, (self.n_tasks, -1))
        rows = task_index[..., None, None].expand(-1, -1, 1, by_task.shape[-1])
        return by_task.gather(2, rows).squeeze(2)


class Plain(Architecture):
    """The architecture of that module."""

    alias = "plain"

    def build(self, spec):
        return PlainModule(spec.n_features, spec.outputs_per_task)
