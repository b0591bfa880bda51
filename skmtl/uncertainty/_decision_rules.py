"""Which decisions of which task are chosen, and by what: a metric, or what mistakes cost."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl._shown import joined
from skmtl.metrics._keys import score_keys
from skmtl.metrics._metric_by_type import assign_scorers, read_metric
from skmtl.metrics._single_metric import as_scorer
from skmtl.metrics._views import TaskView
from skmtl.tasks._by_name import name_key, refuse_unknown
from skmtl.tasks._targets import Targets
from skmtl.uncertainty._decision_scores import Score, is_fast, score_of, score_of_costs

Array = NDArray[Any]


class Rule(NamedTuple):
    """Of a task: the score of its decisions, whether it has a formula, and the costs if it is one.

    A task with more than two classes has costs only.
    """

    score: Score | None
    is_fast: bool = True
    costs: Array | None = None


def read_rules(scoring: Any, targets: Targets) -> list[Rule | None]:
    """The rule of each task; None for those whose decisions stay.

    Raises
    ------
    ValueError
        If a cost matrix or a metric is not for its task, or there is nothing to choose.
    """
    tasks, names = targets.tasks, targets.tasks.names.tolist()
    types = tasks.tasks * tasks.n_tasks if tasks.is_long else tasks.tasks
    costs, metric = _split(scoring, names)
    rules: list[Rule | None] = [None] * len(names)
    if metric is not None:
        rules = _by_metric(metric, types, names)
    for t, (name, task) in enumerate(zip(names, types, strict=True)):
        given = costs.get(name_key(name), costs.get(None))
        if given is not None and (name_key(name) in costs or task.is_classification):
            rules[t] = _by_costs(given, task, name)
    # One without labels may have looked like numbers, and one class have another.
    is_clear = all(not task.is_classification or len(task.classes_) > 1 for task in types)
    if not any(rules) and (tasks.n_labels > 0).all() and is_clear:
        kinds = (f"{name!r} ({task.alias})" for name, task in zip(names, types, strict=True))
        raise ValueError(
            f"scoring={scoring!r} decides nothing: the tasks are {joined(kinds)}. Only binary "
            "classification is supported by a metric; for tasks with more classes, give what "
            "mistakes cost, as a matrix of shape (n_classes, n_classes)."
        )
    return rules


def is_for_all(scoring: Any) -> bool:
    """Whether it is one for all tasks, those included that come later."""
    return _is_matrix(scoring) or not isinstance(scoring, Mapping | list | tuple)


def _split(scoring: Any, names: Any) -> tuple[dict[Any, Any], Any]:
    """Cost matrices by task, under None that of all; and what is left of the scoring."""
    if isinstance(scoring, Mapping):
        costs = {name: value for name, value in scoring.items() if _is_matrix(value)}
        refuse_unknown(costs, names, "scoring")
        metric = {name: value for name, value in scoring.items() if not _is_matrix(value)}
        return {name_key(name): value for name, value in costs.items()}, metric or None
    return ({None: scoring}, None) if _is_matrix(scoring) else ({}, scoring)


def _is_matrix(value: Any) -> bool:
    # A list of metrics has an entry for each task, a list of lists of numbers is a matrix.
    if isinstance(value, str) or callable(value):
        return False
    try:
        return np.ndim(np.asarray(value, dtype=float)) == 2
    except (TypeError, ValueError):
        return False


def _by_metric(metric: Any, types: Any, names: Any) -> list[Rule | None]:
    nothing: dict[str, Any] = {}
    found: list[Rule | None] = [None] * len(names)
    if is_for_all(metric) and not any(_is_of_two(task) for task in types):
        return found
    views = [
        TaskView(key, name, type(task), nothing, _labels_of(task), np.ones(0), _classes_of(task))
        for key, name, task in zip(score_keys(names), names, types, strict=True)
    ]
    place = {view.key: t for t, view in enumerate(views)}
    for key, view, scorer in assign_scorers(read_metric(metric, partial(as_scorer)), views, metric):
        if view.classes is None or len(view.classes) != 2:
            if not is_for_all(metric) and scorer is not None:
                _refuse(view)
            continue
        if scorer is None:
            continue
        if scorer._response_method != "predict":
            raise ValueError(
                f"Task {view.name!r}: scoring={metric!r} is of {scorer._response_method}, which no "
                "threshold changes; give a metric of predicted labels, such as 'f1'."
            )
        found[place[key]] = Rule(score_of(scorer, view), is_fast(scorer))
    return found


def _is_of_two(task: Any) -> bool:
    return task.is_classification and len(task.classes_) == 2


def _refuse(view: TaskView) -> None:
    n_classes = "no" if view.classes is None else len(view.classes)
    raise ValueError(
        f"Task {view.name!r} has {n_classes} classes, but its metric is to choose a threshold, "
        "which is between two. Of more give costs, a matrix; or leave the task out."
    )


def _classes_of(task: Any) -> Any:
    return task.classes_ if task.is_classification else None


def _labels_of(task: Any) -> Any:
    return task.classes_ if task.is_classification else np.ones(0)


def _by_costs(given: Any, task: Any, name: Any) -> Rule:
    costs = np.asarray(given, dtype=np.float64)
    if not task.is_classification:
        raise ValueError(f"Task {name!r} is {task.alias}: costs are for tasks with classes.")
    n_classes = len(task.classes_)
    if costs.shape != (n_classes, n_classes) or not np.isfinite(costs).all():
        raise ValueError(
            f"Task {name!r}: expected costs of shape ({n_classes}, {n_classes}), a row for each "
            f"true class and a column for each predicted one of {task.classes_.tolist()}, all "
            f"finite; got {costs.tolist()}."
        )
    right = np.diag(costs)[:, None]
    if not (costs >= right).all() or not (costs > right).any(axis=1).all():
        raise ValueError(
            f"Task {name!r}: in a row of costs that of the true class has to be the least, and "
            f"another higher; got {costs.tolist()}, for the classes {task.classes_.tolist()}."
        )
    return Rule(score_of_costs(costs) if n_classes == 2 else None, costs=costs)
