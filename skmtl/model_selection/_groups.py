"""What stays together in a split: rows, groups of rows, or all rows of a task."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import _num_samples

from skmtl._shown import joined
from skmtl._warnings import LabelWarning, warn
from skmtl.model_selection._strata import Strata, read_task_index
from skmtl.tasks._columns import read_column

Array = NDArray[Any]

HOLD_OUT = ("rows", "tasks")


def check_n_splits(n_splits: Any) -> None:
    """Raise where there would be less than two parts."""
    if isinstance(n_splits, bool) or not isinstance(n_splits, Integral) or int(n_splits) < 2:
        raise ValueError(f"n_splits={n_splits!r}; expected a whole number, at least 2.")


def check_hold_out(hold_out: Any, task_feature: Any) -> None:
    """Raise where whole tasks cannot be held out."""
    if hold_out not in HOLD_OUT:
        raise ValueError(f"hold_out={hold_out!r}; expected 'rows' or 'tasks'.")
    if hold_out == "tasks" and task_feature is None:
        raise ValueError(
            "hold_out='tasks' needs long form, where every row belongs to one task; name the "
            "column of X with task_feature."
        )


def count_rows(X: Any, y: Any, groups: Any) -> int:
    """Number of rows; raise if X, y and groups do not agree on it."""
    check_consistent_length(X, y, groups)
    return _num_samples(y if X is None else X)


def read_groups(groups: Any, n_parts: int) -> Array | None:
    """Groups as numbers 0, 1, ..., one a row; None without any."""
    if groups is None:
        return None
    column = read_column(groups, "groups")
    if not column.observed.all():
        raise ValueError(f"groups is missing in {int((~column.observed).sum())} rows.")
    names, index = np.unique(column.labels, return_inverse=True)
    if len(names) < n_parts:
        raise ValueError(f"Cannot split {len(names)} groups into {n_parts} parts.")
    return index


def read_tasks_to_hold_out(X: Any, groups: Any, task_feature: Any, n_parts: int) -> Array:
    """Task of each row, 0, 1, ..., where whole tasks are held out."""
    if groups is not None:
        raise ValueError("With hold_out='tasks' the tasks are the groups; do not pass groups.")
    names, index = read_task_index(X, task_feature)
    if len(names) < n_parts:
        raise ValueError(f"Cannot split {len(names)} tasks into {n_parts} parts.")
    return index


def warn_of_few_labels(strata: Strata, n_parts: int) -> None:
    """Warn of tasks and classes that some part has to do without."""
    tasks = np.flatnonzero((strata.task_counts < n_parts) & (strata.task_counts > 0))
    is_class = np.array([name is not None for name in strata.class_names], dtype=bool)
    rare = is_class & (strata.counts < n_parts) & ~np.isin(strata.task_of, tasks)
    found = [_say(strata.task_names[t], strata.task_counts[t]) for t in tasks]
    found += [
        _say(strata.task_names[strata.task_of[s]], strata.counts[s], strata.class_names[s])
        for s in np.flatnonzero(rare)
    ]
    if found:
        warn(
            f"{joined(found, between='; ')}: fewer than the {n_parts} parts to split into, "
            "some of which have none.",
            LabelWarning,
        )


def _say(task: Any, count: int, class_name: Any = None) -> str:
    of_class = "" if class_name is None else f" of class {class_name!r}"
    return f"Task {task!r} has {count} label{'s' if count != 1 else ''}{of_class}"
