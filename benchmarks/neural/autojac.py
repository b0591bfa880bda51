"""A step of torchjd's autojac on the same network, with the list of heads that it needs."""

import time
from importlib.util import find_spec
from itertools import pairwise

import numpy as np

from benchmarks.neural.problems import ALPHA, LEARNING_RATE, N_FEATURES

# Alias in skmtl, and the aggregator there.
AGGREGATORS = {
    "aligned_mtl": "AlignedMTL",
    "cagrad": "CAGrad",
    "config": "ConFIG",
    "dualproj": "DualProj",
    "excess_mtl": "ExcessMTL",
    "fairgrad": "FairGrad",
    "graddrop": "GradDrop",
    "gradvac": "GradVac",
    "imtl_g": "IMTLG",
    "mgda": "MGDA",
    "nash_mtl": "NashMTL",
    "pcgrad": "PCGrad",
    "upgrad": "UPGrad",
}


def is_installed():
    return find_spec("torchjd") is not None


def aggregator(alias, n_tasks):
    """The aggregator with its defaults."""
    import torchjd.aggregation

    # Where it has no default: that of skmtl.
    given = {"nash_mtl": {"n_tasks": n_tasks}, "cagrad": {"c": 0.5}, "fairgrad": {"alpha": 1.0}}
    return getattr(torchjd.aggregation, AGGREGATORS[alias])(**given.get(alias, {}))


def microseconds(setting, X, Y, aggregate, *, seed, limit):
    """Median over epochs but the first; ``aggregate`` None: the sum of the losses.

    An epoch that passes the limit is not completed: the steps so far are its mean.
    """
    network = Network(setting, X, Y, seed)
    found, spent = [], 0.0
    for epoch in range(setting.epochs):
        start, n_steps = time.process_time(), 0
        for rows in network.batches():
            network.step(rows, aggregate)
            n_steps += 1
            if spent + time.process_time() - start > limit:
                break
        seconds = time.process_time() - start
        spent += seconds
        if epoch or spent > limit:
            found.append(1e6 * seconds / n_steps)
        if spent > limit:
            break
    return float(np.median(found))


class Network:
    """Trunk, heads, Adam, and rows in memory."""

    def __init__(self, setting, X, Y, seed):
        import torch

        torch.manual_seed(seed)
        self.X, self.Y, self.setting = torch.from_numpy(X), torch.from_numpy(Y), setting
        widths = [N_FEATURES, *setting.hidden]
        layers = []
        for n_inputs, n_units in pairwise(widths):
            layers += [torch.nn.Linear(n_inputs, n_units), torch.nn.ReLU()]
        self.trunk = torch.nn.Sequential(*layers)
        self.heads = torch.nn.ModuleList(torch.nn.Linear(widths[-1], 1) for _ in range(Y.shape[1]))
        self.shared = list(self.trunk.parameters())
        self.optimizer = torch.optim.Adam(
            [*self.shared, *self.heads.parameters()], lr=LEARNING_RATE, weight_decay=ALPHA
        )

    def batches(self):
        """Indices of the rows of an epoch, shuffled."""
        import torch

        return torch.randperm(len(self.X)).split(self.setting.batch_size)

    def step(self, rows, aggregate):
        """Forward, backward, update."""
        from torchjd.autojac import jac_to_grad, mtl_backward

        x, y = self.X[rows], self.Y[rows]
        self.optimizer.zero_grad()
        z = self.trunk(x)
        losses = [((head(z)[:, 0] - y[:, t]) ** 2).mean() for t, head in enumerate(self.heads)]
        if aggregate is None:
            sum(losses).backward()
        else:
            mtl_backward(losses, features=z)
            jac_to_grad(self.shared, aggregate)
        self.optimizer.step()
