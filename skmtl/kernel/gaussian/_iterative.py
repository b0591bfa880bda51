r"""More labels than are decomposed: their mean by conjugate gradients.

The covariance of all cells is not formed where it is larger than that of the rows: with V the
numbers of cells as a table of rows and tasks, 0 where there is none, :math:`\Sigma v` are the
cells of :math:`K V B` and :math:`\sigma_t^2 v / c`. Variances are those that the labels of a part
of the rows leave: never too small.

References
----------
M. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving linear systems", Journal of
Research of the National Bureau of Standards 49, 1952, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skmtl._warnings import warn
from skmtl.kernel._labels import MAX_KERNEL_BYTES
from skmtl.kernel.gaussian._cells import Cells
from skmtl.kernel.gaussian._evidence import Asked, Posterior

Array = NDArray[Any]

MOST_EXACT = 5_000
"""Rows of complete labels, or cells, whose covariance is decomposed: a minute, or a few seconds."""
TOL = 1e-8
"""Norm of what is left of labels, in units of their noise, over their own."""
MAX_ITER = 2_000


def is_large(cells: Cells) -> bool:
    """Whether a decomposition would take too long."""
    return (cells.shape[0] if cells.is_complete else len(cells.rows)) > MOST_EXACT


@dataclass(frozen=True, eq=False)
class LargePosterior:
    """See `Posterior`; ``rows`` are those of the ``part`` that variances go by."""

    weights: Array
    means: Array
    part: Posterior
    rows: Array

    @classmethod
    def of(
        cls,
        cells: Cells,
        design: Array,
        prior: tuple[Array, Array, Array],
        part: tuple[Posterior, Array],
    ) -> LargePosterior:
        """Of all cells, for a kernel of their rows, a task covariance and noise."""
        K, B, noise = prior
        H, root = design[cells.tasks], np.sqrt(cells.counts / noise[cells.tasks])
        right = root[:, None] * np.column_stack([cells.values, H])
        solved = root[:, None] * conjugate_gradients(_product(cells, K, B, root), right)
        SH = solved[:, 1:]
        free = np.linalg.solve(H.T @ SH, SH.T @ cells.values)
        weights = np.zeros(cells.shape)
        weights[cells.rows, cells.tasks] = solved[:, 0] - SH @ free
        return cls(weights, design @ free, *part)

    def variances(self, asked: Asked, own: Array) -> Array:
        return self.part.variances(self._of_part(asked), own)

    def covariance(self, one: Asked, other: Asked, own: Array) -> Array:
        first = self._of_part(one)
        second = first if other is one else self._of_part(other)
        return self.part.covariance(first, second, own)

    def _of_part(self, asked: Asked) -> Asked:
        return asked._replace(K=asked.K[:, self.rows])


def _product(cells: Cells, K: Array, B: Array, root: Array) -> Any:
    """The covariance in units of noise, times columns (n_cells, k)."""
    rows, tasks, scale = cells.rows, cells.tasks, root[:, None]
    if 8 * len(rows) ** 2 <= MAX_KERNEL_BYTES:
        S = K[np.ix_(rows, rows)]
        S *= B[np.ix_(tasks, tasks)]
        return lambda v: scale * (S @ (scale * v)) + v

    def product(v: Array) -> Array:
        table = np.zeros((*cells.shape, v.shape[1]))
        table[rows, tasks] = scale * v
        found = (K @ table.reshape(len(K), -1)).reshape(table.shape)
        return np.asarray(scale * np.einsum("nsk,st->ntk", found, B)[rows, tasks] + v)

    return product


def conjugate_gradients(product: Any, right: Array) -> Array:
    """Solutions for columns (n, k) of a positive definite system; warns where they do not come."""
    x, left = np.zeros_like(right), right.copy()
    ahead, size = left.copy(), np.square(left).sum(axis=0)
    aim = TOL**2 * size
    for _ in range(MAX_ITER):
        if (size <= aim).all():
            return x
        along = product(ahead)
        curvature = (ahead * along).sum(axis=0)
        length = np.divide(size, curvature, out=np.zeros_like(size), where=curvature > 0)
        x += length * ahead
        left -= length * along
        new = np.square(left).sum(axis=0)
        ahead = left + np.divide(new, size, out=np.zeros_like(size), where=size > 0) * ahead
        size = new
    worst = float(np.sqrt((size[aim > 0] / aim[aim > 0]).max(initial=0.0))) * TOL
    warn(
        f"{MAX_ITER} steps of conjugate gradients leave {worst:.1g} of the labels; {TOL:g} is "
        "asked for. Noise is small for so many labels: fit on fewer rows.",
        ConvergenceWarning,
    )
    return x
