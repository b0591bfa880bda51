"""An estimator in the middle of its fit, to go on from there."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from sklearn.base import clone

from skmtl.neural._data import Rows
from skmtl.neural.networks._state import Pause
from skmtl.neural.optimizers._schedules import PLANNED
from skmtl.neural.training._compare import differences
from skmtl.neural.training._early_stopping import Validation
from skmtl.neural.training._evaluate import keep_good
from skmtl.neural.training._results import write_results
from skmtl.neural.training._run import Run
from skmtl.neural.training._setup import Fit
from skmtl.neural.training._snapshot import Snapshot

# Parameters that change nothing of the epochs to come; of the seed the number is kept.
FREE = {"warm_start", "max_iter", "random_state", "verbose"}

# What an estimator has during a fit only.
PASSING = ("_watch", "_callback_fit_ctx", "_parent_callback_ctx", "_skl_callbacks_to_teardown")


def pause(fit: Fit, run: Run, rows: Rows, validation: Validation | None) -> Any:
    """The estimator as if the fit had stopped here, and with what it takes to go on.

    Parameters
    ----------
    fit : Fit
        The fit.
    run : Run
        Between two epochs.
    rows : Rows
        Training data.
    validation : Validation or None
        The rows held out.
    """
    estimator = copy.copy(fit.estimator)
    for name in PASSING:
        estimator.__dict__.pop(name, None)
    stopped = copy.copy(fit)
    stopped.estimator = estimator
    now, end = Snapshot(run.module), replace(run, progress=run.progress.aside())
    keep_good(end, rows, fit.batch_size(run.model_rows or rows))
    write_results(stopped, end, rows, validation)
    now.restore()
    point = Pause(
        parameters=_parameters(fit.estimator),
        data=fit.fingerprint,
        seed=fit.seed,
        tasks=fit.given.tasks,
        run=run.state(),
    )
    estimator._fitted = replace(estimator._fitted, pause=point)
    return estimator


def check_same_fit(fit: Fit, paused: Pause) -> None:
    """Raise if a fit is not the one that was paused."""
    changes = differences(paused.parameters, _parameters(fit.estimator))
    if fit.fingerprint != paused.data:
        changes = ", ".join(filter(None, [changes, "X, y or sample_weight are others"]))
    if changes:
        raise ValueError(
            f"The fit goes on exactly where it was saved, but {changes}. Restore them, or set "
            "warm_start=False to start anew."
        )


def _parameters(estimator: Any) -> dict[str, Any]:
    # Clones: an object may be changed in place later on.
    parameters = clone(estimator).get_params(deep=False)
    is_planned = estimator.learning_rate in PLANNED
    # The curve of the learning rate depends on the number of epochs.
    free = FREE - {"max_iter"} if is_planned else FREE
    return {name: value for name, value in parameters.items() if name not in free}
