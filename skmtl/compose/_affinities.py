"""What tasks do for each other, as an array, whoever says it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._affinity_methods import METHODS, measure_by_method
from skmtl._innermost import innermost
from skmtl._shown import shown
from skmtl._warnings import known_labels
from skmtl.tasks._by_name import column_names, matrix_by_task, order_of, same_names

Array = NDArray[Any]


def measure(affinity: Any, estimator: Any, X: Any, y: Any, weights: Array) -> Any:
    """The affinity of the tasks of y: ``affinity`` is a method's name, or does it itself."""
    with known_labels():
        return _measure(affinity, estimator, X, y, weights)


def _measure(affinity: Any, estimator: Any, X: Any, y: Any, weights: Array) -> Any:
    if callable(affinity):
        return affinity(estimator, X, y, sample_weight=weights)
    if affinity == "auto":
        is_network = hasattr(innermost(estimator)[1], "architecture")
        affinity = "tag" if is_network else "coef_cosine"
    return measure_by_method(affinity, estimator, X, y, weights)


def check_affinity(affinity: Any) -> None:
    """Raise for a name that is none."""
    if isinstance(affinity, str) and affinity not in ("auto", *METHODS):
        raise ValueError(
            f"affinity={affinity!r}; expected 'auto', one of {list(METHODS)}, a callable, an "
            "array of shape (n_tasks, n_tasks) or a TaskAffinity."
        )


def affinity_array(affinity: Any, names: Any, *, by_name: bool = True) -> Any:
    """A (n_tasks, n_tasks) array of floats.

    A `TaskAffinity` and a DataFrame are put in the order of ``names``; unless ``by_name``, only
    a DataFrame that has these names.
    """
    if by_name or same_names(column_names(affinity) or (), names):
        affinity = matrix_by_task(affinity, names, "affinity")
    array = np.asarray(getattr(affinity, "affinity", affinity), dtype=np.float64)
    if array.shape != (len(names), len(names)):
        raise ValueError(
            f"affinity has shape {array.shape}; expected ({len(names)}, {len(names)}), an entry "
            f"for each pair of the tasks {shown(names)}."
        )
    if np.isinf(array).any():
        raise ValueError("affinity contains infinity; an unknown affinity is NaN.")
    if by_name and hasattr(affinity, "task_names"):
        order = order_of(list(affinity.task_names), names, "affinity")
        array = array[np.ix_(order, order)]
    return array
