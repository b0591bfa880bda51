"""Everything that changes while a network trains."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from skmtl.neural._data import Batch
from skmtl.neural._ranks import Ranks
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.architectures._units import Draws
from skmtl.neural.networks._network import get_state, on_device, set_state
from skmtl.neural.optimizers import Optimizer, Wrapped
from skmtl.neural.training._model_rows import ModelRows
from skmtl.neural.training._progress import Progress
from skmtl.neural.training._step import Step


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
        Losses so far, and the parameters to keep.
    rngs : list of numpy.random.Generator
        One per model: the order of its batches.
    probe : callable, default=None
        Is called with the run and a batch before each step; changes nothing.
    model_rows : ModelRows, default=None
        The training rows of each model, where they differ.
    ranks : Ranks, default=None
        The processes that share the fit, where there are several.
    """

    module: MultiTaskModule
    step: Step
    optimizer: Optimizer | Wrapped
    progress: Progress
    rngs: list[np.random.Generator]
    probe: Callable[[Run, Batch], None] | None = None
    model_rows: ModelRows | None = None
    ranks: Ranks | None = None

    def state(self) -> dict[str, Any]:
        """A copy of the state, on the CPU."""
        state: dict[str, Any] = on_device(
            {
                "module": get_state(self.module),
                "noise": [part.place for part in self._drawing()],
                "balancing": self.step.balancing,
                "weights": (self.step.n_steps, self.step.kept),
                "optimizer": self.optimizer.state(),
                "progress": self.progress.state(),
                "rngs": self.rngs,
            },
            "cpu",
        )
        return state

    def load(self, state: dict[str, Any]) -> None:
        """Be at the point where `state` was taken from a run with the same parameters."""
        device = next(self.module.parameters()).device
        set_state(self.module, state["module"])
        for part, place in zip(self._drawing(), state["noise"], strict=True):
            part.place = place
        self.step.balancing = on_device(state["balancing"], device)
        self.step.n_steps, self.step.kept = on_device(state["weights"], device)
        self.optimizer.load(state["optimizer"])
        self.progress.load(on_device(state["progress"], device))
        self.rngs = copy.deepcopy(state["rngs"])

    def _drawing(self) -> list[Draws]:
        return [part for part in self.module.modules() if isinstance(part, Draws)]
