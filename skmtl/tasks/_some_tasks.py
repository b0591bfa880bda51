"""What an estimator is told of single tasks, for some of the tasks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from skmtl._aliases import from_alias
from skmtl.tasks._by_name import cut_to, matrix_by_task, name_key, put_in_order
from skmtl.tasks._class_weight import is_by_task
from skmtl.tasks._weights import read_task_weight


def settings_of_fold(
    estimator: Any, names: Sequence[Hashable], found: Sequence[Hashable]
) -> dict[str, Any]:
    """Parameters to change where rows have only the tasks ``found`` of all ``names``.

    In long form a fold may lack a task, and an estimator knows the tasks of its own rows only.
    """
    if len(found) == len(names):
        return {}
    place = {name_key(name): position for position, name in enumerate(names)}
    members = [place[name_key(name)] for name in found]
    return cut_settings(estimator, names, members, {name: name for name in found})


def cut_settings(
    inner: Any, names: Sequence[Hashable], members: Any, renamed: Mapping[Hashable, Hashable]
) -> dict[str, Any]:
    """Parameters of an estimator that speak of single tasks, cut to the ``members``.

    ``renamed`` has the name that each of these has where it is without the others.
    """
    given, members = inner.get_params(deep=False), np.array(members, dtype=np.intp)
    cut: dict[str, Any] = {}
    if given.get("task_weight") is not None and not isinstance(given["task_weight"], str):
        weight = read_task_weight(given["task_weight"], names, np.ones(len(names)))[members]
        cut["task_weight"] = weight.tolist() if weight.any() else None
    if is_by_task(given.get("class_weight")):
        entries = {name_key(name): entry for name, entry in given["class_weight"].items()}
        own = {name: entries[name_key(name)] for name in renamed if name_key(name) in entries}
        cut["class_weight"] = {renamed[name]: entry for name, entry in own.items()} or None
    for parameter in ("penalty", "architecture", "balancing"):
        # Where the estimator is, tasks may have other names.
        part = given.get(parameter)
        if parameter == "penalty" and isinstance(part, str) and part != "auto":
            part = from_alias(parameter, part)
        has_for_tasks = hasattr(part, "for_tasks")
        some = None if has_for_tasks or len(members) == len(names) else members
        ordered = put_in_order(part, names, some)
        if has_for_tasks and len(members) < len(names):
            ordered = ordered.for_tasks(members, len(names))
        if ordered is not part:
            cut[parameter] = ordered
    for parameter in ("task_kernel", "adjacency"):
        matrix = matrix_by_task(given.get(parameter), names, parameter)
        if matrix is not None and not isinstance(matrix, str):
            cut[parameter] = cut_to(matrix, members, len(names))
    if given.get("monitor", "mean") not in ("mean", "worst"):
        cut["monitor"] = renamed.get(given["monitor"], "mean")
    return cut
