"""Weights of labels and of tasks."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._range import power_of_two
from skmtl.tasks._by_name import as_floats, by_task, column_names, columns_of, order_of
from skmtl.tasks._columns import is_arrow


def read_sample_weight(
    sample_weight: Any, shape: tuple[int, ...], names: Sequence[Hashable] = ()
) -> NDArray[np.float64]:
    """Weights of the labels, broadcast to ``shape``: (n_samples,) or (n_samples, n_tasks)."""
    weight = check_sample_weight(sample_weight, shape, names)
    if weight.ndim < len(shape):
        weight = weight[:, None]
    return np.array(np.broadcast_to(weight, shape))


def check_sample_weight(
    sample_weight: Any, shape: tuple[int, ...], names: Sequence[Hashable] = ()
) -> NDArray[np.float64]:
    """Weights as numbers, one per row (n_samples,) or one per label, ``shape``.

    Named columns are matched with the ``names`` of the tasks, the columns of y. One number per row
    goes by position: the index of a Series is not looked at, as in scikit-learn.
    """
    if isinstance(sample_weight, str):
        raise ValueError(
            f"sample_weight={sample_weight!r}; expected numbers, one per row or per label. Classes "
            "are weighed by class_weight, a parameter of estimators."
        )
    weight = _floats(sample_weight, shape, names)
    if weight.ndim == 0:
        weight = np.full(shape[:1], float(weight))
    if weight.shape != shape and weight.shape != shape[:1]:
        expected = f"({shape[0]},)" + (f" or {shape}" if len(shape) > 1 else "")
        raise ValueError(f"sample_weight has shape {weight.shape}; expected {expected}.")
    if not np.isfinite(weight).all():
        bad = int((~np.isfinite(weight)).sum())
        raise ValueError(f"sample_weight contains NaN or infinity ({bad} entries).")
    if (weight < 0).any():
        raise ValueError(f"sample_weight contains negative values, {weight.min():g} for example.")
    if not weight.any():
        raise ValueError(
            "sample_weight is zero for every label; at least one weight must be non-zero."
        )
    return in_range(weight)


def _floats(
    sample_weight: Any, shape: tuple[int, ...], names: Sequence[Hashable]
) -> NDArray[np.float64]:
    found = column_names(sample_weight)
    if found is not None:
        parts = columns_of(sample_weight)
        if len(shape) > 1:
            parts = [parts[position] for position in order_of(found, names, "sample_weight")]
    elif hasattr(sample_weight, "to_list") or is_arrow(sample_weight):
        parts = [sample_weight]
    else:
        parts = [np.ma.asanyarray(sample_weight)]
    n_masked = sum(int(np.ma.getmaskarray(p).sum()) for p in parts if np.ma.isMaskedArray(p))
    if n_masked:
        raise ValueError(
            f"sample_weight has {n_masked} masked entries; a label that is not to count has "
            "weight 0."
        )
    floats = [as_floats(part) for part in parts]
    return floats[0] if found is None else np.column_stack(floats)


def in_range(weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights, their largest between 1 and 2 where sums of them would fail: by a power of two.

    Only their proportions matter. One above zero stays above it.
    """
    factor = power_of_two(float(weight.max(initial=0.0)))
    if factor == 1.0:
        return weight
    scaled = weight / factor
    return np.where((weight > 0) & (scaled == 0), np.finfo(np.float64).tiny, scaled)


def rows_in_range(weights: Any) -> NDArray[np.float64]:
    """`in_range` of many; no copy of an array (n_tasks, n) where nothing is to be done."""
    if all(power_of_two(float(weight.max(initial=0.0))) == 1.0 for weight in weights):
        return np.asarray(weights)
    return np.array([in_range(weight) for weight in weights])


def read_task_weight(
    task_weight: Any, names: Sequence[Hashable], label_weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weight of each task: 1 by default, a list, a Series, or a dict that names the exceptions.

    "labels" makes every label count the same, whichever task it belongs to: the weight is the
    sum ``label_weight`` of the weights of a task's labels, over the mean of those sums.
    """
    if task_weight is None:
        return np.ones(len(names))
    if isinstance(task_weight, str):
        if task_weight != "labels":
            raise ValueError(
                f"task_weight={task_weight!r}; expected 'labels', a list, a dict or None."
            )
        has_labels = label_weight > 0
        return np.where(has_labels, label_weight / label_weight[has_labels].mean(), 1.0)
    if np.ndim(task_weight) > 1:
        raise ValueError(
            f"task_weight has shape {np.shape(task_weight)}; y has {len(names)} tasks: expected a "
            "list or a Series with a number for each, or a dict."
        )
    weight = as_floats(by_task(task_weight, names, "task_weight", default=1.0))
    if weight.shape != (len(names),):
        raise ValueError(f"task_weight has shape {weight.shape}; y has {len(names)} tasks.")
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        t = int(np.flatnonzero(bad)[0])
        raise ValueError(f"task_weight of task {names[t]!r} is {weight[t]:g}; expected >= 0.")
    if not weight.any():
        raise ValueError("task_weight is 0 for every task; nothing would be learned.")
    return weight
