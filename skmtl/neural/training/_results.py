"""Fitted attributes, and what a fit says at its end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from torch import nn

from skmtl._scored_columns import mean_score
from skmtl._warnings import name_tasks, warn
from skmtl.neural._data import Rows
from skmtl.neural.networks._network import get_state
from skmtl.neural.networks._state import FittedState
from skmtl.neural.networks._tasks import to_all_tasks
from skmtl.neural.training._early_stopping import Validation
from skmtl.neural.training._progress import SMALL, Progress
from skmtl.neural.training._run import Run
from skmtl.neural.training._settle import settled
from skmtl.neural.training._setup import Fit
from skmtl.neural.training._shrink import shrinkage

Array = NDArray[Any]


def fitted_state(fit: Fit, module: nn.Module) -> FittedState:
    """The first network as it is."""
    state = {name: array[:1].copy() for name, array in get_state(module).items()}
    return FittedState(
        fit.description, state, fit.network_tasks, inputs=fit.inputs, shrinkage=fit.shrinkage
    )


def write_results(
    fit: Fit,
    run: Run,
    rows: Rows,
    validation: Validation | None = None,
    *,
    goes_on: bool = False,
) -> None:
    """Set the fitted attributes; with ``goes_on`` the curves are continued."""
    estimator, progress = fit.estimator, run.progress
    if validation is not None:
        fit.shrinkage = shrinkage(fit, run, validation)
    estimator._fitted = fitted_state(fit, run.module)
    estimator._publish(settled(fit, run, rows, validation))
    history = {"loss": np.array([losses[0] for losses in progress.losses])}
    history["task_weight"] = np.broadcast_to(fit.task_weight, history["loss"].shape)
    if progress.weights[0] is not None:
        weights = [weights[0] for weights in progress.weights if weights is not None]
        history["task_weight"] = np.array(weights)
    history["loss"][:, ~rows.task_has_label] = np.nan
    if estimator.early_stopping:
        history["validation_loss"] = np.array([losses[0] for losses in progress.validation_losses])
    history = _for_all_tasks(fit, history)
    if goes_on:
        before = estimator.history_
        history = {key: np.concatenate([before[key], history[key]]) for key in history}
    estimator.history_ = history
    estimator.loss_curve_ = history["loss"]
    estimator.n_iter_ = len(history["loss"])
    best_loss = float(progress.best_loss[0])
    estimator.best_loss_ = min(best_loss, estimator.best_loss_) if goes_on else best_loss
    estimator.diverged_ = bool(progress.diverged_task[0] >= 0)
    estimator.interrupted_ = progress.interrupted
    estimator.best_validation_score_ = None
    if validation is not None and estimator.early_stopping:
        estimator.best_validation_score_ = _score(fit, run, validation)


def _for_all_tasks(fit: Fit, history: dict[str, Array]) -> dict[str, Array]:
    """Curves of all tasks: one that the network is not made for has no weight and no loss."""
    tasks = fit.given.tasks
    # That of a task with a single class is 0, as its prediction is certain.
    fill = np.where(tasks.n_labels > 0, 0.0, np.nan)
    fills = {"task_weight": 0.0, "loss": fill, "validation_loss": fill}
    return {
        key: to_all_tasks(curve, fit.network_tasks, tasks.n_tasks, fills[key])
        for key, curve in history.items()
    }


def _score(fit: Fit, run: Run, validation: Validation) -> float:
    """The score on the rows held out."""
    targets, expected = fit.given.take(validation.judged), validation.expected(fit, run)
    scores = [
        fit.estimator._task_score(task, of_task, values, weights)
        for (task, values, weights), of_task in zip(targets.columns(), expected, strict=True)
    ]
    return mean_score(scores)


def check_finite_epoch(fit: Fit, progress: Progress) -> None:
    """Raise if not even the first epoch was finite: there is nothing to keep."""
    if not progress.n_iter[0]:
        raise ValueError(_divergence(fit, progress))


def warn_of_end(fit: Fit, progress: Progress, losses: Array | None, *, has_stopped: bool) -> None:
    """Warn if the fit was interrupted, diverged, did not converge, or learnt nothing.

    ``losses`` (n_models, n_tasks) are those measured where they were in doubt, or None.
    """
    if progress.interrupted:
        try:
            warn(
                f"The fit was interrupted; the best of its {progress.n_epochs} complete epochs "
                "is kept."
            )
        finally:
            raise KeyboardInterrupt
    if warn_of_divergence(fit, progress):
        return
    useless = _useless(fit, progress, losses)
    if not progress.has_converged.all() and not has_stopped and fit.tasks.n_outputs:
        estimator = fit.estimator
        warn(
            f"Maximum number of epochs reached (max_iter={estimator.max_iter}): the loss fell "
            f"by more than tol={estimator.tol:g} within the last "
            f"n_iter_no_change={estimator.n_iter_no_change} epochs.{useless and ' ' + useless}",
            ConvergenceWarning,
        )
    elif useless:
        warn(useless)


def warn_of_divergence(fit: Fit, progress: Progress) -> bool:
    """Warn if training was stopped, or undone, because the loss had diverged."""
    if progress.diverged_task[0] < 0:
        return False
    warn(
        f"{_divergence(fit, progress)} The parameters before it, with the best loss, are kept.",
        ConvergenceWarning,
    )
    return True


def _useless(fit: Fit, progress: Progress, losses: Array | None) -> str:
    """What to say where the network is worse than a constant on its own training rows."""
    if losses is None:
        return ""
    constant = np.atleast_2d(progress.constant)[0]
    if fit.tasks.is_long:
        names = []
        is_worse = progress.mean(losses)[0] > progress.constant_loss[0] + progress.tol
    else:
        # A constant target leaves nothing to explain.
        worse = (losses[0] > constant + progress.tol) & (np.abs(constant) > SMALL)
        names, is_worse = fit.tasks.names[worse].tolist(), worse.any()
    if not is_worse:
        return ""
    whose = f"{name_tasks(names)}: the" if names else "The"
    return (
        f"{whose} network is worse than a constant on its own training data. Train for more "
        f"epochs (max_iter), with another learning_rate_init (now "
        f"{fit.estimator.learning_rate_init:g}), or scale X "
        "(sklearn.preprocessing.StandardScaler)."
    )


def _divergence(fit: Fit, progress: Progress) -> str:
    task = fit.tasks.names.tolist()[progress.diverged_task[0]]
    if progress.fell_back[0]:
        what = (
            f"After epoch {progress.n_epochs} the loss of task {task!r} is far above that of "
            "the start and that of a constant."
        )
    else:
        what = (
            f"The loss of task {task!r} became infinite, NaN, or a million times the first in "
            f"epoch {progress.n_epochs + 1}."
        )
    return (
        f"{what} Lower learning_rate_init={fit.estimator.learning_rate_init:g}, or scale X "
        "(sklearn.preprocessing.StandardScaler)."
    )
