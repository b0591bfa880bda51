"""Long form: rows of tasks that a network meets as it goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.neural import networks, training
from skmtl.tasks._columns import match
from skmtl.tasks._features import read_task_index

Array = NDArray[Any]


def take_in_tasks(estimator: Any, task_column: Array | None) -> None:
    """Give tasks of further rows parameters of their own, if they are new."""
    if task_column is None:
        return
    tasks, fitted = estimator._task_set, estimator._fitted
    found = read_task_index(task_column)[0]
    new = found[match(tasks.names, found) < 0]
    if not len(new):
        return
    if fitted.pause is not None:
        raise ValueError(
            f"Task {new.tolist()[0]!r} is not one of those that the interrupted fit had: it goes "
            "on with the same rows."
        )
    names = tasks.names.tolist()
    if (new.dtype.kind == "O") != (tasks.names.dtype.kind == "O"):
        raise ValueError(
            f"Task {new.tolist()[0]!r} has a name of another kind than those of the first call, "
            f"such as {names[0]!r}."
        )
    names = np.sort(np.concatenate([tasks.names, new]))
    place = match(names, tasks.names)
    of_network = place if fitted.network_tasks is None else place[fitted.network_tasks]
    kept = np.sort(np.concatenate([of_network, match(names, new)]))
    architecture = training.read_setting("architecture", estimator, names.tolist())
    fitted = networks.with_more_tasks(
        fitted, match(kept, of_network).tolist(), len(kept), architecture
    )
    if len(kept) < len(names):
        fitted = replace(fitted, network_tasks=kept)
    if fitted.stream is not None:
        # Balancing and the moments of the solver start anew.
        stream = replace(
            fitted.stream,
            weight=_spread(fitted.stream.weight, place, len(names), 0.0),
            loss=_spread(fitted.stream.loss, place, len(names), 0.0),
            learnt=None,
        )
        fitted = replace(fitted, stream=stream)
    estimator._fitted = fitted
    estimator._task_set = replace(
        tasks, names=names, n_labels=_spread(tasks.n_labels, place, len(names), 0)
    )
    fills = {"task_weight": 0.0}
    estimator.history_ = {
        key: _spread(curve, place, len(names), fills.get(key, np.nan))
        for key, curve in estimator.history_.items()
    }


def _spread(array: Array, place: Array, n_tasks: int, fill: Any) -> Array:
    """From the tasks of before to all, along the last axis."""
    found = np.full((*array.shape[:-1], n_tasks), fill, dtype=array.dtype)
    found[..., place] = array
    return found
