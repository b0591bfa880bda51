"""`fit` and `partial_fit`: from data to fitted attributes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skmtl.neural.optimizers._schedules import CURVES
from skmtl.neural.training._constant import best_constant, constant_losses
from skmtl.neural.training._environment import (
    gradients,
    limited_threads,
    memory_hint,
    safe_after_fork,
)
from skmtl.neural.training._loop import train
from skmtl.neural.training._members import find_members
from skmtl.neural.training._observer import Observer
from skmtl.neural.training._results import (
    check_finite_epoch,
    warn_of_divergence,
    warn_of_end,
    write_results,
)
from skmtl.neural.training._resume import check_same_fit, pause
from skmtl.neural.training._settings import check_same_network, draw_seed, resolve
from skmtl.neural.training._setup import BATCHES, SPLIT, Fit
from skmtl.neural.training._split import validation_split
from skmtl.neural.training._start import learnt, start
from skmtl.tasks._by_name import put_in_order

# The loss of a single row may be so many times that of all, and nothing has diverged.
FEW = 10.0


@gradients()
@safe_after_fork()
def fit_network(estimator, X, targets):
    """Train until convergence and set the fitted attributes."""
    fit, state, paused = _begin(estimator, X, targets)
    members = held_out = validation = None
    if estimator.early_stopping:
        members, held_out = validation_split(
            fit.targets, estimator.validation_fraction, fit.rng(SPLIT)
        )
        validation = fit.rows(held_out)
    rows = fit.rows(members)
    run = start(
        fit,
        fit.module(state),
        rows,
        fit.rng(BATCHES),
        max_iter=estimator.max_iter,
        monitor=estimator.monitor,
        constant=constant_losses(best_constant(fit.tasks, rows), fit.objective, rows),
        judged=validation,
    )
    run.probe = getattr(estimator, "_probe", None)
    if paused is not None:
        run.load(paused["run"])
    estimator._description, estimator._members = fit.description, fit.members
    observer = Observer(estimator, run.module, lambda: pause(fit, run, rows, held_out))
    options = {"max_iter": estimator.max_iter, "validation": validation, "observer": observer}
    losses = _train(fit, run, rows, **options)
    check_finite_epoch(fit, run.progress)
    write_results(fit, run.module, run.progress, rows, held_out)
    _forget(estimator)
    is_over = observer.has_stopped or estimator.learning_rate in CURVES
    warn_of_end(fit, run.progress, losses, has_stopped=is_over)
    observer.end()


def _begin(estimator, X, targets):
    """The fit, with the network and the point that it starts from, or None."""
    before = vars(estimator) if estimator.warm_start else {}
    state, paused = before.get("_state"), before.get("_paused")
    members = before.get("_members")
    if not estimator.warm_start:
        names = targets.tasks.names.tolist()
        parts = [
            put_in_order(resolve(name, getattr(estimator, name)), names)
            for name in ("architecture", "balancing")
        ]
        members = find_members(targets, *parts)
    if paused is None:
        fit = Fit(estimator, X, targets, draw_seed(estimator.random_state), members)
    else:
        # The same labels, not to be counted a second time.
        targets = replace(targets, tasks=paused["tasks"])
        fit = Fit(estimator, X, targets, paused["seed"], members)
        check_same_fit(fit, paused)
        estimator._publish(targets.tasks)
    if state is not None:
        check_same_network(estimator._description, fit.description)
    return fit, state, paused


@gradients()
@safe_after_fork()
def partial_fit_network(estimator, X, targets):
    """One pass over the given rows, and what the next call needs to go on.

    A label counts by how many labels its task has had so far, for how many it will have is
    not known; in a single pass over all rows that is the objective of `fit`.
    """
    is_first = not hasattr(estimator, "_state")
    # Labels of a task that has none may come in a later call.
    members = None if is_first else estimator._members
    n_tasks = targets.tasks.n_tasks if members is None else len(members)
    stream = getattr(estimator, "_stream", None) or {
        "seed": draw_seed(estimator.random_state),
        "calls": 0,
        "rows": 0,
        "weight": np.zeros(n_tasks),
        "loss": np.zeros(n_tasks),
        "learnt": None,
    }
    fit = Fit(estimator, X, targets, stream["seed"], members)
    if not len(fit.targets.values):
        return
    if not is_first:
        check_same_network(estimator._description, fit.description)
    n_rows = stream["rows"] + len(fit.targets.values)
    weight = stream["weight"] + fit.targets.sum_by_task(fit.targets.weights)
    share = np.divide(n_rows, weight, out=np.zeros_like(weight), where=weight > 0)
    rows = fit.rows(share=share / len(fit.targets.values))
    module = fit.module(None if is_first else estimator._state, stream["calls"])
    estimator._description, estimator._members = fit.description, fit.members
    rng = fit.rng(BATCHES, stream["calls"])
    # Few rows may have hardly any spread: what counts is that of all so far.
    loss = stream["loss"] + len(fit.targets.values) * constant_losses(
        np.zeros(fit.tasks.n_outputs), fit.objective, rows
    )
    run = start(
        fit,
        module,
        rows,
        rng,
        max_iter=1,
        # What is monitored decides on nothing in one pass, and may have no label in it.
        monitor="mean",
        constant=loss / n_rows * (1.0 + FEW / np.sqrt(len(fit.targets.values))),
        learnt=stream["learnt"],
    )
    _train(fit, run, rows, max_iter=1)
    check_finite_epoch(fit, run.progress)
    write_results(fit, module, run.progress, rows, goes_on=not is_first)
    _forget(estimator)
    estimator._stream = {
        **stream,
        "calls": stream["calls"] + 1,
        "rows": n_rows,
        "weight": weight,
        "loss": loss,
        # With the momentum of a pass that diverged the next one would, too.
        "learnt": stream["learnt"] if estimator.diverged_ else learnt(fit, run),
    }
    warn_of_divergence(fit, run.progress)


def _train(fit, run, rows, **options):
    """Train with as many threads as the work deserves."""
    batch_size = fit.batch_size(rows)
    work = batch_size * sum(p.numel() for p in run.module.parameters())
    with limited_threads(fit.estimator.n_threads, work), memory_hint(batch_size):
        return train(run, rows, batch_size=batch_size, **options)


def _forget(estimator):
    """Drop what went before the network as it is now."""
    for name in ("_stream", "_paused"):
        estimator.__dict__.pop(name, None)
