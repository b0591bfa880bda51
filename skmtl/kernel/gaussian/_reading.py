"""What is given to a Gaussian process, read before anything is computed."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._rounding import varies
from skmtl.kernel._labels import MAX_KERNEL_BYTES
from skmtl.tasks._by_name import by_task

Array = NDArray[Any]


def check_memory(n_rows: int) -> None:
    """Raise where the kernel of so many rows takes too much memory."""
    if 8 * n_rows**2 > MAX_KERNEL_BYTES:
        raise ValueError(
            f"The kernel of {n_rows} rows takes {8 * n_rows**2 / 2**30:.1f} GiB, the limit is "
            f"{MAX_KERNEL_BYTES / 2**30:g} GiB. Fit on fewer rows, or take "
            "MultiTaskKernelRidgeCV, with ConformalTasks around it for intervals."
        )


def differ(group: Array, values: Array, tasks: Sequence[Any]) -> Array:
    """Which groups of labels have a spread that is more than rounding."""
    low, high = np.full(len(tasks), np.inf), np.full(len(tasks), -np.inf)
    np.minimum.at(low, group, values)
    np.maximum.at(high, group, values)
    sizes = [abs(task.location_) / task.scale_ for task in tasks]
    return np.asarray(varies(high - low, np.maximum(sizes, np.abs(high))))


def read_noise(noise: Any, names: list[Any]) -> Array:
    """Variances of all tasks, above 0."""
    if isinstance(noise, Real):
        return np.full(len(names), float(noise))
    found = np.asarray(by_task(noise, names, "noise"), dtype=np.float64)
    if found.shape != (len(names),) or not ((found > 0) & np.isfinite(found)).all():
        raise ValueError(
            f"noise={noise!r}; expected a finite number above 0 for each of {len(names)} tasks."
        )
    return found
