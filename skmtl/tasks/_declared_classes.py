"""The classes that `partial_fit` is told of before it sees them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from skmtl._shown import shown
from skmtl.tasks._base import Task
from skmtl.tasks._binary import Binary
from skmtl.tasks._by_name import by_task, name_key
from skmtl.tasks._multiclass import Multiclass


def declare_classes(
    tasks: list[Task], classes: Any, names: Sequence[Hashable], are_free: Sequence[bool]
) -> None:
    """Hand the ``classes`` of `partial_fit` to the tasks; they decide the type of a free one."""
    for t, (entry, is_free) in enumerate(zip(_by_task(classes, names), are_free, strict=True)):
        if entry is not None and is_free:
            tasks[t] = Binary() if len(entry) <= 2 else Multiclass()
        if entry is not None and tasks[t].is_classification:
            tasks[t].set_params(classes=entry)


def _by_task(classes: Any, names: Sequence[Hashable]) -> list[Any]:
    """The classes of each task, None where the labels decide.

    A flat list holds for all tasks, a nested one has an entry per task, a dict names them.
    """
    if isinstance(classes, str):
        raise ValueError(f"classes={classes!r}; expected a list of classes, ['no', 'yes'].")
    if isinstance(classes, Mapping):
        known = set(map(name_key, names))
        if unknown := [name for name in classes if name_key(name) not in known]:
            raise ValueError(
                f"classes names the task {unknown[0]!r}, which y does not have; its tasks are "
                f"{shown(names)}."
            )
        of_key = {name_key(name): entry for name, entry in classes.items()}
        entries = [of_key.get(name_key(name)) for name in names]
    else:
        entries = list(classes)
        if not any(entry is None or _is_list(entry) for entry in entries):
            entries = [entries] * len(names)
        elif hasattr(classes, "iloc"):
            entries = by_task(classes, names, "classes")
    if len(entries) != len(names):
        raise ValueError(
            f"classes has {len(entries)} entries, but y has {len(names)} tasks: {shown(names)}."
        )
    return [_unique(entry, name) for entry, name in zip(entries, names, strict=True)]


def _is_list(entry: Any) -> bool:
    return hasattr(entry, "__len__") and not isinstance(entry, str)


def _unique(entry: Any, name: Hashable) -> list[Any] | None:
    if entry is None:
        return None
    if not _is_list(entry):
        raise ValueError(f"Task {name!r}: classes={entry!r}; expected a list, or None.")
    return list(dict.fromkeys(entry))
