r"""Raw scores from dual coefficients.

With the kernel k, dual coefficients a, the task kernel B and intercepts b,

.. math:: f_t(x) = \sum_i k(x, x_i) \sum_s a_{is} B_{st} + b_t,

where in long form row i has the coefficient of its own task only. A task that `fit` has not seen
has the mean of those that have labels: of their columns of B, and of their intercepts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def raw_wide(K: Array, duals: Array, task_kernel: Array, intercepts: Array) -> Array:
    """Of all tasks, (n, n_tasks), for the kernel (n, n_rows) of new rows with those of the fit."""
    return np.asarray(K @ (duals.reshape(len(duals), -1) @ task_kernel) + intercepts)


def raw_long(
    K: Array,
    duals: Array,
    task_kernel: Array,
    intercepts: Array,
    tasks: Array,
    new_tasks: Array,
    has_labels: Array,
) -> Array:
    """Of the task of each new row, (n, 1); -1 is an unknown one.

    ``tasks`` are those of the rows of the fit.
    """
    B, b = task_kernel[new_tasks], intercepts[new_tasks]
    if (is_new := new_tasks < 0).any():
        B[is_new], b[is_new] = task_kernel[has_labels].mean(axis=0), intercepts[has_labels].mean()
    return np.asarray(np.einsum("ij,ij,j->i", K, B.take(tasks, axis=1), duals) + b)[:, None]
