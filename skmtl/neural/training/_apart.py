"""Networks of one shape side by side, each of some rows and tasks of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from skmtl.neural._data import Rows
from skmtl.neural.networks._network import get_state
from skmtl.neural.training._early_stopping import Validation
from skmtl.neural.training._evaluate import best_constant, constant_losses
from skmtl.neural.training._model_rows import ModelRows
from skmtl.neural.training._run import Run
from skmtl.neural.training._setup import ALONE, Fit, Member
from skmtl.neural.training._start import start
from skmtl.neural.training._started import begun

NUMBERS = count()
"""What is alike for no two parts."""


@dataclass(frozen=True, eq=False)
class Part:
    """Fits to the same rows, the rows that they train on, and what is held out."""

    fits: Sequence[Fit]
    rows: Rows
    validation: Validation | None

    @property
    def members(self) -> list[Member]:
        """The models of each fit."""
        return list(ALONE if self.validation is None else self.validation.members)

    @property
    def n_models(self) -> int:
        """Models of all fits."""
        return len(self.members) * len(self.fits)

    @property
    def index(self) -> list[Any]:
        """Training rows of each model of a fit."""
        model_rows = None if self.validation is None else self.validation.model_rows(self.rows)
        return [np.arange(self.rows.n_rows)] if model_rows is None else list(model_rows.index)

    @property
    def shape(self) -> dict[str, Any]:
        """What is alike for parts that train side by side."""
        fit, sizes = self.fits[0], [len(some) for some in self.index]
        is_apart = fit.tasks.is_long or fit.estimator.early_stopping
        # What is trained before the network has bins of the rows it was fitted to.
        is_apart |= fit.estimator.balancing != "equal" or fit.description["embedding"] is not None
        return {
            "description": fit.description,
            "dtype": fit.dtype,
            "losses": [task.loss_key for task in fit.tasks.tasks],
            "weights": fit.task_weight,
            "sizes": sizes,
            "max_iter": fit.max_iter(self.model_rows or self.rows),
            # Batches would begin and end elsewhere if some had more rows; what is judged, or
            # balanced by chance, is that of one set of rows.
            "alone": next(NUMBERS) if is_apart else None,
        }

    @property
    def model_rows(self) -> ModelRows | None:
        """See `Validation`."""
        return None if self.validation is None else self.validation.model_rows(self.rows)


def started_apart(parts: Sequence[Part]) -> Run:
    """The run of all networks: those of the fits of the first part, then of the second, ..."""
    first = parts[0].fits[0]
    rows = Rows.joined([part.rows for part in parts])
    begins = np.cumsum([0, *(part.rows.n_rows for part in parts)])
    members: list[Member] = []
    fits: list[Fit] = []
    index: list[Any] = []
    states: list[dict[str, Any]] = []
    constants: list[Any] = []
    for part, begin in zip(parts, begins, strict=False):
        fit, n = part.fits[0], len(part.fits)
        members += part.members * n
        fits += [one for one in part.fits for _ in part.members]
        index += [begin + some for some in part.index] * n
        constant = best_constant(fit.tasks, part.rows)
        states.append(get_state(begun(part.fits, part.rows, part.validation, constant)))
        losses = constant_losses(constant, fit.objective, part.rows)
        constants += [losses] * part.n_models
    state = {name: np.concatenate([one[name] for one in states]) for name in states[0]}
    module = first.module(state, members, priors=[], fits=fits)
    first.give_dropout(module, [fit.estimator for fit in fits])
    model_rows = ModelRows(rows, index)
    return start(
        first,
        module,
        rows,
        members,
        max_iter=first.max_iter(model_rows),
        monitor=first.estimator.monitor,
        constant=np.array(constants),
        model_rows=model_rows,
        fits=fits,
    )
