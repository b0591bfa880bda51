r"""How likely labels are for a kernel, a task covariance and noise.

Labels of cells are normal, with values H b of free means of tasks (H: one column for each, or one
for all, or none) and the covariance :math:`\Sigma = B_{st} K_{ij} + [\cdot] \, \sigma_s^2 / c`,

.. math:: -2 \log p = y' \Pi y + \log |\Sigma| + \log |H' \Sigma^{-1} H| - \log |H'CH|
    + (N - g) \log 2 \pi + \sum_t (m_t \log \sigma_t^2 + w_t / \sigma_t^2) + \sum \log c

with :math:`\Pi = \Sigma^{-1} - \Sigma^{-1} H (H' \Sigma^{-1} H)^{-1} H' \Sigma^{-1}`: the density
of the contrasts of the labels, which do not depend on the means (restricted likelihood [1]_ [2]_).
N counts labels, g means, :math:`m_t` labels that are not the first of their cell and :math:`w_t`
their sum of squares. With :math:`\alpha = \Pi y`, its differential is

.. math:: \tfrac12 \mathrm{tr} \, (\alpha \alpha' - \Pi) \, d\Sigma.

References
----------
.. [1] D. A. Harville, "Bayesian inference for variance components using only error contrasts",
   Biometrika 61, 1974, eq. 2.
.. [2] C. E. Rasmussen and C. K. I. Williams, "Gaussian processes for machine learning", MIT Press
   2006, eqs. 2.45 and 5.9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skmtl.kernel.gaussian._cells import Cells

Array = NDArray[Any]


class Evidence(NamedTuple):
    """A log likelihood, and its slopes in K (n, n), in B (T, T) and in the noise (T,).

    ``precision`` is the diagonal of Pi, of which one over an entry is the variance of the label of
    a cell given all others (Rasmussen and Williams, eq. 5.12).
    """

    value: float
    of_kernel: Callable[[], Array]
    of_tasks: Array
    of_noise: Array
    precision: Callable[[], Array]


class Asked(NamedTuple):
    """Functions at rows.

    A function is asked for by its share of every task, ``queries`` (n_queries, T); all of them at
    every row, or, where ``which`` (m,) says so, one at each. ``K`` is the kernel of the rows with
    those of the fit (m, n).
    """

    K: Array
    queries: Array
    which: Array | None

    @property
    def shape(self) -> tuple[int, ...]:
        """(m, n_queries), or (m,)."""
        return (len(self.K), len(self.queries)) if self.which is None else (len(self.K),)


class Posterior(Protocol):
    r"""What is known of functions, given the labels.

    Attributes
    ----------
    weights : ndarray of shape (n_rows, n_tasks)
        :math:`\alpha`, 0 where there is no cell.
    means : ndarray of shape (n_tasks,)
        Estimates of H b.
    """

    weights: Array
    means: Array

    def variances(self, asked: Asked, own: Array) -> Array:
        """Variances of all functions, from the kernel of each row with itself (m,)."""

    def covariance(self, one: Asked, other: Asked, own: Array) -> Array:
        """Covariances of all with all others, from the kernel of their rows (m, l)."""


class System(Protocol):
    """Labels of cells, whatever their covariance.

    ``is_cheap_by_kernel``: what it costs is `decompose`; the rest is next to nothing.
    """

    cells: Cells
    is_cheap_by_kernel: bool

    def decompose(self, K: Array) -> Any:
        """What depends on the kernel (n, n) alone."""

    def evidence(self, decomposed: Any, B: Array, noise: Array) -> Evidence | None:
        """How likely the labels are; None where rounding leaves no positive definite matrix."""

    def posterior(self, decomposed: Any, B: Array, noise: Array) -> Posterior:
        """What the labels tell."""


def constant_terms(cells: Cells, design: Array) -> float:
    """What of -2 log p depends on the places of the labels alone."""
    total = np.bincount(cells.tasks, cells.counts, cells.shape[1])
    per_mean = design.T @ total
    n_free = float(total.sum()) - design.shape[1]
    logs = float(np.log(cells.counts).sum() - np.log(per_mean).sum())
    return n_free * float(np.log(2.0 * np.pi)) + logs


def repeated(cells: Cells, noise: Array) -> tuple[float, Array]:
    """The share that labels of one cell have in -2 log p, and half of its slopes in the noise."""
    m, w = cells.n_repeated, cells.within
    return float(m @ np.log(noise) + (w / noise).sum()), 0.5 * (m / noise - w / noise**2)
