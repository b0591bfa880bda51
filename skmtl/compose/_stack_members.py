"""What a stack is made of: estimators with names, and the tasks that each can learn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skmtl._innermost import innermost
from skmtl._shown import shown
from skmtl._warnings import labels_are_known
from skmtl.compose._independent import IndependentTasks
from skmtl.compose._notes import in_a_line
from skmtl.compose._tags import kind_of
from skmtl.tasks._task_set import TaskSet

PARAMETER_OF = {"regressor": "regressor", "classifier": "classifier", None: "estimator"}


@dataclass(frozen=True, eq=False)
class Member:
    """An estimator of this package, not fitted, and the positions of the tasks that it learns.

    There are none where a fold lacks labels of the tasks that it is for.
    ``is_apart``: it is one of scikit-learn's for each task, so that it can fail in one alone.
    """

    name: str
    template: Any
    tasks: np.ndarray
    is_apart: bool


def read_members(named: Any, tasks: TaskSet) -> list[Member]:
    """The members of a stack; raises where one is for none of the tasks, or a task has none."""
    labelled = np.flatnonzero(tasks.n_labels > 0)
    members = [_read_member(name, given, tasks, labelled) for name, given in named]
    is_learned = np.isin(labelled, np.concatenate([member.tasks for member in members]))
    if not is_learned.all():
        t = labelled[~is_learned][0]
        raise ValueError(
            f"Task {tasks.names.tolist()[t]!r} is {_type(tasks, t).alias}, which none of the "
            f"estimators {shown([name for name, _ in named])} learns."
        )
    return members


def _read_member(name: str, given: Any, tasks: TaskSet, labelled: Any) -> Member:
    is_apart = False
    try:
        kind = innermost(given)[1]._kind
    except TypeError:
        is_apart, what = True, kind_of(given)
        kind = {"regressor": "regression", "classifier": "classification"}.get(what, "any")
        template = IndependentTasks(**{PARAMETER_OF[what]: given})
    else:
        template = given
    learned = [
        t
        for t in labelled
        if (kind == "any" or (kind == "classification") == _type(tasks, t).is_classification)
        # One for a task by itself knows nothing of events that were not seen.
        and not (is_apart and _type(tasks, t).has_times)
    ]
    # Without its labels a task may look like one of another type.
    if not learned and len(labelled) == tasks.n_tasks and not labels_are_known():
        found = sorted({_type(tasks, t).alias for t in labelled})
        raise ValueError(
            f"estimators: {name!r}, {in_a_line(given)}, learns {kind}, but the tasks are {found}."
        )
    return Member(name, template, np.array(learned, dtype=np.intp), is_apart)


def _type(tasks: TaskSet, t: Any) -> Any:
    return tasks.tasks[0 if tasks.is_long else t]
