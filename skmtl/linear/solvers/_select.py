"""Which solver takes which problem."""

from __future__ import annotations

from collections.abc import Iterator

from skmtl.linear.objective._statistics import MAX_GRAM_BYTES
from skmtl.linear.solvers import SOLVERS
from skmtl.linear.solvers._base import Case, Solver
from skmtl.linear.solvers._needs import FEW_FEATURES

SMALL = 1000
"""Coefficients, of all alphas, up to which `ADMM` is done before compiled code is loaded."""


def select_solver(case: Case) -> Solver:
    """The solver to use; ValueError if the one asked for does not fit."""
    asked = case.options.solver
    fitting = (solver for solver in SOLVERS if solver.lacks(case) is None)
    if isinstance(asked, str) and asked == "auto":
        return _preferred(fitting, case)
    solver = asked if isinstance(asked, Solver) else _named(asked)
    missing = solver.lacks(case)
    if missing is not None:
        names = ", ".join(repr(solver.name) for solver in fitting)
        raise ValueError(
            f"solver={asked!r} needs {missing}. The penalty is {case.penalty!r}; what fits: "
            f"{names}, or 'auto'."
        )
    return solver


def _preferred(fitting: Iterator[Solver], case: Case) -> Solver:
    first = next(fitting)
    if first.is_compiled and case.n_coefficients <= SMALL:
        second = next(fitting)
        return second if second.needs_grams else first
    return first


def _named(name: str) -> Solver:
    return next(solver for solver in SOLVERS if solver.name == name)


def fits_in_grams(shape: tuple[int, int], n_bytes: float) -> bool:
    """Whether all solvers work on Gram matrices of this size, for X of this shape."""
    return n_bytes <= MAX_GRAM_BYTES and shape[1] <= max(FEW_FEATURES, shape[0])
