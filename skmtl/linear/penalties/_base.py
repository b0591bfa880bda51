"""What a penalty has to say of the coefficient matrix W (n_features, n_outputs)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, clone

Array = NDArray[Any]


class Penalty(BaseEstimator, ABC):
    r"""Base class of penalties :math:`\mathrm{weight} \cdot \Omega(W)`.

    A new penalty defines `value`, `prox` and either `dual_norm` (where :math:`\Omega` is a
    norm) or `conjugate`, and is registered in ``PENALTIES``.

    Parameters
    ----------
    weight : float, default=1.0
        Factor on the penalty; ``.3 * L1()`` is ``L1(weight=.3)``.
    """

    alias: ClassVar[str]
    is_quadratic: ClassVar[bool] = False
    # Penalises only V in W = w0 1' + V, as every penalty does with center=True.
    is_centred: ClassVar[bool] = False

    def __init__(self, weight: float = 1.0) -> None:
        self.weight = weight

    def __mul__(self, factor: float) -> Self:
        scaled: Self = clone(self)
        return scaled.set_params(weight=self.weight * factor)

    __rmul__ = __mul__

    @abstractmethod
    def value(self, W: Array) -> float:
        """Penalty of W, with its weight."""

    @abstractmethod
    def prox(self, W: Array, step: float) -> Array:
        r"""Minimiser of :math:`\frac12 \|V - W\|_F^2 + \mathrm{step} \cdot \mathrm{value}(V)`."""

    @abstractmethod
    def dual_scale(self, Z: Array, alpha: float) -> float:
        """Largest s <= 1 for which the conjugate of alpha times the penalty is finite at s Z."""

    @abstractmethod
    def conjugate(self, Z: Array, alpha: float) -> float:
        """Conjugate of alpha times the penalty at a Z made feasible by `dual_scale`."""

    @abstractmethod
    def alpha_max(self, Z: Array) -> float:
        """Smallest alpha at which W is 0, given the gradient Z of the loss at W = 0."""


class NormPenalty(Penalty):
    """A penalty that is a norm: its conjugate is 0 inside the dual norm's ball."""

    @abstractmethod
    def dual_norm(self, Z: Array) -> float:
        """Dual norm of Z, for weight 1."""

    def dual_scale(self, Z: Array, alpha: float) -> float:
        size, radius = self.dual_norm(Z), alpha * self.weight
        return 1.0 if size <= radius else radius / size

    def conjugate(self, Z: Array, alpha: float) -> float:
        return 0.0

    def alpha_max(self, Z: Array) -> float:
        return self.dual_norm(Z) / self.weight if self.weight else np.inf
