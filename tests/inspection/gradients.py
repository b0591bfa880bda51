"""Gradients of the tasks during a fit, taken by hand from a copy of the network."""

import copy

import numpy as np
import torch

from skmtl.inspection._gradients import train_with
from skmtl.neural.training._probe import Probe


class Recorder(Probe):
    """Keeps a copy of the network, and the batch, at every step."""

    def __init__(self):
        super().__init__(1)
        self.seen = []

    def measure(self, run, batch, observed):
        rate = getattr(run.optimizer, "learning_rate", np.nan)
        self.seen.append((copy.deepcopy(run.module), run.step.objective, batch, observed, rate))


def record(estimator, X, y, **options):
    """(module, objective, batch, observed, learning rate) of every step of a fit."""
    recorder = Recorder()
    train_with(recorder, estimator, X, y, **options)
    return recorder.seen


def losses(module, objective, batch):
    return objective(module(batch.X, batch.task_index), batch)[0]


def task_gradients(module, objective, batch, parameters):
    """Gradient of every task's loss, one line per task; zero where there is none."""
    found = []
    for loss in losses(module, objective, batch):
        gradients = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
        found.append(
            torch.cat(
                [
                    (torch.zeros_like(p) if g is None else g).flatten()
                    for p, g in zip(parameters, gradients, strict=True)
                ]
            )
        )
    return torch.stack(found)


def cosines(step, *, space="shared"):
    """Cosines of one step's gradients, NaN for tasks without labels."""
    module, objective, batch, observed, _ = step
    module.eval()
    parameters = {
        "shared": module.shared_parameters,
        "last_shared": module.last_shared_parameters,
    }[space]()
    J = task_gradients(module, objective, batch, parameters).numpy()
    J = np.where(observed[:, None], J, np.nan)
    J /= np.linalg.norm(J, axis=1, keepdims=True)
    return J @ J.T


def look_ahead(step):
    """Z of one step: a deep copy takes each task's step."""
    module, objective, batch, observed, rate = step
    module.eval()
    before = losses(module, objective, batch).detach().numpy()
    J = task_gradients(module, objective, batch, module.shared_parameters())
    Z = np.full((len(before), len(before)), np.nan)
    for i in np.flatnonzero(observed):
        moved = copy.deepcopy(module)
        with torch.no_grad():
            sizes = [p.numel() for p in moved.shared_parameters()]
            parts = J[i].split(sizes)
            for parameter, part in zip(moved.shared_parameters(), parts, strict=True):
                parameter -= rate * part.view_as(parameter)
        after = losses(moved, objective, batch).detach().numpy()
        Z[i, observed] = 1 - after[observed] / before[observed]
    return Z
