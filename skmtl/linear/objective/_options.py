"""Options of a linear fit, apart from its data and its penalty."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Self


@dataclass(frozen=True)
class FitOptions:
    """What a fit is asked for; `dataclasses.replace` gives those of the next one.

    Attributes
    ----------
    alpha, center, fit_intercept, intercept_alpha, positive, solver, max_iter, tol
        Parameters of `MultiTaskLinear`.
    margin : float, default=1.0
        The part of the gap that ``tol`` allows to which solvers go.
    """

    alpha: float = 1.0
    center: bool = False
    fit_intercept: bool = True
    intercept_alpha: float = 0.0
    positive: bool = False
    solver: str = "auto"
    max_iter: int = 1000
    tol: float = 1e-4
    margin: float = 1.0

    @classmethod
    def of(cls, estimator: Any, **changes: Any) -> Self:
        """Those of an estimator; what it does not have is as by default."""
        found = {
            field.name: getattr(estimator, field.name)
            for field in fields(cls)
            if hasattr(estimator, field.name)
        }
        return cls(**{**found, **changes})
