"""Options of a linear fit, apart from its data and its penalty."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

from numpy.typing import NDArray

Array = NDArray[Any]

TASK_MEANS = "task_means"
"""Intercepts are compared where every task has the mean of its own features."""

Origin = Array | str | None


@dataclass(frozen=True)
class FitOptions:
    """What a fit is asked for; `dataclasses.replace` gives those of the next one.

    Attributes
    ----------
    alpha, center, shared_alpha, fit_intercept, intercept_alpha, positive, solver, max_iter, tol
        Parameters of `MultiTaskLinear`.
    origin : ndarray of shape (n_features,), TASK_MEANS or None, default=None
        Where intercepts are compared, if they are pulled together; None for 0.
    margin : float, default=1.0
        The part of the gap that ``tol`` allows to which solvers go.
    """

    alpha: float = 1.0
    center: bool = False
    shared_alpha: float = 0.0
    fit_intercept: bool = True
    intercept_alpha: float = 0.0
    origin: Origin = None
    positive: bool = False
    solver: str = "auto"
    max_iter: int = 1000
    tol: float = 1e-4
    margin: float = 1.0

    def in_basis(self, basis: Array | None) -> Self:
        """The same for features in a basis of the rows (n_features, n_rows), if there is one."""
        if basis is None or self.origin is None or isinstance(self.origin, str):
            return self
        return replace(self, origin=basis.T @ self.origin)

    def out_of_basis(self, basis: Array | None) -> Self:
        """Those of which these are the ones in the basis."""
        return self.in_basis(None if basis is None else basis.T)

    @classmethod
    def of(cls, estimator: Any, **changes: Any) -> Self:
        """Those of an estimator; what it does not have is as by default."""
        found = {
            field.name: getattr(estimator, field.name)
            for field in fields(cls)
            if hasattr(estimator, field.name)
        }
        found["origin"] = getattr(estimator, "_origin", None)
        return cls(**{**found, **changes})
