"""Losses of the networks as they are, without training."""

from __future__ import annotations

import numpy as np
import torch


def mean_losses(run, rows, index=None, chunk=4096):
    """Mean losses (n_models, n_tasks) over all rows, or those of an index.

    NaN for tasks without labels.
    """
    module, n_models = run.module, len(run.rngs)
    module.eval()
    losses = 0.0
    index = torch.arange(rows.n_rows) if index is None else torch.from_numpy(index)
    with torch.no_grad():
        for part in index.to(rows.device).split(chunk):
            batch = rows.batch(part.expand(n_models, -1))
            found = run.step.objective(module(batch.X, batch.task_index), batch)
            losses = losses + found * (len(part) / len(index))
    losses = losses.cpu().numpy().astype(np.float64)
    losses[:, ~rows.task_has_label] = np.nan
    return losses
