"""What training has achieved: losses of networks as they are, of constants, and what is kept.

A network that has diverged is never kept. The losses of an epoch are those before each step, so
that they say nothing of its last steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from skmtl._indexing import as_slice
from skmtl.neural._data import Batch, Rows
from skmtl.neural.gradients._objective import Objective
from skmtl.neural.training._run import Run
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

# Rows at a time.
CHUNK = 4096
# Numbers of sparse rows that are made dense at a time.
NUMBERS = 2**22
# Variance between tasks over that part of it which X does not explain: measured,
# benchmarks/accuracy.py.
NOT_IN_X = 3.0
# Distance of the raw priors of some rows from those of all that a rare class or count makes.
FAR = 5.0
# Bounds of how many labels of all tasks count in the prior of each.
LEAST_POOLED, MOST_POOLED = 0.1, 1e6


def mean_losses(run: Run, rows: Rows, index: Array | None = None) -> Array:
    """Mean losses (n_models, n_tasks) over all rows, or those of an index, without training.

    NaN for tasks without labels.
    """
    module, n_models = run.module, len(run.rngs)
    module.eval()
    total = rows.values.new_zeros(())
    n_rows = rows.n_rows if index is None else len(index)
    with torch.no_grad():
        size = min(CHUNK, max(1, NUMBERS // rows.width))
        for batch in rows.in_order(n_models, size, index):
            found = run.step.objective(module(batch.X, batch.task_index), batch)
            total = total + found * (batch.values.shape[1] / n_rows)
    losses = total.cpu().numpy().astype(np.float64)
    losses[:, ~rows.task_has_label] = np.nan
    return losses


def best_constant(tasks: TaskSet, rows: Rows) -> Array:
    """Raw scores (n_outputs,) of the best constant predictions.

    In long form there is one for all tasks, as there is for `score`.
    """
    values, weights = (
        np.ascontiguousarray(tensor.cpu().numpy().reshape(rows.n_rows, -1).T, dtype=float)
        for tensor in (rows.values, rows.weights)
    )
    raw = np.zeros(tasks.n_outputs)
    for block in tasks.blocks:
        alike = [tasks.tasks[t] for t in block.tasks]
        # All tasks, in most cases: without a copy.
        some = as_slice(block.tasks)
        raw[block.outputs] = block.task.raw_priors(alike, values[some], weights[some]).ravel()
    return raw


def task_priors(
    tasks: TaskSet,
    rows: Rows,
    of_models: Sequence[Array] | None = None,
    pooled: Array | None = None,
) -> list[Array]:
    r"""Raw scores (n_outputs_of_task,) of the best constant of each task, where heads start.

    ``pooled`` is `best_constant` of all rows, where it is known.

    Models that each have rows of their own, ``of_models``, start at theirs: one that knew the mean
    of all would know of the rows that it is judged on. They are (n_models, n_outputs_of_task).

    In long form it is that of the task's labels and of :math:`\kappa = 3 \sigma^2 / \tau^2` more,
    which are as those of all tasks: the best linear prediction, for variances :math:`\sigma^2`
    within tasks and a third of that between them, :math:`\tau^2` [1]_. The rest of it is what X
    tells.

    References
    ----------
    .. [1] G. K. Robinson, "That BLUP is a good thing: the estimation of random effects",
       Statistical Science 6, 1991, section 2.
    """
    if of_models is not None:
        of_all = task_priors(tasks, rows, pooled=pooled)
        with np.errstate(all="ignore"):
            each = [task_priors(tasks, _labels_of(rows, some)) for some in of_models]
        # Where rows lack a class, or have no count but 0, their prior is out of reach.
        return [
            np.stack([own if np.all(np.abs(own - start) < FAR) else start for own in of_task])
            for start, of_task in zip(of_all, zip(*each, strict=True), strict=True)
        ]
    pooled = best_constant(tasks, rows) if pooled is None else pooled
    if rows.task_index is None:
        return [pooled[outputs] for outputs in tasks.slices]
    [task] = tasks.tasks
    values, weights, index = (
        tensor.cpu().numpy() for tensor in (rows.values, rows.weights, rows.task_index)
    )
    used = np.flatnonzero(weights > 0)
    used = used[np.argsort(index[used], kind="stable")]
    values, weights, index = values[used].astype(float), weights[used].astype(float), index[used]
    found = [pooled] * tasks.n_tasks
    if not task.n_outputs_:
        return found
    # One label that stands for those of all, or one for each class.
    extra, shares = np.array([task.central_label(values, weights)]), np.ones(1)
    columns = task.as_numbers(values, weights)
    if task.is_classification:
        extra, codes = np.unique(values, return_inverse=True)
        shares, columns = np.bincount(codes, weights) / weights.sum(), np.eye(len(extra))[codes]
    present, first = np.unique(index, return_index=True)
    shares = NOT_IN_X * shares * _within_over_between(columns.reshape(len(values), -1), first)
    for t, own, weight in zip(
        present, np.split(values, first[1:]), np.split(weights, first[1:]), strict=True
    ):
        count = weight / weight.mean()
        found[t] = task.raw_prior(np.r_[own, extra], np.r_[count, shares])
    return found


def _labels_of(rows: Rows, index: Array) -> Rows:
    """Some of the rows, without their features."""
    some, kept = copy(rows), torch.from_numpy(index).to(rows.device)
    some.X, some.n_rows = None, len(index)
    some.values, some.weights = rows.values[kept], rows.weights[kept]
    some.task_index = None if rows.task_index is None else rows.task_index[kept]
    return some


def _within_over_between(columns: Array, first: Array) -> float:
    """Variance within tasks over that between them, by moments; rows (n, c) sorted by task."""
    n_rows, n_tasks = len(columns), len(first)
    counts = np.diff(np.r_[first, n_rows])
    means = np.add.reduceat(columns, first) / counts[:, None]
    within = ((columns - np.repeat(means, counts, axis=0)) ** 2).sum() / max(n_rows - n_tasks, 1)
    spread = (counts @ (means - columns.mean(axis=0)) ** 2).sum() - (n_tasks - 1) * within
    between = spread / max(n_rows - (counts**2).sum() / n_rows, 1.0)
    if n_rows == n_tasks or between <= 0:
        return MOST_POOLED
    return float(np.clip(within / between, LEAST_POOLED, MOST_POOLED))


def constant_losses(raw: Array, objective: Objective, rows: Rows) -> Array:
    """Losses (n_tasks,) of constant raw scores (n_outputs,), on the scale of training losses."""
    index = None if rows.task_index is None else rows.task_index[None]
    values, weights = rows.values[None], rows.weights[None]
    # The features are not looked at.
    everything = Batch(values, values, weights, index, rows.all_observed, rows.all_alike)
    scores = rows.values.new_tensor(raw)
    losses = rows.values.new_zeros(())
    for start in range(0, rows.n_rows, CHUNK):
        batch = everything.between(start, start + CHUNK)
        n_rows = batch.values.shape[1]
        found = objective(scores.expand(1, n_rows, -1), batch)
        losses = losses + found * (n_rows / rows.n_rows)
    return losses[0].cpu().numpy().astype(np.float64)


def keep_good(run: Run, rows: Rows, batch_size: int) -> Array | None:
    """Put the parameters to keep into the module; see `Progress`.

    As many rows as a step has tell whether there is any doubt. Only then are the losses
    measured on all of them: those of the parameters kept so far and, if they have diverged,
    those of the good ones.

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
    losses = _measured(run, rows)
    has_diverged = progress.has_diverged(losses)
    if has_diverged.any():
        progress.good.restore()
        others = _measured(run, rows)
        falls_back = has_diverged & (progress.mean(others) < progress.mean(losses))
        progress.fall_back(falls_back, losses)
        progress.kept.restore()
        losses = np.where(falls_back[:, None], others, losses)
    return losses


def _measured(run: Run, rows: Rows, index: Array | None = None) -> Array:
    """`mean_losses`, infinite where they are not a number."""
    found = mean_losses(run, rows, index)
    found[np.isnan(found) & rows.task_has_label] = np.inf
    return found


def _is_doubtful(run: Run, rows: Rows, batch_size: int) -> bool:
    """Whether what is kept may be worse than the constant predictions."""
    progress = run.progress
    if (progress.diverged_task >= 0).any():
        return True
    if (progress.losses[-1] > progress.constant + progress.tol)[:, rows.task_has_label].any():
        return True
    index = np.linspace(0, rows.n_rows - 1, min(batch_size, rows.n_rows)).astype(np.int64)
    return bool((progress.mean(_measured(run, rows, index)) > progress.constant_loss).any())
