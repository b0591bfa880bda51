"""The tasks of a network: those from which something can be learnt, in each of its fits.

A task without labels, or with one class only, would take part in what is drawn (dropout, random
weights) and in what tasks share (the mix of cross-stitch networks), although it has no say.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import name_tasks
from skmtl.tasks._targets import Targets

Array = NDArray[Any]


def find_network_tasks(targets: Targets, *settings: Any) -> Array | None:
    """Indices of the tasks that a network is made for; None for all of them.

    ``settings`` are the architecture and the balancing method.
    """
    n_tasks, learns = targets.tasks.n_tasks, _may_learn(targets)
    if learns.all() or not learns.any():
        return None
    network_tasks = np.flatnonzero(learns)
    if any(for_network_tasks(setting, network_tasks, n_tasks) is None for setting in settings):
        return None
    return network_tasks


def for_network_tasks(setting: Any, network_tasks: Array | None, n_tasks: int) -> Any:
    """An architecture or a balancing method for some of the tasks; None if it cannot be had.

    What speaks of tasks in its settings has a method ``for_tasks``. Those of a user may not.
    """
    if network_tasks is None:
        return setting
    if hasattr(setting, "for_tasks"):
        return setting.for_tasks(network_tasks, n_tasks)
    values = setting.get_params(deep=True) if hasattr(setting, "get_params") else vars(setting)
    speaks_of_tasks = any(
        hasattr(value, "__len__") and not isinstance(value, str) for value in values.values()
    )
    return None if speaks_of_tasks else setting


def restrict(targets: Targets, network_tasks: Array | None) -> Targets:
    """The labels of those tasks alone.

    Raises
    ------
    ValueError
        If another task has labels by now.
    """
    if network_tasks is None:
        return targets
    others = _may_learn(targets)
    others[network_tasks] = False
    if others.any():
        raise ValueError(
            f"{name_tasks(targets.tasks.names[others].tolist())}: no label in the first fit, so "
            "that the network that goes on knows nothing of it. Set warm_start=False to start "
            "anew, or begin with partial_fit or warm_start=True, which expect labels to come."
        )
    if targets.task_index is None:
        some = targets.select(network_tasks)
        # In memory as without the others: sums over rows depend on it, by the last bit.
        values, weights = (np.ascontiguousarray(a) for a in (some.values, some.weights))
        return replace(some, values=values, weights=weights)
    index = index_in_network(targets.task_index, network_tasks, targets.tasks.n_tasks)
    return replace(targets, tasks=targets.tasks.take(network_tasks), task_index=index)


def index_in_network(
    task_index: Array | None, network_tasks: Array | None, n_tasks: int
) -> Array | None:
    """Long form: the task of each row among those of the network, -1 for others."""
    if task_index is None or network_tasks is None:
        return task_index
    # One more place, for rows of an unknown task: -1 as well.
    place = np.full(n_tasks + 1, -1)
    place[network_tasks] = np.arange(len(network_tasks))
    return place[task_index]


def to_all_tasks(
    array: Array, network_tasks: Array | None, n_tasks: int, fill: Any = np.nan
) -> Array:
    """From the tasks (or outputs) of the network to all, along the last axis."""
    if network_tasks is None:
        return array
    shape = (*array.shape[:-1], n_tasks)
    found = np.broadcast_to(np.asarray(fill, dtype=float), shape).copy()
    found[..., network_tasks] = array
    return found


def _may_learn(targets: Targets) -> Array:
    """Tasks that have labels, of more than one class."""
    tasks = targets.tasks
    has_label = targets.sum_by_task((targets.weights > 0).astype(float)) > 0
    if tasks.is_long:
        return has_label
    return has_label & np.array([task.n_outputs_ > 0 for task in tasks.tasks])
