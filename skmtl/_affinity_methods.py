"""The ways to measure what tasks do for each other, for all rooms that take one by its name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

METHODS = ("tag", "grad_cosine", "pairwise", "coef_cosine", "residual_correlation")


def measure_by_method(method: str, estimator: Any, X: Any, y: Any, weights: Any = None) -> Any:
    """The `TaskAffinity` of a method; see `skmtl.inspection.task_affinity`."""
    # On use: what measures is made of rooms that ask for it here.
    task_affinity = import_module("skmtl.inspection").task_affinity
    return task_affinity(estimator, X, y, method=method, sample_weight=weights)
