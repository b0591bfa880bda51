"""`fit` and `partial_fit`: from data to fitted attributes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._further_rows import refuse_chunks
from skmtl.neural._data import Rows
from skmtl.neural._environment import (
    limited_threads,
    memory_hint,
    recording_gradients,
    safe_after_fork,
)
from skmtl.neural._ranks import together
from skmtl.neural.networks._state import FittedState, Stream
from skmtl.neural.networks._tasks import find_network_tasks
from skmtl.neural.optimizers._schedules import PLANNED
from skmtl.neural.training._callbacks import Observer
from skmtl.neural.training._early_stopping import hold_out
from skmtl.neural.training._evaluate import constant_losses, task_priors
from skmtl.neural.training._following import follow_features, follow_labels
from skmtl.neural.training._loop import train
from skmtl.neural.training._results import (
    check_finite_epoch,
    fitted_state,
    warn_of_divergence,
    warn_of_end,
    write_results,
)
from skmtl.neural.training._resume import check_same_fit, pause
from skmtl.neural.training._run import Run
from skmtl.neural.training._settings import draw_seed, read_setting
from skmtl.neural.training._setup import Fit
from skmtl.neural.training._shrink import beside
from skmtl.neural.training._start import learnt, start
from skmtl.neural.training._started import started
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

# The loss of a single row may be so many times that of all, and nothing has diverged.
FEW = 10.0


@together()
@recording_gradients()
@safe_after_fork()
def fit_network(estimator: Any, X: Any, targets: Targets) -> None:
    """Train until convergence and set the fitted attributes."""
    before: FittedState | None = vars(estimator).get("_fitted") if estimator.warm_start else None
    fit = _begin(estimator, X, targets, before)
    validation = hold_out(fit, before) if estimator.early_stopping else beside(fit, before)
    judge = validation if estimator.early_stopping else None
    rows = fit.rows(None if validation is None else validation.training)
    run = started([fit], rows, validation, before)
    run.probe = getattr(estimator, "_probe", None)
    observer = Observer(
        estimator,
        state=lambda: {"_fitted": fitted_state(fit, run.module)},
        pause=lambda: pause(fit, run, rows, validation),
        is_heard=run.ranks is None or not run.ranks.rank,
    )
    losses = _train(
        fit,
        run,
        rows,
        max_iter=fit.max_iter(run.model_rows or rows),
        judge=None if judge is None else judge.losses,
        observer=observer,
    )
    check_finite_epoch(fit, run.progress)
    write_results(fit, run, rows, validation)
    is_over = observer.has_stopped or estimator.learning_rate in PLANNED
    warn_of_end(fit, run.progress, losses, has_stopped=is_over)
    observer.end()


def _begin(estimator: Any, X: Any, targets: Targets, before: FittedState | None) -> Fit:
    """The fit, with the seed and the tasks of the one before if it goes on."""
    network_tasks = None
    if before is not None:
        network_tasks = before.network_tasks
    elif not estimator.warm_start:
        names = targets.tasks.names.tolist()
        settings = [read_setting(name, estimator, names) for name in ("architecture", "balancing")]
        network_tasks = find_network_tasks(targets, *settings)
    if before is None or before.pause is None:
        seed = draw_seed(estimator.random_state)
        fit = Fit(estimator, X, targets, seed, network_tasks, before)
    else:
        # The same labels, not to be counted a second time.
        targets = replace(targets, tasks=before.pause.tasks)
        fit = Fit(estimator, X, targets, before.pause.seed, network_tasks, before)
        check_same_fit(fit, before.pause)
        estimator._publish(targets.tasks)
    return fit


@together()
@recording_gradients()
@safe_after_fork()
def partial_fit_network(estimator: Any, X: Any, targets: Targets) -> None:
    """One pass over the given rows, and what the next call needs to go on.

    A label counts by how many labels its task has had so far, for how many it will have is
    not known; in a single pass over all rows that is the objective of `fit`.
    """
    refuse_chunks(targets.tasks)
    before: FittedState | None = vars(estimator).get("_fitted")
    # Labels of a task that has none may come in a later call.
    network_tasks = None if before is None else before.network_tasks
    stream = None if before is None else before.stream
    if stream is None:
        n_tasks = targets.tasks.n_tasks if network_tasks is None else len(network_tasks)
        stream = Stream(draw_seed(estimator.random_state), np.zeros(n_tasks), np.zeros(n_tasks))
    fade, units = 1.0, None
    if estimator.half_life is not None and targets.weights.any():
        fade = float(np.exp2(-len(targets.values) / estimator.half_life))
        targets, units = follow_labels(targets, stream.units, fade)
        if before is not None and before.inputs is not None:
            rows_read = targets.row_is_observed
            inputs, units = follow_features(before.inputs, X[rows_read], units, fade)
            before = replace(before, inputs=inputs)
    fit = Fit(estimator, X, targets, stream.seed, network_tasks, before)
    if not len(fit.targets.values):
        return
    if units is not None:
        estimator._publish(targets.tasks)
        if before is None:
            _, units = follow_features(fit.inputs, fit.X, units, fade)
        stream = replace(stream, units=units)
    rows, after = _count(fit, stream, fade)
    members = [(stream.n_calls,)]
    run = start(
        fit,
        fit.module(
            None if before is None else before.parameters,
            members,
            priors=task_priors(fit.tasks, rows),
        ),
        rows,
        members,
        max_iter=None,
        # What is monitored decides on nothing in one pass, and may have no label in it.
        monitor="mean",
        # Few rows may have hardly any spread: what counts is that of all so far.
        constant=after.loss / after.n_rows * (1.0 + FEW / np.sqrt(rows.n_rows)),
        learnt=stream.learnt,
        n_rows=round(after.n_rows),
    )
    _train(fit, run, rows, max_iter=1)
    check_finite_epoch(fit, run.progress)
    write_results(fit, run, rows, goes_on=before is not None)
    if not estimator.diverged_:
        # With the momentum of a pass that diverged the next one would, too.
        after = replace(after, learnt=learnt(fit, run))
    estimator._fitted = replace(estimator._fitted, stream=after)
    warn_of_divergence(fit, run.progress)


def _count(fit: Fit, stream: Stream, fade: float) -> tuple[Rows, Stream]:
    """The rows of a pass, whose labels count by those so far, and the stream after it.

    Rows so far count ``fade`` as much.
    """
    n_new = len(fit.targets.values)
    n_rows = fade * stream.n_rows + n_new
    weight = fade * stream.weight + fit.targets.sum_by_task(fit.targets.weights)
    share = np.divide(n_rows, weight, out=np.zeros_like(weight), where=weight > 0)
    rows = fit.rows(share=share / n_new)
    loss = fade * stream.loss + n_new * constant_losses(
        np.zeros(fit.tasks.n_outputs), fit.objective, rows
    )
    return rows, replace(
        stream, n_calls=stream.n_calls + 1, n_rows=n_rows, weight=weight, loss=loss
    )


def _train(fit: Fit, run: Run, rows: Rows, **options: Any) -> Array | None:
    """Train with as many threads as the work deserves."""
    batch_size = fit.batch_size(run.model_rows or rows)
    work = batch_size * sum(p.numel() for p in run.module.parameters())
    with limited_threads(fit.estimator.n_threads, work), memory_hint(batch_size):
        return train(run, rows, batch_size=batch_size, **options)
