"""The networks of one fit, or of several side by side, before their first epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from skmtl.neural._data import Rows
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.networks._state import FittedState
from skmtl.neural.training._early_stopping import Validation
from skmtl.neural.training._evaluate import best_constant, constant_losses, task_priors
from skmtl.neural.training._run import Run
from skmtl.neural.training._setup import ALONE, Fit
from skmtl.neural.training._start import start
from skmtl.neural.training._task_lines import start_at_lines

Array = NDArray[Any]


def started(
    fits: Sequence[Fit],
    rows: Rows,
    validation: Validation | None,
    before: FittedState | None = None,
) -> Run:
    """The run of all networks: those of the first fit, then those of the second, ...

    One fit may go on from where another has left its networks.
    """
    fit, n = fits[0], len(fits)
    members = list(ALONE if validation is None else validation.members)
    model_rows = None if validation is None else validation.side_by_side(n).model_rows(rows)
    judged = validation.rows if validation is not None and fit.estimator.early_stopping else None
    constant = best_constant(fit.tasks, rows)
    run = start(
        fit,
        begun(fits, rows, validation, constant, before),
        rows,
        members * n,
        max_iter=fit.max_iter(model_rows or rows),
        monitor=fit.estimator.monitor,
        constant=constant_losses(constant, fit.objective, rows),
        judged=judged,
        model_rows=model_rows,
        fits=[one for one in fits for _ in members],
    )
    if before is not None and before.pause is not None:
        run.load(before.pause.run)
    return run


def begun(
    fits: Sequence[Fit],
    rows: Rows,
    validation: Validation | None,
    constant: Array,
    before: FittedState | None = None,
) -> MultiTaskModule:
    """The networks of fits to the same rows, as they begin; ``constant`` is `best_constant`."""
    fit, n = fits[0], len(fits)
    members = list(ALONE if validation is None else validation.members)
    of_models = [one for one in fits for _ in members]
    model_rows = None if validation is None else validation.side_by_side(n).model_rows(rows)
    index = None if model_rows is None else model_rows.index
    module = fit.module(
        None if before is None else before.parameters,
        members * n,
        priors=task_priors(fit.tasks, rows, index, constant),
        seeds=[one.seed for one in of_models],
        fits=of_models,
    )
    if before is None:
        training = None if validation is None else validation.training
        start_at_lines(fit, module, index or [training] * len(of_models))
    if n > 1:
        fit.give_dropout(module, [one.estimator for one in of_models])
    return module
