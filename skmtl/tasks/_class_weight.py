"""Factors on the weights of labels by their class."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from skmtl._warnings import LabelWarning, warn
from skmtl.tasks._by_name import name_key, refuse_unknown
from skmtl.tasks._weights import in_range

if TYPE_CHECKING:
    from skmtl.tasks._base import Task

Array = NDArray[Any]


def declare_class_weight(
    tasks: Sequence[Task], class_weight: Any, names: Sequence[Hashable] | None
) -> None:
    """Hand the ``class_weight`` of an estimator to the tasks that have classes, and none yet.

    It holds for all of them, or is a dict {task: class_weight} with the ``names`` of the tasks;
    those are None in long form, where all tasks have the classes of one column.
    """
    if class_weight is None:
        return
    if not any(task.is_classification for task in tasks):
        warn(
            f"class_weight={class_weight!r}, but no task has classes: all were read as numbers. "
            "Declare them in tasks, or give labels as bool, string or category.",
            LabelWarning,
        )
    entries = [class_weight] * len(tasks)
    if is_by_task(class_weight):
        if names is None:
            raise ValueError(
                "class_weight is a dict by task; in long form all tasks have the classes of one "
                "column. Give 'balanced' or a dict {class: weight}."
            )
        refuse_unknown(class_weight, names, "class_weight")
        of_key = {name_key(name): entry for name, entry in class_weight.items()}
        entries = [of_key.get(name_key(name)) for name in names]
        for task, name, entry in zip(tasks, names, entries, strict=True):
            if entry is not None and not task.is_classification:
                raise ValueError(
                    f"class_weight names the task {name!r}, which is {task.alias}: it has no "
                    "classes."
                )
    for task, entry in zip(tasks, entries, strict=True):
        if task.is_classification and getattr(task, "class_weight", None) is None:
            task.set_params(class_weight=entry)


def is_by_task(class_weight: Any) -> bool:
    """Whether it is a dict by task: the values of one by class are numbers."""
    return isinstance(class_weight, Mapping) and any(
        entry is None or isinstance(entry, str | Mapping) for entry in class_weight.values()
    )


def read_class_weight(
    class_weight: str | Mapping[Any, float],
    classes: Array,
    codes: Array,
    weight: Array,
    name: Hashable,
) -> Array:
    """Factor of each class (n_classes,)."""
    if isinstance(class_weight, Mapping):
        return _named(class_weight, classes.tolist(), name)
    if class_weight == "balanced":
        return _balanced(np.bincount(codes.astype(np.intp), weight, len(classes)))
    raise ValueError(
        f"Task {name!r}: class_weight={class_weight!r}; expected 'balanced', a dict "
        "{class: weight} or None."
    )


def _balanced(counts: Array) -> Array:
    """All classes that are there weigh the same."""
    present = counts > 0
    total = counts.sum() / max(present.sum(), 1)
    return np.divide(total, counts, out=np.ones(len(counts)), where=present)


def _named(class_weight: Mapping[Any, float], known: list[Any], name: Hashable) -> Array:
    given = list(class_weight.values())
    are_numbers = all(isinstance(f, float | int | np.number) and 0 <= f < np.inf for f in given)
    if not are_numbers:
        raise ValueError(
            f"Task {name!r}: class_weight={dict(class_weight)}; expected finite numbers >= 0."
        )
    unknown = [label for label in class_weight if label not in known]
    # A class without labels, in a fold, may be named; a slip of the pen leaves one unnamed.
    if unknown and any(label not in class_weight for label in known):
        raise ValueError(
            f"Task {name!r}: class_weight names {unknown[0]!r}; known classes: {known}."
        )
    factors = np.array([float(class_weight.get(label, 1.0)) for label in known])
    # A fold may be left with the class of weight 0 alone.
    if len(known) > 1 and not factors.any():
        raise ValueError(
            f"Task {name!r}: class_weight={dict(class_weight)}; expected a weight above 0 for one "
            f"of the classes {known}."
        )
    return in_range(factors)
