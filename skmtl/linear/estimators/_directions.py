"""The directions of X that all tasks use, in models of low rank."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._represents import Represents
from skmtl.linear.estimators._later_tasks import GrowsLinearTasks

Array = NDArray[Any]

ROUNDING = 1e-6
"""Singular value over the largest that is what a solver has left of 0."""


class RepresentsDirections(Represents, GrowsLinearTasks):
    r"""Mixin for linear models: :math:`X V_r`, with :math:`U S V_r'` the coefficients."""

    def _lacks_representation(self) -> str | None:
        if self._is_low_rank:
            return None
        return (
            "only models of low rank have directions that all tasks use, MultiTaskLinear("
            "'trace_norm') and ReducedRankRegressor."
        )

    def _directions(self) -> Array:
        """Orthonormal directions (n_directions, n_features), the most important first."""
        U, s, V = np.linalg.svd(self._coef_of_fit(), full_matrices=False)
        used = s > ROUNDING * s.max(initial=0.0)
        largest = U[np.abs(U).argmax(axis=0), np.arange(len(s))]
        return np.asarray((np.where(largest < 0, -1.0, 1.0)[:, None] * V)[used])

    def _coef_of_fit(self) -> Array:
        """Coefficients without those of tasks that came later."""
        grown = vars(self).get("_grown")
        coef: Array = self.coef_ if grown is None else grown.state["coef_"]
        return coef

    def _represent(self, X: Any) -> Array:
        X = self._read_X(X, reset=False)[0]
        return np.asarray(X.astype(np.float64, copy=False) @ self._directions().T)

    def _names_of_layer(self) -> list[str]:
        return [str(k) for k in range(len(self._directions()))]
