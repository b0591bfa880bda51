"""Factors on the weights of labels by their class."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._weights import in_range

Array = NDArray[Any]


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
