"""Everything that changes while a network trains."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch

from skmtl.neural.architectures._base import MultiTaskModule
from skmtl.neural.architectures._layers import Dropout
from skmtl.neural.gradients._probe import Probe
from skmtl.neural.gradients._step import Step
from skmtl.neural.optimizers import Optimizer, Wrapped
from skmtl.neural.training._network import get_state, set_state
from skmtl.neural.training._progress import Progress
from skmtl.neural.training._to_device import on_device


@dataclass
class Run:
    """What `train` works on. Between two epochs its state is all that the next ones depend on.

    Parameters
    ----------
    module : MultiTaskModule
        The networks.
    step : Step
        Gradients of a batch, and the balancing method.
    optimizer : Optimizer or Wrapped
        Moves the parameters.
    progress : Progress
        Keeps the books.
    rngs : list of numpy.random.Generator
        One a model: the order of its batches.
    probe : Probe, default=None
        Is called with the run and a batch before each step; changes nothing.
    """

    module: MultiTaskModule
    step: Step
    optimizer: Optimizer | Wrapped
    progress: Progress
    rngs: list[np.random.Generator]
    probe: Probe | None = None

    def state(self):
        """A copy of the state, on the CPU."""
        return on_device(
            {
                "module": get_state(self.module),
                "noise": [generator.get_state() for generator in self._generators()],
                "balancing": self.step.balancing,
                "weights": (self.step.n_steps, self.step.kept),
                "optimizer": self.optimizer.state(),
                "progress": self.progress.state(),
                "rngs": self.rngs,
            },
            "cpu",
        )

    def load(self, state):
        """Be at the point where `state` was taken from a run with the same parameters."""
        device = next(self.module.parameters()).device
        set_state(self.module, state["module"])
        for generator, noise in zip(self._generators(), state["noise"], strict=True):
            generator.set_state(noise)
        self.step.balancing = on_device(state["balancing"], device)
        self.step.n_steps, self.step.kept = on_device(state["weights"], device)
        self.optimizer.load(state["optimizer"])
        self.progress.load(on_device(state["progress"], device))
        self.rngs = copy.deepcopy(state["rngs"])

    def _generators(self) -> list[torch.Generator]:
        layers = [layer for layer in self.module.modules() if isinstance(layer, Dropout)]
        return [generator for layer in layers for generator in layer.generators]
