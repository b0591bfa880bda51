"""Which parameters a fit keeps at its end: never those of a network that has diverged.

The losses of an epoch are those before each step, so that they say nothing of its last steps.
"""

from __future__ import annotations

import numpy as np

from skmtl.neural.training._measure import mean_losses


def keep_good(run, rows, batch_size):
    """Put the parameters to keep into the module; see `Progress`.

    A look at as many rows as a step has tells whether there is any doubt. Only then are the
    losses measured on all of them: those of the parameters kept so far and, if they have
    diverged, those of the good ones.

    Returns
    -------
    losses : ndarray of shape (n_models, n_tasks) or None
        Measured training losses of what is kept, NaN for tasks without labels; None if there
        was no doubt.
    """
    progress = run.progress
    progress.kept.restore()
    if not progress.n_epochs or not _is_doubtful(run, rows, batch_size):
        return None
    losses = measured(run, rows)
    has_diverged = progress.has_diverged(losses)
    if has_diverged.any():
        progress.good.restore()
        others = measured(run, rows)
        falls_back = has_diverged & (progress.mean(others) < progress.mean(losses))
        progress.fall_back(falls_back, losses)
        progress.kept.restore()
        losses = np.where(falls_back[:, None], others, losses)
    return losses


def measured(run, rows, index=None):
    """`mean_losses`, infinite where they are not a number."""
    found = mean_losses(run, rows, index)
    found[np.isnan(found) & rows.task_has_label] = np.inf
    return found


def _is_doubtful(run, rows, batch_size):
    """Whether what is kept may be worse than the constant predictions."""
    progress = run.progress
    if (progress.diverged_task >= 0).any():
        return True
    if (progress.losses[-1] > progress.constant + progress.tol)[:, rows.task_has_label].any():
        return True
    index = np.linspace(0, rows.n_rows - 1, min(batch_size, rows.n_rows)).astype(np.int64)
    return bool((progress.mean(measured(run, rows, index)) > progress.constant_loss).any())
