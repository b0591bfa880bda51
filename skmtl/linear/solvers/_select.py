"""Which solver takes which problem."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skmtl.linear.objective._statistics import MAX_GRAM_BYTES
from skmtl.linear.solvers._blocks import FEW_FEATURES, has_one_feature_weight, takes_rows

MAX_UNKNOWN = 5000
"""Largest system in all coefficients that is solved directly."""

MAX_EIGEN_WORK = 1e10
"""Largest number of Gram matrices times p^3 that `admm` decomposes."""

SMALL = 1000
"""Coefficients, of all alphas, up to which `admm` is done before compiled code is loaded."""

SOLVERS = ("auto", "closed_form", "block_descent", "admm", "proximal_gradient")


@dataclass
class Case:
    """What decides on the solver."""

    tasks: Any
    parts: list
    penalty: Any
    settings: Any
    squared: bool
    n_bytes: float
    n_alphas: int = 1

    @property
    def n_features(self):
        """Number of features."""
        return self.parts[0].shape[0]

    @property
    def n_grams(self):
        """Number of Gram matrices."""
        return self.n_bytes / (8 * self.n_features**2)

    @property
    def has_shrunk_intercepts(self):
        """Whether intercepts are penalised."""
        return self.settings.fit_intercept and self.settings.intercept_alpha > 0


def choose_solver(case):
    """Name of the solver to use; ValueError if the one asked for does not fit."""
    asked = case.settings.solver
    if asked == "auto":
        fitting = [name for name in NEEDS if NEEDS[name](case) is None]
        n_coefficients = case.n_alphas * np.prod(case.parts[0].shape)
        if "block_descent" in fitting and "admm" in fitting and n_coefficients <= SMALL:
            fitting.remove("block_descent")
        return fitting[0]
    missing = NEEDS[asked](case)
    if missing is not None:
        fitting = [repr(name) for name in NEEDS if NEEDS[name](case) is None]
        raise ValueError(
            f"solver={asked!r} needs {missing}. The penalty is {case.penalty!r}; what fits: "
            f"{', '.join(fitting)}, or 'auto'."
        )
    return asked


def fits_in_grams(shape, n_bytes):
    """Whether all solvers work on Gram matrices of this size, for X of this shape."""
    return n_bytes <= MAX_GRAM_BYTES and shape[1] <= max(FEW_FEATURES, shape[0])


def _grams(case, *, one_a_task=False):
    """What is missing for Gram matrices, or for one each task; None if nothing is."""
    if not case.squared:
        found = sorted({task.alias for task in case.tasks.tasks})
        return f"squared loss, but got tasks {found} or another loss"
    n_bytes = 8 * case.n_features * np.prod(case.parts[0].shape) if one_a_task else case.n_bytes
    if n_bytes > MAX_GRAM_BYTES:
        return (
            f"Gram matrices of at most {MAX_GRAM_BYTES / 2**30:g} GiB, but they would take "
            f"{n_bytes / 2**30:.1f} GiB"
        )
    return None


def _closed_form(case):
    if missing := _grams(case):
        return missing
    part = case.parts[0]
    if len(case.parts) > 1 or not part.is_quadratic:
        return "a quadratic penalty ('l2', 'mean', a graph, or a sum)"
    if part.Q.dense is None or (case.n_grams == 1 and not case.has_shrunk_intercepts):
        return None
    # Different Gram matrices and a graph: one system in all coefficients.
    if np.isinf(case.settings.intercept_alpha) and case.has_shrunk_intercepts:
        return "intercept_alpha < inf for a graph over tasks"
    n_unknown = (case.n_features + 1) * part.n_tasks
    if n_unknown > MAX_UNKNOWN:
        return f"at most {MAX_UNKNOWN} coefficients for a graph over tasks, but got {n_unknown}"
    return None


def _block_descent(case):
    if not case.squared:
        return _grams(case)
    if case.n_grams > 1 and (missing := _grams(case, one_a_task=True)):
        return missing
    if case.has_shrunk_intercepts or case.settings.center:
        return "intercept_alpha=0 and center=False"
    part = case.parts[0]
    if len(case.parts) > 1 or not takes_rows(part) or not has_one_feature_weight(part):
        return "alpha > 0 and a sum of L1, L21 and L2 (one feature_weight)"
    return None


def _admm(case):
    if missing := _grams(case):
        return missing
    if case.n_grams * case.n_features**3 > MAX_EIGEN_WORK:
        return (
            f"fewer features: {case.n_grams:.0f} matrices of {case.n_features} features are "
            "too many to decompose"
        )
    return None


def _proximal_gradient(case):
    return None


# In the order of preference; each says what it needs that is not there, or None.
NEEDS = {
    "closed_form": _closed_form,
    "block_descent": _block_descent,
    "admm": _admm,
    "proximal_gradient": _proximal_gradient,
}
