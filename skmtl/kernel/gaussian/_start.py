"""Where the search for hyper-parameters begins."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel.gaussian._cells import Cells
from skmtl.kernel.gaussian._task_covariances import positive

Array = NDArray[Any]

NOISE = 0.2
"""Share of the variance of labels that is noise at first."""
FEWEST_ROWS = 5
"""Rows with labels of both tasks, below which their correlation is taken to be `UNKNOWN`."""
UNKNOWN = 0.5


def start_of_tasks(cells: Cells) -> tuple[Array, Array]:
    """A task covariance and noise, from the correlations of labels."""
    n_tasks = cells.shape[1]
    table, seen = np.zeros(cells.shape), np.zeros(cells.shape)
    table[cells.rows, cells.tasks], seen[cells.rows, cells.tasks] = cells.values, 1.0
    pairs = seen.T @ seen
    squares = np.square(table).T @ seen
    size = np.sqrt(squares * squares.T)
    correlation = np.divide(table.T @ table, size, out=np.zeros_like(size), where=size > 0)
    correlation = np.where(pairs >= FEWEST_ROWS, correlation, UNKNOWN)
    np.fill_diagonal(correlation, 1.0)
    # Tasks that are all but the same leave no room.
    C = positive(0.9 * correlation + 0.1 * np.eye(n_tasks))
    return (1.0 - NOISE) * C, np.full(n_tasks, NOISE)
