"""What early stopping goes by: some rows are held out or, where those are few, each in its turn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.model_selection._folds import spread_folds
from skmtl.model_selection._strata import strata_of
from skmtl.neural._data import Rows
from skmtl.neural.networks._predict import of_all_tasks
from skmtl.neural.networks._state import FittedState
from skmtl.neural.training._evaluate import mean_losses
from skmtl.neural.training._model_rows import HeldOut, ModelRows
from skmtl.neural.training._run import Run
from skmtl.neural.training._setup import ALONE, SPLIT, Fit, Member
from skmtl.neural.training._validation import may_be_held_out, validation_split
from skmtl.sources._stored_rows import StoredRows

Array = NDArray[Any]

FEW = 100
"""Rows whose loss says too little of the best epoch: measured, benchmarks/accuracy."""

N_FOLDS = 4
"""Models that train beside the one that is kept; each leaves out a part of the rows."""


class Validation(ABC):
    """Rows to judge by.

    Attributes
    ----------
    training : ndarray of int or None
        The rows that are trained on; None for all.
    judged : ndarray of int
        The rows whose loss is judged.
    rows : Rows
        The latter.
    members : sequence of tuple of int
        The models that train; the first is kept.
    """

    training: Array | None = None
    judged: Array
    rows: Rows
    members: Sequence[Member] = ALONE

    def model_rows(self, rows: Rows) -> ModelRows | None:
        """Training rows of each model; None if all have the same."""
        return None

    def side_by_side(self, n: int) -> Validation:
        """The same for the models of so many fits at once."""
        return self

    @abstractmethod
    def raw(self, run: Run) -> Array:
        """Raw scores (n_fits, n, n_outputs) of the rows judged, by who has not seen them."""

    @abstractmethod
    def losses(self, run: Run) -> Array:
        """Losses (n_models, n_tasks) that judge an epoch."""

    @abstractmethod
    def expected(self, fit: Fit, run: Run) -> list[Array]:
        """What the networks, as they are, expect of the rows that are judged."""


def hold_out(fit: Fit, before: FittedState | None) -> Validation:
    """Folds where ``validation_fraction`` would be few rows, else a split.

    A network that goes on from an earlier fit has seen the rows of every fold.
    """
    few = fit.estimator.validation_fraction * len(fit.targets.values) < FEW
    if before is not None:
        few = before.pause is not None and len(before.pause.run["rngs"]) > 1
    return Folds(fit) if few else Split(fit)


class Split(Validation):
    """A share of the rows is held out."""

    def __init__(self, fit: Fit) -> None:
        share = fit.estimator.validation_fraction
        if isinstance(fit.X, StoredRows):
            # They are in memory, where so many are enough.
            share = min(share, fit.X.most_rows / fit.X.shape[0])
        self.training, self.judged = validation_split(fit.targets, share, fit.rng(SPLIT))
        self.rows = fit.rows(self.judged)

    def raw(self, run: Run) -> Array:
        """Those of the network that is kept."""
        return HeldOut(self.rows, [np.arange(self.rows.n_rows)], [0]).raw_scores(run.module)

    def losses(self, run: Run) -> Array:
        """Its loss on the rows held out."""
        return mean_losses(run, self.rows)

    def expected(self, fit: Fit, run: Run) -> list[Array]:
        """What it expects of them."""
        index = fit.given.take(self.judged).task_index
        found: list[Array] = fit.estimator._expected(fit.X[self.judged], index)
        return found


class Folds(Validation):
    """A model trains on all rows, and beside it some on all but a fold each.

    The loss of every row, by the model that has not seen it, decides on the epoch for all.
    ``n_models`` is how many of the latter there are: by default one for each fold.
    """

    def __init__(self, fit: Fit, n_models: int = N_FOLDS) -> None:
        targets, n_rows = fit.targets, len(fit.targets.values)
        can_judge = may_be_held_out(targets)
        seed = int(fit.rng(SPLIT).integers(2**31))
        folds = spread_folds(strata_of(targets), min(N_FOLDS, n_rows), seed=seed)
        held = [test[can_judge[test]] for _, test in folds[:n_models]]
        every = np.arange(n_rows)
        self.index = [every, *(np.setdiff1d(every, some) for some in held)]
        self.members = [*ALONE, *((0, k) for k in range(1, len(self.index)))]
        self.judged = np.sort(np.concatenate(held))
        self.rows = fit.rows(self.judged)
        self.held_out = HeldOut(fit.rows(), [every[:0], *held], [0] * len(self.index))

    def side_by_side(self, n: int) -> Folds:
        """The same for the models of so many fits at once."""
        other, found = copy(self), self.held_out
        other.index, other.members = self.index * n, list(self.members) * n
        place = np.repeat(np.arange(n), len(self.index)).tolist()
        other.held_out = HeldOut(found.rows, list(found.index) * n, place)
        return other

    def model_rows(self, rows: Rows) -> ModelRows:
        """All for the first model, those outside a fold for each of the others."""
        return ModelRows(rows, self.index)

    def raw(self, run: Run) -> Array:
        """Each row by the model that has not seen it."""
        return self.held_out.raw_scores(run.module)[:, self.judged]

    def losses(self, run: Run) -> Array:
        """The mean loss over all rows, for each model the same."""
        raw = self.rows.values.new_tensor(self.raw(run))
        found = run.step.objective(raw, self.rows.labels(len(raw)))
        losses = found.cpu().numpy().astype(np.float64)
        losses[:, ~self.rows.task_has_label] = np.nan
        return np.repeat(losses, len(self.index) // len(raw), axis=0)

    def expected(self, fit: Fit, run: Run) -> list[Array]:
        """What the models that have not seen a row expect of it."""
        tasks, index = fit.given.tasks, fit.given.take(self.judged).task_index
        raw = self.raw(run)[0]
        if fit.shrinkage is not None:
            raw = fit.shrinkage.apply(raw, fit.targets.take(self.judged).task_index)
        return tasks.inverse_link(of_all_tasks(raw, tasks, fit.network_tasks), index)
