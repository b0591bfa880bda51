"""Networks of one structure and several settings, trained in every fold side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._cross_fitting import parts_of
from skmtl._same import groups_of_same
from skmtl.model_selection._folds import Folds
from skmtl.neural._data import Batch
from skmtl.neural._environment import (
    limited_threads,
    memory_hint,
    recording_gradients,
    safe_after_fork,
)
from skmtl.neural._ranks import together
from skmtl.neural.networks._network import get_state
from skmtl.neural.networks._predict import of_all_tasks
from skmtl.neural.networks._state import FittedState
from skmtl.neural.networks._tasks import find_network_tasks
from skmtl.neural.training._evaluate import task_priors
from skmtl.neural.training._loop import run_epoch
from skmtl.neural.training._model_rows import HeldOut, ModelRows
from skmtl.neural.training._run import Run
from skmtl.neural.training._settings import chosen, read_setting, resolve
from skmtl.neural.training._setup import WEIGHTS, Fit
from skmtl.neural.training._snapshot import Snapshot, is_finite
from skmtl.neural.training._start import start
from skmtl.neural.training._task_lines import start_at_lines
from skmtl.tasks._targets import Targets
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

N_SNAPSHOTS, EARLIEST = 8, 0.2
"""How often networks are judged on held-out rows, and after which share of the steps at first."""

OF_A_MODEL = ("learning_rate_init", "alpha", "dropout")
"""What networks side by side may differ in."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Trained networks: those of the first candidate in all folds, then of the second, ...

    Attributes
    ----------
    candidates : list of int
        Which candidates they are.
    fitted : FittedState
        All networks, each with its best snapshot.
    raw, left_out : ndarray of shape (n_candidates, n, n_outputs)
        Raw scores of the rows held out; NaN for a row that never is. Those ``left_out`` are of
        snapshots that other parts of the rows choose (`parts_of`).
    loss : ndarray of shape (n_candidates,)
        Their mean loss; infinite where a network was never finite in every fold at once.
    n_iter : ndarray of shape (n_candidates,)
        Epochs until the snapshot.
    task_sets : list of TaskSet
        What the raw scores of each candidate mean, as rows held out tell.
    """

    candidates: list[int]
    fitted: FittedState
    raw: Array
    left_out: Array
    loss: Array
    n_iter: Array
    task_sets: list[TaskSet]


def same_structure(models: Sequence[Any]) -> list[list[int]]:
    """Positions of the candidates, unfitted `MultiTaskMLP`, that can train side by side."""
    return groups_of_same(map(_structure, models))


def _structure(model: Any) -> dict[str, Any]:
    """What is the same for all that train side by side."""
    structure: dict[str, Any] = model.get_params(deep=False)
    is_ours = resolve("architecture", chosen("architecture", model)).has_model_dimension
    for name in OF_A_MODEL:
        # Dropout inside of a network of the user's is its own.
        if name != "dropout" or is_ours:
            structure.pop(name)
    return structure


@together()
@recording_gradients()
@safe_after_fork()
def fit_stack(
    models: Sequence[Any],
    candidates: list[int],
    X: Any,
    targets: Targets,
    folds: Folds,
    seed: int,
) -> Stack:
    """Train some candidates of one structure in every fold, and keep what held-out rows say.

    Parameters
    ----------
    models : sequence of MultiTaskMLP
        The candidates, not fitted.
    candidates : list of int
        Their positions among all: a network depends on its own alone.
    X : ndarray or sparse array
        Features of rows that have a label.
    targets : Targets
        Their labels.
    folds : list of (ndarray, ndarray)
        Training rows and rows held out.
    seed : int
        Decides all randomness.
    """
    names = targets.tasks.names.tolist()
    settings = [read_setting(name, models[0], names) for name in ("architecture", "balancing")]
    fit = Fit(models[0], X, targets, seed, find_network_tasks(targets, *settings))
    siblings = [fit.sibling(model) for model in models]
    members = [(1 + c, k) for c in candidates for k in range(len(folds))]
    of_member = np.repeat(np.arange(len(models)), len(folds))
    rows = fit.rows()
    training, tests = (_positions(fit, side) for side in zip(*folds, strict=True))
    model_rows = ModelRows(rows, training * len(models))
    held_out = HeldOut(rows, tests * len(models), of_member.tolist())
    seeds = [int(fit.rng(WEIGHTS, *member).integers(2**31)) for member in members]
    priors = task_priors(fit.tasks, rows, model_rows.index)
    module = fit.module(None, members, priors=priors, seeds=seeds)
    start_at_lines(fit, module, model_rows.index)
    fit.give_dropout(module, [models[c] for c in of_member.tolist()])
    n_epochs = fit.max_iter(model_rows)
    run = start(
        fit,
        module,
        rows,
        members,
        max_iter=n_epochs,
        monitor="mean",
        constant=np.zeros(fit.tasks.n_tasks),
        model_rows=model_rows,
        fits=[siblings[c] for c in of_member.tolist()],
    )
    judge = _Judge(fit, run, held_out, parts_of(folds, X.shape[0]))
    judged = np.ceil(np.linspace(EARLIEST, 1.0, N_SNAPSHOTS) * n_epochs).astype(int)
    batch_size = fit.batch_size(model_rows)
    work = batch_size * sum(p.numel() for p in module.parameters())
    with limited_threads(models[0].n_threads, work), memory_hint(batch_size):
        for epoch in range(1, n_epochs + 1):
            run_epoch(run, model_rows, batch_size)
            if epoch in judged:
                judge(epoch)
    return judge.stack(candidates)


class _Judge:
    """Keeps the snapshot of every candidate whose networks lose least on held-out rows."""

    def __init__(self, fit: Fit, run: Run, held_out: HeldOut, part: Array) -> None:
        self.fit, self.run, self.held_out, self.n_rows = fit, run, held_out, len(part)
        self.judged = np.flatnonzero(held_out.counts[0, :, 0])
        self.rows = fit.rows(self.judged)
        self.best = Snapshot(run.module)
        part = part[fit.kept]
        self.parts = [part == k for k in range(part.max(initial=-1) + 1)]
        n = held_out.n_places
        self.loss, self.n_iter = np.full(n, np.inf), np.zeros(n, dtype=int)
        self.loss_elsewhere = np.full((len(self.parts), n), np.inf)
        shape = (n, held_out.rows.n_rows, fit.tasks.n_outputs)
        self.raw, self.left_out = np.full((2, *shape), np.nan)

    def __call__(self, epoch: int) -> None:
        """Look at the networks as they are."""
        raw = self.held_out.raw_scores(self.run.module)
        scores = self.rows.values.new_tensor(raw[:, self.judged])
        labels = self.rows.labels(len(raw))
        n_folds = len(self.held_out.index) // len(raw)
        # What a fold holds out may have no label that shows how its network diverges.
        now = self.best.now()
        is_sound = is_finite(now).reshape(-1, n_folds).all(axis=1)
        loss = np.where(is_sound, self._loss(scores, labels), np.inf)
        is_better = loss < self.loss
        self.loss[is_better], self.n_iter[is_better] = loss[is_better], epoch
        self.raw[is_better] = raw[is_better]
        if is_better.any():
            self.best.save(np.repeat(is_better, n_folds), now)
        for rows, least in zip(self.parts, self.loss_elsewhere, strict=True):
            counts = labels.weights.new_tensor(~rows[self.judged])
            counts = counts.view(-1, *[1] * (labels.weights.ndim - 2))
            loss = self._loss(
                scores,
                replace(
                    labels, weights=labels.weights * counts, all_observed=False, all_alike=False
                ),
            )
            is_better = is_sound & (loss < least)
            least[is_better] = loss[is_better]
            self.left_out[np.ix_(is_better, rows)] = raw[np.ix_(is_better, rows)]

    def _loss(self, scores: Any, labels: Batch) -> Array:
        """Mean loss over tasks (n_candidates,), infinite where that of a task is not finite."""
        losses = self.run.step.objective(scores, labels).cpu().numpy().astype(np.float64)
        return np.where(np.isfinite(losses).all(axis=1), self.run.progress.mean(losses), np.inf)

    def stack(self, candidates: list[int]) -> Stack:
        """What was kept."""
        self.best.restore()
        fit = self.fit
        parameters = get_state(self.run.module)
        raw, left_out = (self._of_all(found) for found in (self.raw, self.left_out))
        task_sets = [self._settled(one[fit.kept]) for one in raw]
        n_folds = len(self.held_out.index) // len(raw)
        fitted = FittedState(
            fit.description,
            parameters,
            fit.network_tasks,
            inputs=fit.inputs,
            task_sets=tuple(np.repeat(np.array(task_sets, dtype=object), n_folds)),
        )
        return Stack(candidates, fitted, raw, left_out, self.loss, self.n_iter, task_sets)

    def _settled(self, raw: Array) -> TaskSet:
        """What the raw scores of a candidate mean: the rows of its folds have one scale."""
        is_held_out = np.isfinite(raw).all(axis=1)
        targets = self.fit.given.take(np.flatnonzero(is_held_out))
        return self.fit.given.tasks.settled(raw[is_held_out], targets)

    def _of_all(self, found: Array) -> Array:
        """The raw scores of all rows and tasks."""
        of_tasks = of_all_tasks(found, self.fit.given.tasks, self.fit.network_tasks)
        raw = np.full((len(of_tasks), self.n_rows, of_tasks.shape[-1]), np.nan)
        raw[:, self.fit.kept] = of_tasks
        return raw


def _positions(fit: Fit, folds: Sequence[Array]) -> list[Array]:
    """Rows of every fold among those of the fit, which leaves out some without a label."""
    return [np.flatnonzero(np.isin(fit.kept, rows)) for rows in folds]
