"""Weights of labels and of tasks."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_sample_weight(sample_weight: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Weights of the labels, broadcast to ``shape``: (n_samples,) or (n_samples, n_tasks)."""
    weight = np.asarray(sample_weight, dtype=np.float64)
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
    if weight.ndim < len(shape):
        weight = weight[:, None]
    return np.array(np.broadcast_to(weight, shape))


def read_task_weight(
    task_weight: Any, names: Sequence[Hashable], label_weight: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weight of each task: 1 by default, a list, or a dict that names the exceptions.

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
    if isinstance(task_weight, Mapping):
        unknown = [key for key in task_weight if key not in set(names)]
        if unknown:
            raise ValueError(
                f"task_weight names the task {unknown[0]!r}, which y does not have; its tasks "
                f"are {list(names[:8])}{' and more' if len(names) > 8 else ''}."
            )
        weight = np.array([float(task_weight.get(name, 1.0)) for name in names])
    else:
        weight = np.asarray(task_weight, dtype=np.float64)
        if weight.shape != (len(names),):
            raise ValueError(f"task_weight has shape {weight.shape}; y has {len(names)} tasks.")
    bad = ~(np.isfinite(weight) & (weight >= 0))
    if bad.any():
        t = int(np.flatnonzero(bad)[0])
        raise ValueError(f"task_weight of task {names[t]!r} is {weight[t]:g}; expected >= 0.")
    if not weight.any():
        raise ValueError("task_weight is 0 for every task; nothing would be learned.")
    return weight
