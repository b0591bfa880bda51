"""Graphs between tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def read_adjacency(matrix: Any, n_tasks: int, what: str) -> NDArray[np.float64]:
    """The adjacency matrix (n_tasks, n_tasks) of a graph, checked, with a zero diagonal.

    ``what`` is the name of the parameter in messages.
    """
    a = np.asarray(matrix, dtype=np.float64)
    if a.shape != (n_tasks, n_tasks):
        raise ValueError(f"{what} has shape {a.shape}; there are {n_tasks} tasks.")
    bad = ~(np.isfinite(a) & (a >= 0) & np.isclose(a, a.T))
    if bad.any():
        s, t = np.argwhere(bad)[0].tolist()
        raise ValueError(
            f"{what} must be symmetric with finite entries >= 0; it has {a[s, t]:g} at ({s}, {t}) "
            f"and {a[t, s]:g} at ({t}, {s})."
        )
    return a - np.diag(np.diag(a))


def laplacian(adjacency: NDArray[np.float64]) -> NDArray[np.float64]:
    """Laplacian of a graph with a zero diagonal."""
    return np.diag(adjacency.sum(axis=1)) - adjacency
