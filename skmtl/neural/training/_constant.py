"""The loss that needs no network: that of the best constant prediction."""

from __future__ import annotations

import numpy as np

from skmtl.neural.training._data import Batch

# Rows at a time.
CHUNK = 4096


def best_constant(tasks, rows):
    """Raw scores (n_outputs,) of the best constant predictions.

    In long form there is one for all tasks, as there is for `score`.
    """
    values, weights = (
        part.cpu().numpy().reshape(rows.n_rows, -1) for part in (rows.values, rows.weights)
    )
    raw = np.zeros(tasks.n_outputs)
    for t, (task, outputs) in enumerate(zip(tasks.tasks, tasks.slices, strict=True)):
        used = weights[:, t] > 0
        if task.n_outputs_ and used.any():
            raw[outputs] = task.raw_prior(values[used, t].astype(float), weights[used, t])
    return raw


def constant_losses(raw, objective, rows):
    """Losses (n_tasks,) of constant raw scores (n_outputs,), on the scale of training losses."""
    parts = [rows.values, rows.values, rows.weights, rows.task_index]
    parts = [part if part is None else part[None] for part in parts]
    everything = Batch(*parts, rows.all_observed, rows.all_alike)
    raw = rows.values.new_tensor(raw)
    losses = 0.0
    for start in range(0, rows.n_rows, CHUNK):
        batch = everything.part(start, start + CHUNK)
        n_rows = batch.values.shape[1]
        found = objective(raw.expand(1, n_rows, -1), batch)
        losses = losses + found * (n_rows / rows.n_rows)
    return losses[0].cpu().numpy().astype(np.float64)
