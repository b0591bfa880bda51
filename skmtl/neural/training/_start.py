"""From a fit and the parameters of its estimator to a run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from skmtl._warnings import warn
from skmtl.neural.balancing import BalancingInfo
from skmtl.neural.gradients._step import Step
from skmtl.neural.optimizers import OPTIMIZERS, Clipped
from skmtl.neural.optimizers._schedules import scheduled
from skmtl.neural.training._members import spread
from skmtl.neural.training._monitor import read_monitor
from skmtl.neural.training._network import task_keys
from skmtl.neural.training._progress import Progress
from skmtl.neural.training._run import Run
from skmtl.neural.training._same import is_same
from skmtl.neural.training._setup import BALANCING
from skmtl.neural.training._to_device import on_device


def start(fit, module, rows, rng, *, max_iter, monitor, constant, judged=None, learnt=None):
    """The run of a fit, before its first epoch.

    Parameters
    ----------
    fit : Fit
        Data and parameters.
    module : MultiTaskModule
        The network.
    rows : Rows
        Training data.
    rng : numpy.random.Generator
        Decides the order of the rows.
    max_iter : int
        Epochs at most.
    monitor : "mean", "worst" or name of a task
        The loss that decides on stopping.
    constant : ndarray of shape (n_tasks,)
        Losses of predictions that need no network.
    judged : Rows, default=None
        The rows it is taken from; by default those of training.
    learnt : dict, default=None
        What `learnt` found at the end of an earlier pass.
    """
    learnt = learnt or {}
    omega = torch.from_numpy(fit.task_weight).to(rows.values)
    balancing = _balancing(fit, learnt.get("balancing"))
    if not learnt:
        _warn_of_nothing_to_balance(fit, module, balancing)
    optimizer = _optimizer(fit.estimator, module, max_iter * fit.steps_of_an_epoch(rows))
    if learnt.get("solver") == fit.estimator.solver:
        optimizer.load(learnt["optimizer"])
    return Run(
        module,
        Step(module, fit.objective, balancing, omega),
        optimizer,
        _progress(fit, module, rows if judged is None else judged, monitor, constant),
        [rng],
    )


def learnt(fit, run):
    """What a run leaves to the next pass beside the network."""
    return {
        "balancing": run.step.balancing,
        "solver": fit.estimator.solver,
        "optimizer": run.optimizer.state(),
    }


def _balancing(fit, before):
    """How tasks are weighed; a method that an earlier pass has started goes on."""
    method = fit.part("balancing")
    if before is not None and is_same(before, method):
        # A copy, for this pass may fail.
        return on_device(before, fit.device)
    names = fit.tasks.names
    types = [task.alias for task in fit.tasks.tasks]
    seed = int(fit.rng(BALANCING).integers(2**62))
    types = types * len(names) if fit.tasks.is_long else types
    method.start(BalancingInfo([seed], task_keys(names), types))
    return method


def _warn_of_nothing_to_balance(fit, module, balancing):
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


def _optimizer(estimator, module, n_steps):
    """What moves the parameters, in so many steps at most."""
    options = {"learning_rate": estimator.learning_rate_init, "alpha": estimator.alpha}
    if estimator.solver == "sgd":
        options["momentum"] = estimator.momentum
        options["nesterov"] = estimator.nesterovs_momentum
    optimizer = scheduled(
        OPTIMIZERS[estimator.solver](module, **options),
        estimator.learning_rate,
        n_models=1,
        n_steps=n_steps,
        n_iter_no_change=estimator.n_iter_no_change,
    )
    if estimator.max_grad_norm is None:
        return optimizer
    return Clipped(optimizer, estimator.max_grad_norm)


def _progress(fit, module, judged, monitor, constant):
    """The books, where the losses of the rows ``judged`` decide."""
    estimator = fit.estimator
    can_judge = judged.task_has_label & (np.array(fit.description["outputs_per_task"]) > 0)
    counts = fit.task_weight * can_judge
    if not counts.any():
        counts = judged.task_has_label.astype(float)
    return Progress(
        module,
        1,
        counts,
        tol=estimator.tol,
        n_iter_no_change=estimator.n_iter_no_change,
        monitor=_monitor(fit, monitor, counts, can_judge),
        constant=constant,
    )


def _monitor(fit, monitor, counts, can_judge):
    """The loss that decides; a task that is not in the network has nothing to judge by."""
    names = fit.given.tasks.names
    counts, can_judge = (
        spread(part, fit.members, len(names), 0.0) for part in (counts, can_judge.astype(float))
    )
    where = "among the rows held out" if fit.estimator.early_stopping else "in y"
    found = read_monitor(monitor, names, counts, can_judge > 0, rows=where)
    return found if fit.members is None else replace(found, counts=found.counts[fit.members])
