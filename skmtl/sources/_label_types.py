"""What labels in blocks are, before anything is learned from them."""

from __future__ import annotations

from typing import Any

from skmtl.sources._base import Source, naming_block
from skmtl.tasks._class_labels import look_like_classes
from skmtl.tasks._labels import read_labels
from skmtl.tasks._resolve import entry_per_task, is_auto


def refuse_classes(estimator: Any, source: Source) -> None:
    """Raise where tasks of "auto" have labels that are read as classes, not as numbers."""
    if estimator._kind == "regression":
        return
    declared, is_long = estimator.tasks, estimator.task_feature is not None
    if isinstance(declared, str) and not is_auto(declared):
        return
    are_classes: list[bool] = []
    names: list[Any] = []
    for number, (y, sample_weight) in source.labels():
        with naming_block(number):
            labels = read_labels(y, sample_weight, ["y"] if is_long else None, is_long=is_long)
        if not names:
            names = ["y"] if is_long else labels.task_names
            are_classes = [is_auto(entry) for entry in entry_per_task(declared, names)]
            has_label = [False] * len(names)
        for t, (column, weight) in enumerate(zip(labels.columns, labels.weights, strict=True)):
            used = column.labels[weight > 0]
            has_label[t] |= len(used) > 0
            are_classes[t] &= not len(used) or look_like_classes(column, used)
        if not any(are_classes):
            return
    for name, is_class, has_some in zip(names, are_classes, has_label, strict=True):
        if is_class and has_some:
            raise ValueError(
                f"Task {name!r} has classes: all its labels are 0 or 1, bool, or strings. "
                "Of blocks, linear models learn numbers. Declare it 'regression' if it is that."
            )
