r"""What the covariance :math:`\Sigma = L L'` of coefficients over tasks may look like.

A structure says which numbers of L (d, k) are free. Their values are unconstrained, and every value
of them is a covariance, singular ones included.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Spectral:
    r"""A covariance :math:`\Sigma = \lambda I + Q J Q'`, with a diagonal J and few columns of Q."""

    scale: float
    Q: Array
    J: Array


class Structure:
    """Numbers that a factor L is made of; d coefficients, the first an intercept or not."""

    def __init__(self, d: int, *, has_intercept: bool) -> None:
        self.d, self.has_intercept = d, has_intercept

    @property
    def n_numbers(self) -> int:
        """How many numbers."""
        return len(self.slopes(np.zeros(self.factor_shape)))

    @property
    def n_free(self) -> int:
        """How many of them a covariance has."""
        return self.n_numbers

    @property
    def factor_shape(self) -> tuple[int, int]:
        """Of L."""
        return self.d, self.d

    @abstractmethod
    def factor(self, free: Array) -> Array:
        """L (d, k) of the free numbers."""

    def spectral(self, free: Array) -> Spectral | None:
        """The same covariance as one of few columns beside the identity, where it is such."""
        return None

    def variances(self, free: Array) -> Array | None:
        """Those whose square roots are numbers, the last ones; None where there are no such."""
        return None

    def of_variances(self, of_covariance: Array) -> Array:
        """Slopes along these, from those along the covariance."""
        raise NotImplementedError

    @abstractmethod
    def slopes(self, of_factor: Array) -> Array:
        """Slopes along the free numbers, from those along L."""

    @abstractmethod
    def start(self, covariance: Array) -> Array:
        """Free numbers whose covariance is close to a given one (d, d)."""


class Scalar(Structure):
    """One variance of the intercepts, one of all slopes."""

    def __init__(self, d: int, *, has_intercept: bool) -> None:
        super().__init__(d, has_intercept=has_intercept)
        self.of = np.full(d, int(has_intercept))
        self.of[0] = 0

    def factor(self, free: Array) -> Array:
        return np.diag(free[self.of])

    def spectral(self, free: Array) -> Spectral | None:
        variances = free**2
        # Intercepts differ from slopes by one column.
        Q = np.eye(self.d)[:, : len(variances) - 1]
        return Spectral(float(variances[-1]), Q, variances[:-1] - variances[-1])

    def variances(self, free: Array) -> Array | None:
        return free[: self.of.max() + 1] ** 2

    def of_variances(self, of_covariance: Array) -> Array:
        return self.slopes(of_covariance)

    def slopes(self, of_factor: Array) -> Array:
        return np.bincount(self.of, weights=np.diag(of_factor))

    def start(self, covariance: Array) -> Array:
        return np.sqrt(self.slopes(covariance) / np.bincount(self.of))


class Diagonal(Scalar):
    """A variance of its own for every coefficient."""

    def __init__(self, d: int, *, has_intercept: bool) -> None:
        super().__init__(d, has_intercept=has_intercept)
        self.of = np.arange(d)

    def spectral(self, free: Array) -> Spectral | None:
        return None


class Full(Structure):
    """Any covariance, by its Cholesky factor."""

    def factor(self, free: Array) -> Array:
        L = np.zeros((self.d, self.d))
        L[np.tril_indices(self.d)] = free
        return L

    def slopes(self, of_factor: Array) -> Array:
        return of_factor[np.tril_indices(self.d)]

    def start(self, covariance: Array) -> Array:
        values, vectors = np.linalg.eigh(covariance)
        return self.slopes(np.linalg.qr((vectors * np.sqrt(np.maximum(values, 0.0))).T)[1].T)


class LowRank(Structure):
    """A covariance of some rank beside a simpler one: L = (F, D)."""

    LEFT = 0.1
    """Least share of a variance that the diagonal starts with: from 0 it would not move."""

    def __init__(self, beside: Scalar, rank: int) -> None:
        super().__init__(beside.d, has_intercept=beside.has_intercept)
        self.beside, self.rank = beside, min(rank, beside.d)

    @property
    def n_free(self) -> int:
        # A rotation of the columns of F is the same covariance.
        return self.n_numbers - self.rank * (self.rank - 1) // 2

    @property
    def factor_shape(self) -> tuple[int, int]:
        return self.d, self.rank + self.d

    def split(self, free: Array) -> tuple[Array, Array]:
        """F, and the numbers of what is beside it."""
        n = self.rank * self.d
        return free[:n].reshape(self.d, self.rank), free[n:]

    def factor(self, free: Array) -> Array:
        F, rest = self.split(free)
        return np.hstack([F, self.beside.factor(rest)])

    def spectral(self, free: Array) -> Spectral | None:
        F, rest = self.split(free)
        of_rest = self.beside.spectral(rest)
        if of_rest is None:
            return None
        J = np.r_[np.ones(self.rank), of_rest.J]
        return Spectral(of_rest.scale, np.hstack([F, of_rest.Q]), J)

    def variances(self, free: Array) -> Array | None:
        return self.beside.variances(self.split(free)[1])

    def of_variances(self, of_covariance: Array) -> Array:
        return self.beside.slopes(of_covariance)

    def slopes(self, of_factor: Array) -> Array:
        F, D = of_factor[:, : self.rank], of_factor[:, self.rank :]
        return np.r_[F.ravel(), self.beside.slopes(D)]

    def start(self, covariance: Array) -> Array:
        values, vectors = np.linalg.eigh(covariance)
        F = vectors[:, -self.rank :] * np.sqrt(np.maximum(values[-self.rank :], 0.0))
        rest = np.maximum(np.diag(covariance) - (F**2).sum(axis=1), self.LEFT * np.diag(covariance))
        return np.r_[F.ravel(), self.beside.start(np.diag(rest))]


STRUCTURES = {"scalar": Scalar, "diag": Diagonal, "full": Full}


def structure_of(covariance: str | int, d: int, *, has_intercept: bool) -> Structure:
    """By its name, or of some rank plus a diagonal."""
    if isinstance(covariance, str):
        return STRUCTURES[covariance](d, has_intercept=has_intercept)
    return LowRank(Diagonal(d, has_intercept=has_intercept), int(covariance))
