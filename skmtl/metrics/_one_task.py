"""The score of the one task that a scorer asks for by name."""

from __future__ import annotations

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
    # Names first: the key of one task may be the name of another.
    for attribute in ("name", "key"):
        for found in tasks:
            if getattr(found, attribute) == task:
                return found.key
    known = [found.name for found in tasks]
    close = get_close_matches(str(task), [found.key for found in tasks], n=1)
    meant = f" Did you mean {close[0]!r}?" if close else ""
    raise ValueError(f"There is no task {task!r}; the tasks are {shown(known, 20)}.{meant}")
