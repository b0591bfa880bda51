"""Gramians of gradients of any length, made fit for solvers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# Bounds the multipliers of gradients that (nearly) cancel; far below what float32 resolves.
RIDGE = 1e-12
# Gramians often come from float32 gradients, whose noise must not count as a direction.
PRECISION = float(np.finfo(np.float32).eps)


def cosines_of(gramian: Array) -> tuple[Array, Array]:
    """Norms of the gradients, and the Gramian of those of norm 1 (0 for a zero gradient).

    In units of their own, gradients may differ by any factor without loss of digits.
    """
    gramian = np.asarray(gramian, dtype=float)
    norms = np.sqrt(np.maximum(np.diagonal(gramian), 0.0))
    inverse = np.divide(1.0, norms, out=np.zeros_like(norms), where=norms > 0)
    # One factor at a time, for their product may overflow where the cosine does not.
    cosines = gramian * inverse * inverse[:, None]
    return norms, np.clip((cosines + cosines.T) / 2, -1.0, 1.0)


def positive_definite(cosines: Array, ridge: float = RIDGE) -> Array:
    """The matrix, its diagonal raised until a Cholesky factor exists despite rounding."""
    raised = cosines + ridge * np.eye(len(cosines))
    try:
        np.linalg.cholesky(raised)
    except np.linalg.LinAlgError:
        lowest = float(np.linalg.eigvalsh(cosines)[0])
        raised = raised + 2 * max(0.0, -lowest) * np.eye(len(cosines))
    return raised


def for_unit_gradients(gramian: Array, solve: Callable[[Array], Array]) -> Array:
    """Weights of the gradients, given what finds those of their unit vectors from cosines.

    A zero gradient takes no part, and its weight is 0.
    """
    norms, cosines = cosines_of(gramian)
    moving = norms > 0
    weights = np.zeros(len(norms))
    if moving.any():
        weights[moving] = solve(cosines[np.ix_(moving, moving)]) / norms[moving]
    return weights


def pseudo_solve(cosines: Array, target: Array) -> Array:
    """Least-norm solution of ``cosines @ x = target``, for cosines of any rank."""
    values, vectors = np.linalg.eigh(cosines)
    kept = values > len(values) * PRECISION * values[-1]
    vectors = vectors[:, kept]
    solution: Array = vectors @ ((target @ vectors) / values[kept])
    return solution
