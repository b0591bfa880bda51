"""One metric for all tasks, or one for each type or name: which of them a task gets."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any, NamedTuple

from skmtl._aliases import did_you_mean
from skmtl._shown import shown
from skmtl.metrics._single_metric import family_of, is_binary_only
from skmtl.metrics._views import UNKNOWN, TaskView
from skmtl.tasks import TASK_TYPES, Task

FAMILIES = ("regression", "classification")


class Position(NamedTuple):
    """A task by where it stands: the key of an entry of a list."""

    place: int
    n_entries: int


class Assigned(NamedTuple):
    """A task and its scorer, None where the score is NaN; ``key`` is that of the score."""

    key: str
    view: TaskView
    scorer: Any


def read_metric(metric: Any, make_scorer: Any) -> dict[Any, Any]:
    """scikit-learn's scorer of each task type, family or name; one under None is for all.

    A type is its class or its alias, also that of a type that is not registered. In a dict, a
    list has several scorers of a task, as a dict by their names; a list by itself has an entry
    for each task.
    """
    if isinstance(metric, list | tuple):
        metric = {Position(t, len(metric)): one for t, one in enumerate(metric) if one is not None}
    elif not isinstance(metric, Mapping):
        metric = {None: metric}
    return {
        key: {_name_of(one): make_scorer(one) for one in entry}
        if isinstance(entry, list | tuple)
        else make_scorer(entry)
        for key, entry in metric.items()
    }


def check_several(metric: Any, average: Any) -> None:
    """Raise for an average of several scores of one task."""
    entries = metric.values() if isinstance(metric, Mapping) else ()
    if average is not None and any(isinstance(entry, list | tuple) for entry in entries):
        raise ValueError(
            f"metric={metric!r} has several metrics of one task, of which there is no "
            f"average={average!r}; use average=None."
        )


def _name_of(metric: Any) -> str:
    """What tells apart the metrics of one task."""
    function = getattr(metric, "_score_func", metric)
    return metric if isinstance(metric, str) else getattr(function, "__name__", repr(metric))


def _is_type(key: Any) -> bool:
    return isinstance(key, type) and issubclass(key, Task)


def _names() -> Any:
    """Families, and the aliases of all types that there are, a user's own included."""
    types, names = [Task], {*TASK_TYPES, *FAMILIES}
    while types:
        types += types.pop().__subclasses__()
        names.update(vars(found)["alias"] for found in types if "alias" in vars(found))
    return names


def assign_scorers(scorers: dict[Any, Any], views: list[TaskView], metric: Any) -> list[Assigned]:
    """Each view with its scorers, those left out that the metric is not for.

    The scorer is None where the score is NaN: whether a task is binary or multiclass, or has any
    label, may change from fold to fold. That must not change the keys of the dict, so such a task
    stays.
    """
    _check_keys(scorers, views)
    assigned = [
        Assigned(view.key if name is None else f"{view.key} {name}", view, scorer)
        for t, view in enumerate(views)
        for name, scorer in _scorers_of(t, view, scorers)
    ]
    if all(entry.scorer is None and entry.view.guessed is None for entry in assigned):
        types = sorted({view.alias for view in views})
        raise ValueError(f"metric={metric!r} is for none of the task types {types}.")
    return assigned


def _check_keys(scorers: dict[Any, Any], views: list[TaskView]) -> None:
    """Raise for a key that is no task and no type, and for a list of another length."""
    names = [view.name for view in views]
    for key in scorers:
        if isinstance(key, Position):
            if key.n_entries != len(views):
                raise ValueError(
                    f"metric has {key.n_entries} entries, but there are {len(views)} tasks: "
                    f"{shown(names)}. A list has one metric for each of them, None for none; "
                    "several metrics for all of them are a dict for "
                    "scoring={name: make_multitask_scorer(...)}."
                )
            continue
        is_known = key is None or _is_type(key) or key in _names()
        if not is_known and not any(_is_named(view, key) for view in views):
            keys = [view.key for view in views]
            raise ValueError(
                f"metric names {key!r}, which is no task, of {shown(names)}, and no type of "
                f"task, of {sorted({*TASK_TYPES, *FAMILIES})}."
                f"{did_you_mean(key, [*names, *keys, *_names()])}"
            )


def _is_named(view: TaskView, key: Hashable) -> bool:
    return bool(view.name == key or view.key == key)


def _scorers_of(t: int, view: TaskView, scorers: dict[Any, Any]) -> list[tuple[str | None, Any]]:
    """Names and scorers of a task; [(None, None)] for a score of NaN, [] to leave it out."""
    own = [key for key in scorers if _is_meant(key, t, view)]
    key = next((key for key in (None, *own, *_keys_of(view)) if key in scorers), None)
    if key not in scorers:
        stays = view.family in ("classification", UNKNOWN) and _has_classes(scorers)
        return [(None, None)] if stays else []
    given = scorers[key]
    named = given.items() if isinstance(given, dict) else [(None, given)]
    return [
        pair for name, scorer in named for pair in _fitting(view, name, scorer, is_named=bool(own))
    ]


def _is_meant(key: Any, t: int, view: TaskView) -> bool:
    """Whether a key is this very task."""
    if isinstance(key, Position):
        return key.place == t
    return key is not None and not _is_type(key) and _is_named(view, key)


def _fitting(view: TaskView, name: Any, scorer: Any, *, is_named: bool) -> list[tuple[Any, Any]]:
    """The scorer in a list if it is for such a task; raises where it was given to this one."""
    family = family_of(scorer)
    if view.guessed is not None and is_named:
        # Of few labels a guess may be wrong; whoever names the task knows better.
        return [(name, None)]
    if family not in (None, view.family) and view.family != UNKNOWN:
        if is_named:
            raise ValueError(
                f"Task {view.name!r} is {view.alias}, but its metric "
                f"{_name_of(scorer)!r} is for {family}."
            )
        return []
    if view.guessed is not None:
        return [(name, None)]
    if view.classes is None or len(view.classes) <= 2 or not is_binary_only(scorer):
        return [(name, scorer)]
    if is_named:
        raise ValueError(
            f"Task {view.name!r} has {len(view.classes)} classes, but its metric "
            f"{_name_of(scorer)!r} is for two; an average over classes, such as 'f1_macro', is "
            "for more."
        )
    return [(name, None)]


def _keys_of(view: TaskView) -> Iterator[Any]:
    """What the type of a task goes by, nearest first: class, alias, those of its bases, family."""
    if view.guessed != "classification":
        for base in view.task_type.__mro__:
            yield from (base, vars(base).get("alias"))
    yield view.family


def _has_classes(scorers: dict[Any, Any]) -> bool:
    """Whether a scorer is for some type of classes."""
    types = [TASK_TYPES.get(key) if isinstance(key, str) else key for key in scorers]
    return any(getattr(found, "is_classification", False) for found in types)
