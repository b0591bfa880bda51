"""Labels that are classes: as y holds them, and as they are written in messages."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._columns import EXACT_INTEGERS, Column

Array = NDArray[Any]


def look_like_classes(column: Column, labels: Array) -> bool:
    """Whether labels are bool, strings, of a category, or all 0 or 1."""
    if column.is_categorical:
        return True
    if not len(labels):
        return column.labels.dtype.kind == "b"
    return not column.is_numeric or bool(np.isin(labels, (0, 1)).all())


def count_classes(column: Column, labels: Array) -> int:
    """Number of classes among the observed ``labels``; of the dtype where there are none."""
    return len(distinct(labels)) if len(labels) else len(column.categories)


FEW = 256
"""Whole numbers in a range of so many are counted, which is faster than looking for repeats."""


def distinct(labels: Array) -> Array:
    """`numpy.unique` of the labels."""
    if labels.dtype == np.int64 and len(labels):
        lowest, highest = int(labels.min()), int(labels.max())
        if highest - lowest < FEW:
            return np.flatnonzero(np.bincount(labels - lowest)) + lowest
    return np.unique(labels)


def label_array(labels: Sequence[Any]) -> Array:
    """Labels as a column of y holds them: strings have dtype object."""
    array = np.asarray(labels)
    return array.astype(object) if array.dtype.kind in "UST" else array


def as_classes(column: Column, used: Array, alias: str, name: Hashable) -> Array:
    """Labels that can be classes: floats with a fraction are refused."""
    labels = column.labels
    if labels.dtype.kind != "f":
        return labels
    fraction = used & (labels != np.floor(labels))
    if fraction.any():
        raise ValueError(
            f"Task {name!r} is {alias}, but has the label {labels[fraction][0]:g}. "
            "Unknown label type: continuous. Maybe you are trying to fit a classifier, which "
            "expects discrete classes on a regression target with continuous values."
        )
    return labels


def whole_numbers(labels: Array, used: Array, name: Hashable) -> Array:
    """Whole numbers as integers."""
    if labels.dtype.kind != "f" or (used & (labels != np.floor(labels))).any():
        return labels
    labels = np.where(used, labels, 0.0)
    large = np.abs(labels) >= EXACT_INTEGERS
    if large.any():
        raise ValueError(
            f"Task {name!r} has classes, but the label {labels[large][0]:.0f} as a float: from "
            "2**53 on neighbouring numbers are the same float. Give integers or strings."
        )
    return labels.astype(np.int64)


def plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
