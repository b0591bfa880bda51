"""Everything that changes while a network trains, and how it begins."""

from __future__ import annotations

import copy
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skmtl._warnings import warn
from skmtl.neural._data import Batch, Rows
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.architectures._layers import Dropout
from skmtl.neural.balancing import Balancing, BalancingInfo
from skmtl.neural.networks._network import get_state, on_device, set_state, task_keys
from skmtl.neural.networks._tasks import to_all_tasks
from skmtl.neural.optimizers import OPTIMIZERS, Clipped, Optimizer, Wrapped
from skmtl.neural.optimizers._schedules import scheduled
from skmtl.neural.training._compare import is_same
from skmtl.neural.training._model_rows import ModelRows
from skmtl.neural.training._progress import Progress
from skmtl.neural.training._setup import BALANCING, Fit
from skmtl.neural.training._step import Step
from skmtl.neural.training._validation import Monitor, read_monitor

Array = NDArray[Any]


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
    """

    module: MultiTaskModule
    step: Step
    optimizer: Optimizer | Wrapped
    progress: Progress
    rngs: list[np.random.Generator]
    probe: Callable[[Run, Batch], None] | None = None
    model_rows: ModelRows | None = None

    def state(self) -> dict[str, Any]:
        """A copy of the state, on the CPU."""
        state: dict[str, Any] = on_device(
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
        return state

    def load(self, state: dict[str, Any]) -> None:
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


def start(
    fit: Fit,
    module: MultiTaskModule,
    rows: Rows,
    rngs: list[np.random.Generator],
    *,
    max_iter: int,
    monitor: Hashable,
    constant: Array,
    judged: Rows | None = None,
    model_rows: ModelRows | None = None,
    learnt: dict[str, Any] | None = None,
) -> Run:
    """The run of a fit, before its first epoch.

    Parameters
    ----------
    fit : Fit
        Data and parameters.
    module : MultiTaskModule
        The networks.
    rows : Rows
        Training data.
    rngs : list of numpy.random.Generator
        One per model: the order of the rows.
    max_iter : int
        Epochs at most.
    monitor : "mean", "worst" or name of a task
        The loss that decides on stopping.
    constant : ndarray of shape (n_tasks,)
        Losses of predictions that need no network.
    judged : Rows, default=None
        The rows it is taken from; by default those of training.
    model_rows : ModelRows, default=None
        The training rows of each model, where they differ.
    learnt : dict, default=None
        What `learnt` found at the end of an earlier pass.
    """
    learnt = learnt or {}
    omega = torch.from_numpy(fit.task_weight).to(rows.values)
    n_models = len(rngs)
    balancing = _balancing(fit, n_models, learnt.get("balancing"))
    if not learnt:
        _warn_of_nothing_to_balance(fit, module, balancing)
    n_steps = max_iter * fit.steps_of_an_epoch(model_rows or rows)
    optimizer = _optimizer(fit.estimator, module, n_models, n_steps)
    if learnt.get("solver") == fit.estimator.solver:
        optimizer.load(learnt["optimizer"])
    return Run(
        module,
        Step(module, fit.objective, balancing, omega),
        optimizer,
        _progress(fit, module, n_models, rows if judged is None else judged, monitor, constant),
        rngs,
        model_rows=model_rows,
    )


def learnt(fit: Fit, run: Run) -> dict[str, Any]:
    """What a run leaves to the next pass beside the network."""
    return {
        "balancing": run.step.balancing,
        "solver": fit.estimator.solver,
        "optimizer": run.optimizer.state(),
    }


def _balancing(fit: Fit, n_models: int, before: Balancing | None) -> Balancing:
    """How tasks are weighed; a method that an earlier pass has started goes on."""
    method: Balancing = fit.setting("balancing")
    if before is not None and is_same(before, method):
        # A copy, for this pass may fail.
        again: Balancing = on_device(before, fit.device)
        return again
    names = fit.tasks.names
    types = [task.alias for task in fit.tasks.tasks]
    seeds = fit.rng(BALANCING).integers(2**62, size=n_models).tolist()
    types = types * len(names) if fit.tasks.is_long else types
    method.start(BalancingInfo(seeds, task_keys(names), types))
    return method


def _warn_of_nothing_to_balance(fit: Fit, module: MultiTaskModule, balancing: Balancing) -> None:
    """A method that weighs what tasks share needs some of that."""
    if balancing.is_constant or fit.objective.is_empty or module.shared_parameters():
        return
    estimator = fit.estimator
    warn(
        f"The tasks share no parameters with architecture={estimator.architecture!r} and "
        f"hidden_layer_sizes={estimator.hidden_layer_sizes!r}, so that "
        f"balancing={estimator.balancing!r} has nothing to balance: the fit is that of "
        "balancing='equal'. A module of your own can name what is shared: shared_parameters(), or "
        "Custom(factory, shared=...)."
    )


def _optimizer(
    estimator: Any, module: MultiTaskModule, n_models: int, n_steps: int
) -> Optimizer | Wrapped:
    """What moves the parameters, in so many steps at most."""
    options = {"learning_rate": estimator.learning_rate_init, "alpha": estimator.alpha}
    if estimator.solver == "sgd":
        options["momentum"] = estimator.momentum
        options["nesterov"] = estimator.nesterovs_momentum
    optimizer = scheduled(
        OPTIMIZERS[estimator.solver](module, **options),
        estimator.learning_rate,
        n_models=n_models,
        n_steps=n_steps,
        n_iter_no_change=estimator.n_iter_no_change,
    )
    if estimator.max_grad_norm is None:
        return optimizer
    return Clipped(optimizer, estimator.max_grad_norm)


def _progress(
    fit: Fit,
    module: MultiTaskModule,
    n_models: int,
    judged: Rows,
    monitor: Hashable,
    constant: Array,
) -> Progress:
    """The progress, where the losses of the rows ``judged`` decide."""
    estimator = fit.estimator
    can_judge = judged.task_has_label & (np.array(fit.description["outputs_per_task"]) > 0)
    counts = fit.task_weight * can_judge
    if not counts.any():
        counts = judged.task_has_label.astype(float)
    return Progress(
        module,
        n_models,
        counts,
        tol=estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        monitor=_monitor(fit, monitor, counts, can_judge),
        constant=constant,
    )


def _monitor(fit: Fit, monitor: Hashable, counts: Array, can_judge: Array) -> Monitor:
    """The loss that decides; a task that is not in the network has nothing to judge by."""
    names = fit.given.tasks.names
    counts, can_judge = (
        to_all_tasks(array, fit.network_tasks, len(names), 0.0)
        for array in (counts, can_judge.astype(float))
    )
    where = "among the rows held out" if fit.estimator.early_stopping else "in y"
    found = read_monitor(monitor, names, counts, can_judge > 0, rows=where)
    if fit.network_tasks is None:
        return found
    return replace(found, counts=found.counts[fit.network_tasks])
