"""Task kernels: how much the functions of two tasks have in common, (n_tasks, n_tasks)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.tasks._adjacency import laplacian, read_adjacency

Array = NDArray[Any]

TASK_KERNELS = ("mean", "identity", "graph", "learned")

SIMILARITIES = {False: (0.5, 0.0), True: (0.5, 0.0, 0.8, 0.95)}
"""What "auto" tries, for "mean", and whether that is in long form: there tasks are nearly the same
as often as not, while columns of y are seldom. Measured: benchmarks/accuracy (TUNED), and simulated
tasks with slopes of their own, with offsets, and with one function. 1 is left out, as tasks that
only look the same then have no way to differ."""


def make_task_kernel(
    task_kernel: Any, kept: Array, n_tasks: int, similarity: float, adjacency: Any
) -> Array:
    """Task kernel of the tasks ``kept``; for "learned" the identity, where it starts."""
    if not isinstance(task_kernel, str):
        return checked_matrix(task_kernel, n_tasks)[np.ix_(kept, kept)]
    identity = np.eye(len(kept))
    if task_kernel == "mean":
        return np.asarray(similarity + (1.0 - similarity) * identity)
    if task_kernel == "graph":
        if adjacency is None:
            raise ValueError(
                "task_kernel='graph' needs adjacency=, an array of shape "
                f"({n_tasks}, {n_tasks}) with the weights of the edges between tasks."
            )
        edges = read_adjacency(adjacency, n_tasks, "adjacency")[np.ix_(kept, kept)]
        return np.asarray(np.linalg.inv(identity + laplacian(edges)))
    return identity


def checked_matrix(matrix: Any, n_tasks: int, name: str = "task_kernel") -> Array:
    """A finite, symmetric and positive semidefinite array."""
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.shape != (n_tasks, n_tasks):
        raise ValueError(
            f"{name} has shape {matrix.shape}; expected ({n_tasks}, {n_tasks}), a row and a "
            "column per task in the order of task_names_in_."
        )
    if not np.isfinite(matrix).all():
        raise ValueError(f"{name} contains NaN or infinity.")
    rounding = 1e-10 * np.abs(matrix).max()
    if not np.allclose(matrix, matrix.T, rtol=0.0, atol=rounding):
        raise ValueError(f"{name} is not symmetric.")
    matrix = np.asarray(0.5 * (matrix + matrix.T))
    lowest = np.linalg.eigvalsh(matrix)[0]
    if lowest < -rounding:
        raise ValueError(
            f"{name} is not positive semidefinite: its smallest eigenvalue is {lowest:.3g}."
        )
    return matrix
