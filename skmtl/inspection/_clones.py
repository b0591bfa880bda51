"""Unfitted clones of an estimator for some of its tasks; the last step of a fitted one."""

from __future__ import annotations

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmtl.compose._nesting import innermost
from skmtl.tasks._resolve import is_auto
from skmtl.tasks._weights import read_task_weight


def typed_clone(estimator, types):
    """A clone that reads every column of y as the type that all its labels have.

    Those of a fold, or of a task alone, could look like another type.
    """
    estimator = clone(estimator)
    _, final = innermost(estimator)
    if is_auto(final.get_params(deep=False).get("tasks")):
        final.set_params(tasks=[clone(task) for task in types])
    return estimator


def clone_for(estimator, data, members):
    """A clone for the tasks at positions ``members`` of a `TaskData`.

    Parameters that name tasks, or have an entry for each of them, are cut to these.
    """
    estimator = typed_clone(estimator, data.column_types)
    _, final = innermost(estimator)
    named = dict(zip((data.names[t] for t in members), data.names_of(members), strict=True))
    cut = {}
    for name, value in final.get_params(deep=False).items():
        if name == "tasks" and not data.is_long:
            cut[name] = [clone(data.types[t]) for t in members]
        elif name == "task_weight":
            cut[name] = _cut_weight(value, data, members)
        elif name == "monitor" and value not in ("mean", "worst"):
            cut[name] = named.get(value, "mean")
        elif name == "scale_targets" and is_auto(value):
            # Alone or together, the penalty has the same scale.
            cut[name] = len({type(task) for task in data.types}) > 1
        elif name == "penalty" and hasattr(value, "for_tasks"):
            cut[name] = value.for_tasks(members, data.n_tasks)
    final.set_params(**cut)
    return estimator


def _cut_weight(task_weight, data, members):
    """``task_weight`` of some of the tasks; None if all of these have weight 0."""
    if task_weight is None or isinstance(task_weight, str):
        return task_weight
    weights = read_task_weight(task_weight, data.names, data.n_labels)[members]
    return weights.tolist() if weights.any() else None


def last_step(estimator):
    """The last step of pipelines, and of searches that are fitted."""
    while True:
        if isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator
