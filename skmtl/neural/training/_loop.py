"""The only training loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skmtl.neural._data import Batch, Rows
from skmtl.neural.training._callbacks import Observer
from skmtl.neural.training._evaluate import keep_good
from skmtl.neural.training._model_rows import ModelRows
from skmtl.neural.training._run import Run

Array = NDArray[Any]


def train(
    run: Run,
    rows: Rows,
    *,
    batch_size: int,
    max_iter: int,
    judge: Callable[[Run], Array] | None = None,
    observer: Observer | None = None,
) -> Array | None:
    """Train the models of a run until they stop, and put their best parameters into the module.

    Parameters
    ----------
    run : Run
        The networks and all that goes with them; changed in place.
    rows : Rows
        Training data.
    batch_size, max_iter : int
        Rows per batch; epochs at most, those before a resumed run included.
    judge : callable, default=None
        Losses (n_models, n_tasks) of a run that decide on stopping and on the best epoch.
    observer : Observer, default=None
        Has ``begin_epoch()`` and ``end_epoch(progress)``; true from the latter stops.

    Raises
    ------
    KeyboardInterrupt
        If interrupted before the first epoch is complete; later, ``progress.interrupted``.

    Returns
    -------
    losses : ndarray of shape (n_models, n_tasks) or None
        See `keep_good`.
    """
    run_epochs(run, rows, batch_size=batch_size, max_iter=max_iter, judge=judge, observer=observer)
    losses = keep_good(run, rows, batch_size)
    if run.ranks is not None:
        run.ranks.align(run.module)
    return losses


def run_epochs(
    run: Run,
    rows: Rows,
    *,
    batch_size: int,
    max_iter: int,
    judge: Callable[[Run], Array] | None = None,
    observer: Observer | None = None,
) -> None:
    """Train the models of a run until all have stopped; parameters as for `train`."""
    progress = run.progress
    try:
        while progress.is_active.any() and progress.n_epochs < max_iter:
            if observer is not None:
                observer.begin_epoch()
            losses, weights = run_epoch(run, run.model_rows or rows, batch_size)
            judged = None if judge is None else _same(run, judge(run))
            n_epochs = progress.n_epochs
            progress.end_epoch(losses, weights, judged)
            run.optimizer.end_epoch(progress)
            is_new = progress.n_epochs > n_epochs
            if is_new and _has_stopped(run, observer):
                break
    except KeyboardInterrupt:
        if not progress.n_epochs:
            raise
        progress.interrupted = True


def _same(run: Run, losses: Array) -> Array:
    """Losses by which all ranks decide alike."""
    return losses if run.ranks is None else run.ranks.of_first(losses)


def _has_stopped(run: Run, observer: Observer | None) -> bool:
    """Whether a callback asks to stop after an epoch, of any rank."""

    def asks() -> bool:
        return observer is not None and observer.end_epoch(run.progress)

    return asks() if run.ranks is None else run.ranks.any(asks)


def run_epoch(run: Run, rows: Rows | ModelRows, batch_size: int) -> tuple[Array, Array | None]:
    """One pass over the rows; mean losses and task weights, (n_models, n_tasks) each.

    Weights are None where they are those of the tasks throughout.
    """
    if not run.module.training:
        run.module.train()
    step, optimizer = run.step, run.optimizer
    total = total_weights = rows.values.new_zeros(())
    for batch in batches(rows, run.rngs, batch_size):
        if not rows.all_rows_count and not batch.weights.any():
            continue
        if run.probe is not None:
            run.probe(run, batch)
        batch_losses, batch_weights, gradients = step(batch)
        if run.progress.first_loss is None:
            run.progress.begin(batch_losses.cpu().numpy().astype(np.float64))
        optimizer.step(gradients)
        step.follow_up(batch)
        share = batch.values.shape[1] / rows.n_rows
        total = torch.add(total, batch_losses, alpha=share)
        if batch_weights is not None:
            total_weights = torch.add(total_weights, batch_weights, alpha=share)
    if run.ranks is not None:
        run.ranks.is_stepping = False
    step.balancing.end_epoch(total)
    losses = total.cpu().numpy().astype(np.float64)
    return losses, total_weights.cpu().numpy() if total_weights.ndim else None


def batches(
    rows: Rows | ModelRows, rngs: list[np.random.Generator], batch_size: int
) -> Iterator[Batch]:
    """Shuffled batches, in an order of its own for each model."""
    yield from rows.epoch(rngs, batch_size)
