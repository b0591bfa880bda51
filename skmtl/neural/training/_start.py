"""How the training of a network begins."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skmtl._same import is_same
from skmtl._warnings import warn
from skmtl.neural._data import Rows
from skmtl.neural._ranks import ranks_now
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.balancing import Balancing, BalancingInfo
from skmtl.neural.networks._network import on_device, task_keys
from skmtl.neural.networks._tasks import to_all_tasks
from skmtl.neural.optimizers import OPTIMIZERS, Clipped, Optimizer, Wrapped
from skmtl.neural.optimizers._schedules import PLANNED, scheduled
from skmtl.neural.training._agree import agree
from skmtl.neural.training._model_rows import ModelRows
from skmtl.neural.training._progress import Progress
from skmtl.neural.training._run import Run
from skmtl.neural.training._setup import ALONE, BALANCING, BATCHES, Fit, Member
from skmtl.neural.training._step import Step
from skmtl.neural.training._validation import Monitor, read_monitor

Array = NDArray[Any]


def start(
    fit: Fit,
    module: MultiTaskModule,
    rows: Rows,
    members: Sequence[Member] = ALONE,
    *,
    max_iter: int | None,
    monitor: Hashable,
    constant: Array,
    judged: Rows | None = None,
    model_rows: ModelRows | None = None,
    fits: Sequence[Fit] | None = None,
    learnt: dict[str, Any] | None = None,
    n_rows: int | None = None,
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
    members : sequence of tuple of int
        One per model: what it draws from.
    max_iter : int or None
        Epochs at most. None for one pass of many, whose learning rate is constant, for there is
        no end that it could be planned to.
    monitor : "mean", "worst" or name of a task
        The loss that decides on stopping.
    constant : ndarray of shape (n_tasks,)
        Losses of predictions that need no network.
    judged : Rows, default=None
        The rows it is taken from; by default those of training.
    model_rows : ModelRows, default=None
        The training rows of each model, where they differ.
    fits : sequence of Fit, default=None
        One per model, where learning rates, alphas or seeds differ.
    learnt : dict, default=None
        What `learnt` found at the end of an earlier pass.
    n_rows : int, default=None
        Number of rows so far, those of earlier passes included.
    """
    learnt = learnt or {}
    fits = [fit] * len(members) if fits is None else fits
    omega = torch.from_numpy(fit.task_weight).to(rows.values)
    balancing = _balancing(fits, members, learnt.get("balancing"))
    if not learnt:
        _warn_of_nothing_to_balance(fit, module, balancing)
    trained = model_rows or rows
    optimizer = _optimizer(
        fits,
        module,
        n_rows=n_rows or trained.n_rows,
        batch_size=fit.batch_size(trained),
        n_steps=None if max_iter is None else max_iter * fit.steps_of_an_epoch(trained),
    )
    if learnt.get("solver") == fit.estimator.solver:
        optimizer.load(learnt["optimizer"])
    ranks = ranks_now()
    if ranks is not None:
        agree(ranks, fits, module, members, trained, max_iter)
    return Run(
        module,
        Step(module, fit.objective, balancing, omega, ranks),
        optimizer,
        _progress(fit, module, len(members), judged or rows, monitor, constant),
        _orders(fits, members),
        model_rows=model_rows,
        ranks=ranks,
    )


def _orders(fits: Sequence[Fit], members: Sequence[Member]) -> list[np.random.Generator]:
    """What draws the order of each model's batches: one object for those that draw the same."""
    found: dict[tuple[int, int, Member], np.random.Generator] = {}
    # Those of other rows draw the same, of other rows.
    keys = [(id(fit.targets), fit.seed, m) for fit, m in zip(fits, members, strict=True)]
    for fit, key in zip(fits, keys, strict=True):
        if key not in found:
            found[key] = fit.rng(BATCHES, *key[-1])
    return [found[key] for key in keys]


def learnt(fit: Fit, run: Run) -> dict[str, Any]:
    """What a run leaves to the next pass beside the network."""
    return {
        "balancing": run.step.balancing,
        "solver": fit.estimator.solver,
        "optimizer": run.optimizer.state(),
    }


def _balancing(
    fits: Sequence[Fit], members: Sequence[Member], before: Balancing | None
) -> Balancing:
    """How tasks are weighed; a method that an earlier pass has started goes on."""
    fit = fits[0]
    method: Balancing = fit.setting("balancing")
    if before is not None and is_same(before, method):
        # A copy, for this pass may fail.
        again: Balancing = on_device(before, fit.device)
        return again
    names = fit.tasks.names
    types = [task.alias for task in fit.tasks.tasks]
    rngs = [one.rng(BALANCING, *member) for one, member in zip(fits, members, strict=True)]
    seeds = [int(rng.integers(2**62)) for rng in rngs]
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
    fits: Sequence[Fit],
    module: MultiTaskModule,
    *,
    n_rows: int,
    batch_size: int,
    n_steps: int | None,
) -> Optimizer | Wrapped:
    """What moves the parameters, in so many steps at most; None if nobody knows."""
    estimator = fits[0].estimator
    options = {
        "learning_rate": _alike([fit.estimator.learning_rate_init for fit in fits]),
        "alpha": _alike([fit.alpha(n_rows, batch_size, is_stream=n_steps is None) for fit in fits]),
    }
    if estimator.solver == "sgd":
        options["momentum"] = estimator.momentum
        options["nesterov"] = estimator.nesterovs_momentum
    optimizer = scheduled(
        OPTIMIZERS[estimator.solver](module, **options),
        "constant" if n_steps is None else estimator.learning_rate,
        n_models=len(fits),
        n_steps=n_steps or 1,
        n_iter_no_change=estimator.n_iter_no_change,
        averaged=_share_averaged(fits[0], module),
    )
    if estimator.max_grad_norm is None:
        return optimizer
    return Clipped(optimizer, estimator.max_grad_norm)


def _share_averaged(fit: Fit, module: MultiTaskModule) -> float:
    """How far a fit goes by the mean of its steps: the share of the tasks that are classes.

    Not where every epoch is judged, nor where a layer has learnt from batches (batch
    normalisation), for the mean of its steps would want other statistics.
    """
    if fit.tasks.is_long or fit.estimator.early_stopping or any(True for _ in module.buffers()):
        return 0.0
    return float(np.mean([task.is_classification for task in fit.tasks.tasks]))


def _alike(numbers: list[float]) -> Any:
    """A number of every model; one for all where they do not differ."""
    return numbers[0] if len(set(numbers)) == 1 else np.array(numbers)


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
        n_iter_no_change=np.inf if runs_to_its_end(estimator) else estimator.n_iter_no_change,
        monitor=_monitor(fit, monitor, counts, can_judge),
        constant=constant,
    )


def runs_to_its_end(estimator: Any) -> bool:
    """Whether a fit has all of its epochs: the loss of training says little amid a plan."""
    return estimator.learning_rate in PLANNED and not estimator.early_stopping


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
