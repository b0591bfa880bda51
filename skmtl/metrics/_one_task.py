"""The score of the one task that a scorer asks for by name."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

from skmtl._shown import shown
from skmtl.tasks import Task


def score_of_task(task: Task, tasks: Any, scores: Any, metric: Any) -> Any:
    """Score of the task of this name, or key; ``scores`` has those that the metric is for."""
    key = _key_of(task, tasks)
    if key not in scores:
        kind = next(found.task_type.alias for found in tasks if found.key == key)
        raise ValueError(f"Task {task!r} is {kind}, which metric={metric!r} is not for.")
    return scores[key]


def _key_of(task: Task, tasks: Any) -> Any:
    keys = [found.key for found in tasks]
    return keys[position_of(task, [found.name for found in tasks], keys)]


def position_of(task: Any, names: Sequence[Any], keys: Sequence[str]) -> int:
    """Where the task of this name, or key, stands; raises where there is none."""
    # Names first: the key of one task may be the name of another.
    for known in (names, keys):
        for position, found in enumerate(known):
            if found == task:
                return position
    close = get_close_matches(str(task), keys, n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"There is no task {task!r}; the tasks are {shown(names, 20)}.{meant}")
