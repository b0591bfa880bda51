"""Which rows belong to which task."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def rows_by_task(task_index: NDArray[Any], n_tasks: int) -> list[NDArray[np.intp]]:
    """Rows of every task in long form, ascending; rows of unknown tasks (-1) are in none.

    One sort, so that the cost does not grow with n_samples times n_tasks.
    """
    order = np.argsort(task_index, kind="stable")
    ends = np.searchsorted(task_index[order], np.arange(n_tasks), side="right")
    starts = np.searchsorted(task_index[order], np.arange(n_tasks), side="left")
    return [order[start:end] for start, end in zip(starts, ends, strict=True)]
