"""Whether labels in blocks are numbers, before anything is learned from them."""

from __future__ import annotations

from typing import Any

from skmtl.sources._base import Source, naming_block
from skmtl.tasks._base import Task
from skmtl.tasks._class_labels import look_like_classes
from skmtl.tasks._labels import Labels, read_labels
from skmtl.tasks._resolve import entry_per_task, is_auto


def are_numbers(estimator: Any, source: Source) -> bool:
    """Whether all tasks have squared loss, as they are declared or as their labels look.

    Labels look like classes if those of all blocks do.
    """
    if estimator._kind == "classification":
        return False
    declared = estimator.tasks
    entries = declared.values() if isinstance(declared, dict) else declared
    entries = [declared] if isinstance(declared, str | Task) else list(entries)
    if not all(is_auto(entry) or _is_squared(entry) for entry in entries):
        return False
    if estimator._kind == "regression":
        return True
    if not any(map(is_auto, entries)) and not isinstance(declared, dict):
        return True
    is_long = estimator.task_feature is not None
    looks: _Looks | None = None
    for number, (y, sample_weight) in source.labels():
        with naming_block(number):
            labels = read_labels(y, sample_weight, ["y"] if is_long else None, is_long=is_long)
            if looks is None:
                looks = _Looks(entry_per_task(declared, ["y"] if is_long else labels.task_names))
            looks.add(labels)
        if not any(looks.may_be_classes):
            return True
    return looks is None or not any(looks.are_classes)


def _is_squared(entry: Any) -> bool:
    """Whether a task that is declared so has squared loss."""
    if isinstance(entry, Task):
        return entry.has_squared_loss
    return isinstance(entry, str) and entry == "regression"


class _Looks:
    """What labels of every column look like so far."""

    def __init__(self, entries: list[Any]) -> None:
        self.may_be_classes = [is_auto(entry) for entry in entries]
        self.has_label = [False] * len(entries)

    def add(self, labels: Labels) -> None:
        """Look at a block."""
        for t, (column, weight) in enumerate(zip(labels.columns, labels.weights, strict=True)):
            if not self.may_be_classes[t]:
                continue
            used = column.labels[weight > 0]
            self.has_label[t] |= len(used) > 0
            self.may_be_classes[t] = not len(used) or look_like_classes(column, used)

    @property
    def are_classes(self) -> list[bool]:
        """Columns with labels, all of which look like classes."""
        pairs = zip(self.may_be_classes, self.has_label, strict=True)
        return [may_be and has for may_be, has in pairs]
