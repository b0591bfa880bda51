"""The only training loop."""

from __future__ import annotations

import numpy as np
import torch

from skmtl.neural.training._keep import keep_good
from skmtl.neural.training._measure import mean_losses


def train(run, rows, *, batch_size, max_iter, validation=None, observer=None):
    """Train the models of a run until they stop, and put their best parameters into the module.

    Parameters
    ----------
    run : Run
        The networks and all that goes with them; changed in place.
    rows : Rows
        Training data.
    batch_size, max_iter : int
        Rows a batch; epochs at most, those before a resumed run included.
    validation : Rows, default=None
        Where given, its loss decides on stopping and on the best epoch.
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
    progress = run.progress
    try:
        while progress.is_active.any() and progress.n_epochs < max_iter:
            if observer is not None:
                observer.begin_epoch()
            losses, weights = run_epoch(run, rows, batch_size)
            judged = None
            if validation is not None:
                judged = mean_losses(run, validation)
            n_epochs = progress.n_epochs
            progress.end_epoch(losses, weights, judged)
            run.optimizer.end_epoch(progress)
            is_new = progress.n_epochs > n_epochs
            if is_new and observer is not None and observer.end_epoch(progress):
                break
    except KeyboardInterrupt:
        if not progress.n_epochs:
            raise
        progress.interrupted = True
    return keep_good(run, rows, batch_size)


def run_epoch(run, rows, batch_size):
    """One pass over the rows; mean losses and task weights, (n_models, n_tasks) each.

    Weights are None where they are those of the tasks throughout.
    """
    run.module.train()
    step, optimizer = run.step, run.optimizer
    losses = weights = rows.values.new_zeros(())
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
        losses = torch.add(losses, batch_losses, alpha=share)
        if batch_weights is not None:
            weights = torch.add(weights, batch_weights, alpha=share)
    step.balancing.end_epoch(losses)
    losses = losses.cpu().numpy().astype(np.float64)
    return losses, weights.cpu().numpy() if weights.ndim else None


def batches(rows, rngs, batch_size):
    """Shuffled batches, in an order of its own for each model."""
    if batch_size >= rows.n_rows:
        yield rows.all(len(rngs))
        return
    order = np.stack([rng.permutation(rows.n_rows) for rng in rngs])
    order = torch.from_numpy(order).to(rows.device)
    yield from rows.batches(order, batch_size)
