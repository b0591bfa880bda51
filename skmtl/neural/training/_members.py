"""Which tasks a network is made for: those from which something can be learnt.

A task without labels, or with one class only, would take part in what is drawn (dropout, random
weights) and in what tasks share (the mix of cross-stitch networks), although it has no say.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skmtl._warnings import name_tasks


def find_members(targets, *parts):
    """Indices of the tasks that the network is made for; None for all of them.

    ``parts`` are the architecture and the balancing method.
    """
    tasks = targets.tasks
    learns = _may_learn(targets)
    if learns.all() or not learns.any():
        return None
    members = np.flatnonzero(learns)
    if any(part_for(part, members, tasks.n_tasks) is None for part in parts):
        return None
    return members


def part_for(part, members, n_tasks):
    """An architecture or a balancing method for some of the tasks; None if it cannot be had.

    What speaks of tasks in its settings has a method ``for_tasks``. Those of a user may not.
    """
    if members is None:
        return part
    if hasattr(part, "for_tasks"):
        return part.for_tasks(members, n_tasks)
    settings = part.get_params(deep=True) if hasattr(part, "get_params") else vars(part)
    speaks_of_tasks = any(
        hasattr(value, "__len__") and not isinstance(value, str) for value in settings.values()
    )
    return None if speaks_of_tasks else part


def restrict(targets, members):
    """The labels of those tasks alone.

    Raises
    ------
    ValueError
        If another task has labels by now.
    """
    if members is None:
        return targets
    others = _may_learn(targets)
    others[members] = False
    if others.any():
        raise ValueError(
            f"{name_tasks(targets.tasks.names[others].tolist())}: no label in the first fit, so "
            "that the network that goes on knows nothing of it. Set warm_start=False to start "
            "anew, or begin with partial_fit or warm_start=True, which expect labels to come."
        )
    if targets.task_index is None:
        some = targets.select(members)
        # In memory as without the others: sums over rows depend on it, by the last bit.
        values, weights = (np.ascontiguousarray(a) for a in (some.values, some.weights))
        return replace(some, values=values, weights=weights)
    place = np.full(targets.tasks.n_tasks, -1)
    place[members] = np.arange(len(members))
    return replace(targets, tasks=targets.tasks.take(members), task_index=place[targets.task_index])


def spread(array, members, n_tasks, fill=np.nan):
    """From the tasks of the network to all, along the last axis."""
    if members is None:
        return array
    shape = (*array.shape[:-1], n_tasks)
    found = np.broadcast_to(np.asarray(fill, dtype=float), shape).copy()
    found[..., members] = array
    return found


def _may_learn(targets):
    """Tasks that have labels, of more than one class."""
    tasks = targets.tasks
    has_label = targets.sum_by_task((targets.weights > 0).astype(float)) > 0
    if tasks.is_long:
        return has_label
    return has_label & np.array([task.n_outputs_ > 0 for task in tasks.tasks])
