"""Long form: rows of tasks that a network meets as it goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._further_rows import with_tasks_of
from skmtl.neural import networks, training
from skmtl.tasks._columns import match

Array = NDArray[Any]


def take_in_tasks(estimator: Any, task_column: Array | None) -> None:
    """Give tasks of further rows parameters of their own, if they are new."""
    if task_column is None:
        return
    tasks, fitted = estimator._task_set, estimator._fitted
    every = with_tasks_of(tasks, task_column)
    if every is tasks:
        return
    names, place = every.names, match(every.names, tasks.names)
    new = np.setdiff1d(np.arange(len(names)), place)
    if fitted.pause is not None:
        raise ValueError(
            f"Task {names[new[0]]!r} is not one of those that the interrupted fit had: it goes on "
            "with the same rows."
        )
    of_network = place if fitted.network_tasks is None else place[fitted.network_tasks]
    kept = np.sort(np.concatenate([of_network, new]))
    within = np.searchsorted(kept, of_network)
    architecture = training.read_setting("architecture", estimator, names.tolist())
    fitted = networks.with_more_tasks(fitted, within.tolist(), len(kept), architecture)
    if len(kept) < len(names):
        fitted = replace(fitted, network_tasks=kept)
    if fitted.stream is not None:
        # Balancing and the moments of the solver start anew.
        stream = replace(
            fitted.stream,
            weight=_spread(fitted.stream.weight, within, len(kept), 0.0),
            loss=_spread(fitted.stream.loss, within, len(kept), 0.0),
            learnt=None,
        )
        fitted = replace(fitted, stream=stream)
    estimator._fitted, estimator._task_set = fitted, every
    zero = {"task_weight", "n_labels"}
    estimator.history_ = {
        key: _spread(curve, place, len(names), 0 if key in zero else np.nan)
        for key, curve in estimator.history_.items()
        if curve.ndim > 1
    } | {key: curve for key, curve in estimator.history_.items() if curve.ndim == 1}


def _spread(array: Array, place: Array, n_tasks: int, fill: Any) -> Array:
    """From the tasks of before to all, along the last axis."""
    found = np.full((*array.shape[:-1], n_tasks), fill, dtype=array.dtype)
    found[..., place] = array
    return found
