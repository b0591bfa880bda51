"""Tasks that are neighbours in a graph."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from skmtl.linear.penalties._base import Array
from skmtl.linear.penalties._quadratic import Quadratic
from skmtl.tasks._adjacency import laplacian, read_adjacency
from skmtl.tasks._by_name import matrix_by_task


class Graph(Quadratic):
    r"""Half the squared distances between neighbouring tasks.

    .. math:: \Omega(W) = \tfrac12 \sum_{s < t} a_{st} \|w_s - w_t\|_2^2
              = \tfrac12 \mathrm{tr}(W L W')

    with the graph Laplacian L of the adjacency matrix a.

    Parameters
    ----------
    adjacency : array-like of shape (n_tasks, n_tasks)
        Symmetric, entries >= 0: how close two tasks are, in the order of ``task_names_in_``. A
        DataFrame is matched by the names of the tasks.
    weight : float, default=1.0
        Factor on the penalty.

    References
    ----------
    Evgeniou, Micchelli and Pontil, "Learning multiple tasks with kernel methods", JMLR 6, 2005,
    section 3.1.3.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl.linear.penalties import Graph
    >>> Graph([[0, 2], [2, 0]]).value(np.array([[1.0, 3.0]]))
    4.0
    """

    alias = "graph"
    per_task: ClassVar = {"adjacency": matrix_by_task}

    def __init__(self, adjacency: Any, weight: float = 1.0) -> None:
        self.adjacency = adjacency
        self.weight = weight

    def for_tasks(self, kept: Array, n_tasks: int) -> Graph:
        return Graph(self._read(n_tasks)[np.ix_(kept, kept)], self.weight)

    def _read(self, n_tasks: int) -> Array:
        return read_adjacency(self.adjacency, n_tasks, "Graph: adjacency")

    def matrix(self, n_tasks: int) -> Array:
        return laplacian(self._read(n_tasks))
