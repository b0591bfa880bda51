"""One metric for all tasks, or one for each type: which of them a task gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skmtl._aliases import did_you_mean
from skmtl.metrics._single_metric import family_of, is_binary_only
from skmtl.metrics._views import TaskView
from skmtl.tasks import TASK_TYPES, Task

FAMILIES = ("regression", "classification")


def read_metric(metric: Any, make_scorer: Any) -> dict[Any, Any]:
    """scikit-learn's scorer of each task type or family; one under None is for all.

    A type is its class or its alias, also that of a type that is not registered.
    """
    if not isinstance(metric, Mapping):
        metric = {None: metric}
    elif unknown := [key for key in metric if not _is_type(key) and key not in _names()]:
        known = {*TASK_TYPES, *FAMILIES}
        raise ValueError(
            f"metric names the task type {min(map(repr, unknown))}; expected some of "
            f"{sorted(known)}, or the class of a type.{did_you_mean(min(unknown, key=repr), known)}"
        )
    return {key: make_scorer(entry) for key, entry in metric.items()}


def _is_type(key: Any) -> bool:
    return isinstance(key, type) and issubclass(key, Task)


def _names() -> Any:
    """Families, and the aliases of all types that there are, a user's own included."""
    types, names = [Task], {*TASK_TYPES, *FAMILIES}
    while types:
        types += types.pop().__subclasses__()
        names.update(vars(found)["alias"] for found in types if "alias" in vars(found))
    return names


def assign_scorers(scorers: dict[Any, Any], views: list[TaskView], metric: Any) -> Any:
    """Each view with its scorer, those left out that the metric is not for.

    The scorer is None where the score is NaN: whether a task is binary or multiclass may change
    from fold to fold. That must not change the keys of the dict, so such a task stays.
    """
    assigned = [(view, scorer) for view in views for scorer in _scorer_of(view, scorers)]
    if all(scorer is None for _, scorer in assigned):
        types = sorted({view.alias for view in views})
        raise ValueError(f"metric={metric!r} is for none of the task types {types}.")
    return assigned


def _scorer_of(view: TaskView, scorers: dict[Any, Any]) -> Any:
    """The scorer of a task, in a list; [None] for a score of NaN, [] to leave the task out."""
    key = next((key for key in (None, *_keys_of(view)) if key in scorers), None)
    if key not in scorers:
        return [None] if view.family == "classification" and _has_classes(scorers) else []
    scorer = scorers[key]
    if family_of(scorer) not in (None, view.family):
        return []
    is_multiclass = view.classes is not None and len(view.classes) > 2
    return [None] if is_multiclass and is_binary_only(scorer) else [scorer]


def _keys_of(view: TaskView) -> Iterator[Any]:
    """What the type of a task goes by, nearest first: class, alias, those of its bases, family."""
    for base in view.task_type.__mro__:
        yield from (base, vars(base).get("alias"))
    yield view.family


def _has_classes(scorers: dict[Any, Any]) -> bool:
    """Whether a scorer is for some type of classes."""
    return any(getattr(TASK_TYPES.get(key, key), "is_classification", False) for key in scorers)
