"""The only training loop."""

from __future__ import annotations

import numpy as np
import torch


def train(
    module,
    rows,
    step,
    optimizer,
    progress,
    *,
    rngs,
    batch_size,
    max_iter,
    validation=None,
    observer=None,
):
    """Train the models of a module until they stop, and put their best parameters into it.

    Parameters
    ----------
    module : MultiTaskModule
        The networks; changed in place.
    rows : Rows
        Training data.
    step : Step
        Gradients of a batch.
    optimizer : Adam
        Moves the parameters.
    progress : Progress
        Keeps the books; changed in place.
    rngs : list of numpy.random.Generator
        One a model: the order of its batches.
    batch_size, max_iter : int
        Rows a batch; epochs at most.
    validation : Rows, default=None
        Where given, its loss decides on stopping and on the best epoch.
    observer : Observer, default=None
        Has ``begin_epoch()`` and ``end_epoch(progress)``; true from the latter stops.

    Raises
    ------
    KeyboardInterrupt
        If interrupted before the first epoch is complete; later, ``progress.interrupted``.
    """
    try:
        for _ in range(max_iter):
            if observer is not None:
                observer.begin_epoch()
            losses, weights = run_epoch(module, rows, step, optimizer, rngs, batch_size)
            judged = None
            if validation is not None:
                judged = mean_losses(module, step.objective, validation, len(rngs))
            n_epochs = progress.n_epochs
            progress.end_epoch(losses, weights, judged)
            is_new = progress.n_epochs > n_epochs
            if is_new and observer is not None and observer.end_epoch(progress):
                break
            if not progress.is_active.any():
                break
    except KeyboardInterrupt:
        if not progress.n_epochs:
            raise
        progress.interrupted = True
    progress.kept.restore()


def run_epoch(module, rows, step, optimizer, rngs, batch_size):
    """One pass over the rows; mean losses and task weights, (n_models, n_tasks) each.

    Weights are None where they are those of the tasks throughout.
    """
    module.train()
    losses = weights = 0.0
    for batch in batches(rows, rngs, batch_size):
        if not rows.all_rows_count and not batch.weights.any():
            continue
        batch_losses, batch_weights, gradients = step(batch)
        optimizer.step(gradients)
        step.follow_up(batch)
        share = batch.values.shape[1] / rows.n_rows
        losses = losses + batch_losses * share
        if batch_weights is not None:
            weights = weights + batch_weights * share
    step.balancing.end_epoch(losses)
    losses = losses.cpu().numpy().astype(np.float64)
    return losses, weights.cpu().numpy() if torch.is_tensor(weights) else None


def batches(rows, rngs, batch_size):
    """Shuffled batches, in an order of its own for each model."""
    if batch_size >= rows.n_rows:
        yield rows.all(len(rngs))
        return
    order = np.stack([rng.permutation(rows.n_rows) for rng in rngs])
    order = torch.from_numpy(order).to(rows.device)
    for start in range(0, rows.n_rows, batch_size):
        yield rows.batch(order[:, start : start + batch_size])


def mean_losses(module, objective, rows, n_models, chunk=4096):
    """Mean losses (n_models, n_tasks) without training; NaN for tasks without labels."""
    module.eval()
    losses = 0.0
    with torch.no_grad():
        for start in range(0, rows.n_rows, chunk):
            stop = min(start + chunk, rows.n_rows)
            index = torch.arange(start, stop, device=rows.device).expand(n_models, -1)
            batch = rows.batch(index)
            part = objective(module(batch.X, batch.task_index), batch)
            losses = losses + part * ((stop - start) / rows.n_rows)
    losses = losses.cpu().numpy().astype(np.float64)
    losses[:, ~rows.task_has_label] = np.nan
    return losses
