r"""Kernels that are tried: of two rows, and in long form of two labels.

With the distance d of two rows and its mean :math:`\bar d` over the rows of the fit, a kernel of
width w is

.. math:: k(x, z) = e^{-d_1 / (w \bar d_1)}, \quad e^{-d_2^2 / 2 (w \bar d_2)^2}, \quad
          e^{-d_2 / (w \bar d_2)}, \qquad \text{plus } \lambda \, k_\mathrm{lin}(x, z),

with the sum of absolute differences for ``"laplacian"``, the Euclidean distance for ``"rbf"`` and
``"exponential"``, and the ``"linear"`` kernel of centred rows, 1 in the mean of the diagonal. In
long form the kernel of row x of task s and row z of task t is [1]_

.. math:: k(x, z) \, (\rho + (1 - \rho) [s = t]) + c \, [s = t].

References
----------
.. [1] E. Bonilla, K. Chai and C. Williams, "Multi-task Gaussian process prediction", NeurIPS 2007,
   eq. 1, with the task kernel of T. Evgeniou, C. Micchelli and M. Pontil, "Learning multiple tasks
   with kernel methods", Journal of Machine Learning Research 6, 2005, section 3.1.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import manhattan_distances

Array = NDArray[Any]

KERNELS = ("linear", "laplacian", "rbf", "exponential")
ROUNDING = 1e-13
"""Squared distance, over the squared lengths, that is none."""
METRICS = {"laplacian": "l1", "rbf": "l2", "exponential": "l2"}


@dataclass(frozen=True)
class Candidate:
    """A kernel with its parameters; ``length`` is what distances are divided by."""

    kernel: str
    width: float = np.nan
    length: float = 1.0
    linear_share: float = 0.0
    similarity: float = 1.0
    task_offset: float = 0.0


class Rows(NamedTuple):
    """Scaled features, and the task of each row in long form (-1: an unknown one)."""

    X: Any
    task_index: Array | None = None

    @property
    def n_rows(self) -> int:
        """Their number."""
        return int(self.X.shape[0])

    def take(self, rows: Any) -> Rows:
        """Some of them."""
        return Rows(self.X[rows], None if self.task_index is None else self.task_index[rows])


class Space(NamedTuple):
    """What the rows of a fit say of all rows.

    ``rest`` is the mean of scaled features, ``spread`` the mean squared distance from it,
    ``n_tasks`` the number of tasks in long form.
    """

    rest: Array
    spread: float
    n_tasks: int

    @classmethod
    def of(cls, X: Any, rest: Array, share: Array, n_tasks: int) -> Space:
        """Of scaled features whose rows have weights ``share``."""
        spread = float(share @ _squared_lengths(X) / share.sum() - rest @ rest)
        return cls(rest, spread if spread > 0.0 else 1.0, n_tasks)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Every row of ``left`` with every one of ``right``: distances are computed once."""

    left: Rows
    right: Rows
    space: Space

    @cached_property
    def l1(self) -> Array:
        """Sums of absolute differences."""
        if sparse.issparse(self.left.X) or sparse.issparse(self.right.X):
            return np.asarray(manhattan_distances(_narrow(self.left.X), _narrow(self.right.X)))
        return np.asarray(cdist(self.left.X, self.right.X, "cityblock"))

    @cached_property
    def l2(self) -> Array:
        """Euclidean distances, 0 for what differs by rounding."""
        squares = squared_distances(self.left.X, self.right.X, self._products)
        return np.sqrt(squares, out=squares)

    @cached_property
    def _products(self) -> Array:
        return products_of_rows(self.left.X, self.right.X)

    @cached_property
    def linear(self) -> Array:
        """Products of centred rows."""
        products, rest = self._products, self.space.rest
        if rest.any():
            left, right = self.left.X @ rest, self.right.X @ rest
            products = products - left[:, None] - right + rest @ rest
        return np.asarray(products / self.space.spread)

    @cached_property
    def same_task(self) -> Array:
        """1 for rows of one task; a row of an unknown one is of each in equal shares."""
        ours, theirs = self.left.task_index, self.right.task_index
        assert ours is not None
        assert theirs is not None
        same = (ours[:, None] == theirs).astype(np.float64)
        same[ours < 0] = 1.0 / self.space.n_tasks
        return same

    def kernel(self, candidate: Candidate) -> Array:
        """Kernel of all pairs."""
        K = self._of_rows(candidate)
        if self.left.task_index is None:
            return K
        rho, offset = candidate.similarity, candidate.task_offset
        if rho < 1.0:
            K = K * (rho + (1.0 - rho) * self.same_task)
        return K + offset * self.same_task if offset else K

    def mean_distance(self, kernel: str, share: Array) -> float:
        """Mean distance that the kernel goes by, of rows with weights; 1 where all are alike."""
        share = share / share.sum()
        mean = float(share @ getattr(self, METRICS[kernel]) @ share)
        return mean if mean > 0.0 else 1.0

    def _of_rows(self, candidate: Candidate) -> Array:
        if candidate.kernel == "linear":
            return self.linear
        scaled = getattr(self, METRICS[candidate.kernel]) / candidate.length
        if candidate.kernel == "rbf":
            scaled = 0.5 * np.square(scaled)
        K = np.exp(-scaled)
        return K + candidate.linear_share * self.linear if candidate.linear_share else K


def products_of_rows(X: Any, Y: Any) -> Array:
    """X Y', (n, m)."""
    products = X @ Y.T
    return np.asarray(products.toarray() if sparse.issparse(products) else products)


def squared_distances(X: Any, Y: Any, products: Array) -> Array:
    """Of all rows of X from those of Y, whose products are known; 0 for what is rounding."""
    left, right = _squared_lengths(X)[:, None], _squared_lengths(Y)
    squares = -2.0 * products
    squares += left
    squares += right
    squares[squares <= ROUNDING * (left + right)] = 0.0
    return squares


def _squared_lengths(X: Any) -> Array:
    if sparse.issparse(X):
        return np.asarray(X.multiply(X).sum(axis=1)).ravel()
    return np.asarray(np.einsum("ij,ij->i", X, X))


def _narrow(X: Any) -> Any:
    """CSR with indices no wider than they must be: scikit-learn's distances take no others."""
    X = sparse.csr_matrix(X)
    if max(X.shape[1], X.nnz) <= np.iinfo(np.int32).max:
        X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return X
