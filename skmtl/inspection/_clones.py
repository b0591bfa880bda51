"""Unfitted clones of an estimator for some of its tasks; the last step of a fitted one."""

from __future__ import annotations

from sklearn.base import clone

from skmtl._innermost import innermost
from skmtl.tasks._resolve import is_auto
from skmtl.tasks._some_tasks import cut_settings


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
    given = final.get_params(deep=False)
    renamed = dict(zip((data.names[t] for t in members), data.names_of(members), strict=True))
    cut = cut_settings(final, data.names, members, renamed)
    if "tasks" in given and not data.is_long:
        cut["tasks"] = [clone(data.types[t]) for t in members]
    if is_auto(given.get("scale_targets")):
        # Alone or together, the penalty has the same scale.
        cut["scale_targets"] = len({type(task) for task in data.types}) > 1
    final.set_params(**cut)
    return estimator
