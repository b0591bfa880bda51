"""Fitted attributes, and what a fit says at its end."""

from __future__ import annotations

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skmtl._base import mean_score
from skmtl._warnings import warn
from skmtl.neural._network import get_state


def write_results(fit, module, progress, rows, held_out=None, *, goes_on=False):
    """Set the fitted attributes; with ``goes_on`` the curves are continued."""
    estimator = fit.estimator
    history = {
        "loss": np.array([losses[0] for losses in progress.losses]),
    }
    history["task_weight"] = np.broadcast_to(fit.task_weight, history["loss"].shape)
    if progress.weights[0] is not None:
        history["task_weight"] = np.array([weights[0] for weights in progress.weights])
    history["loss"][:, ~rows.task_has_label] = np.nan
    if held_out is not None:
        history["validation_loss"] = np.array([losses[0] for losses in progress.validation_losses])
    if goes_on:
        before = estimator.history_
        history = {key: np.concatenate([before[key], history[key]]) for key in history}
    estimator._state = get_state(module)
    estimator._built = {}
    estimator.history_ = history
    estimator.loss_curve_ = history["loss"]
    estimator.n_iter_ = len(history["loss"])
    best_loss = float(progress.best_loss[0])
    estimator.best_loss_ = min(best_loss, estimator.best_loss_) if goes_on else best_loss
    estimator.diverged_ = bool(progress.diverged_task[0] >= 0)
    estimator.interrupted_ = progress.interrupted
    estimator.best_validation_score_ = None
    if held_out is not None:
        estimator.best_validation_score_ = _score(fit, held_out)


def _score(fit, held_out):
    """The estimator's score on the rows held out."""
    targets = fit.targets.take(held_out)
    links = fit.estimator._links(fit.X[held_out], targets.task_index)
    values = targets.values.reshape(len(held_out), -1).T
    weights = targets.weights.reshape(len(held_out), -1).T
    columns = zip(fit.tasks.tasks, links, values, weights, strict=True)
    return mean_score([fit.estimator._task_score(*column) for column in columns])


def check_finite_epoch(fit, progress):
    """Raise if not even the first epoch was finite: there is nothing to keep."""
    if not progress.n_epochs:
        raise ValueError(_divergence(fit, progress))


def warn_of_end(fit, progress, *, has_stopped):
    """Warn if the fit was interrupted, diverged, or did not converge."""
    estimator = fit.estimator
    if progress.interrupted:
        try:
            warn(
                f"The fit was interrupted; the best of its {progress.n_epochs} complete epochs "
                "is kept."
            )
        finally:
            raise KeyboardInterrupt
    if estimator.diverged_:
        text = f"{_divergence(fit, progress)} The best epoch before it is kept."
        warn(text, ConvergenceWarning)
    elif not progress.has_converged.all() and not has_stopped and fit.tasks.n_outputs:
        warn(
            f"Maximum number of epochs reached (max_iter={estimator.max_iter}): the loss fell "
            f"by more than tol={estimator.tol:g} within the last "
            f"n_iter_no_change={estimator.n_iter_no_change} epochs.",
            ConvergenceWarning,
        )


def _divergence(fit, progress):
    task = fit.tasks.names.tolist()[progress.diverged_task[0]]
    return (
        f"The loss of task {task!r} became infinite, NaN, or a million times the first in "
        f"epoch {progress.n_epochs + 1}. Lower "
        f"learning_rate_init={fit.estimator.learning_rate_init:g}, or scale X "
        "(sklearn.preprocessing.StandardScaler)."
    )
