"""The settings that networks are tried with where no others are given."""

from __future__ import annotations

from typing import Any

from scipy import sparse
from sklearn.model_selection import ParameterGrid

PLAN: dict[str, Any] = {
    "solver": "adamw",
    "learning_rate": "cosine",
    "learning_rate_init": 1e-2,
    "feature_scaling": "auto",
}
"""What the candidates below have in common."""

# From strong decay and dropout, for labels that are mostly noise, to hardly any, beside a linear
# path, for functions of the features. No one is the best on most data. Chosen on slump, enb, atp1d
# and sarcos, with and without noise added to their labels: benchmarks/accuracy.
PLAIN: list[dict[str, Any]] = [
    {"alpha": 10.0, "dropout": 0.4, "activation": "silu", "linear_skip": False},
    {"alpha": 3.0, "dropout": 0.3, "activation": "silu", "linear_skip": False},
    {"alpha": 1.0, "dropout": 0.2, "activation": "relu", "linear_skip": False},
    {"alpha": "auto", "dropout": 0.1, "activation": "gelu", "linear_skip": False},
    {"alpha": 0.03, "dropout": 0.0, "activation": "silu", "linear_skip": True},
]
EMBEDDED: list[dict[str, Any]] = [
    {"alpha": 3.0, "dropout": 0.3, "activation": "silu", "linear_skip": False},
    {"alpha": 1.0, "dropout": 0.2, "activation": "relu", "linear_skip": False},
    {"alpha": 0.1, "dropout": 0.1, "activation": "silu", "linear_skip": True},
]

# Columns up to which numbers are embedded, too: with more it is slow, and overfits.
MOST_COLUMNS = 100

FIXED = {
    "tasks": "holds for all candidates",
    "task_feature": "holds for all candidates",
    "unknown_task": "holds for all candidates",
    "class_weight": "holds for all candidates",
    "random_state": "holds for all candidates",
    "n_threads": "holds for all candidates",
    "verbose": "holds for all candidates",
    "early_stopping": "held-out rows decide for every candidate already",
    "monitor": "held-out rows decide for every candidate already",
    "validation_fraction": "held-out rows decide for every candidate already",
    "n_iter_no_change": "held-out rows decide for every candidate already",
    "tol": "held-out rows decide for every candidate already",
    "warm_start": "every fit starts anew",
    "half_life": "is for streams, and every fit starts anew",
}
"""Parameters of `MultiTaskMLP` that a grid may not name, and why."""


def default_candidates(X: Any) -> list[dict[str, Any]]:
    """Candidates for these features."""
    found = [{**PLAN, "numeric_embedding": "auto", **settings} for settings in PLAIN]
    if X.ndim > 2:
        return [{**candidate, "linear_skip": False} for candidate in found]
    if not sparse.issparse(X) and X.shape[1] <= MOST_COLUMNS:
        embedded = {**PLAN, "numeric_embedding": "piecewise_linear"}
        found += [{**embedded, **settings} for settings in EMBEDDED]
    return found


def read_candidates(grid: Any, X: Any) -> list[dict[str, Any]]:
    """Combinations of the parameters of a grid; the built-in ones for None."""
    if grid is None:
        return default_candidates(X)
    found = list(ParameterGrid(grid))
    if not found:
        raise ValueError(f"grid={grid!r} has no combination of parameters.")
    for candidate in found:
        for name, why in FIXED.items():
            if name in candidate:
                raise ValueError(f"grid names {name!r}, but this parameter {why}.")
        if candidate.get("learning_rate") == "plateau":
            raise ValueError(
                "grid has learning_rate='plateau', which waits for a loss that stands still, but "
                "candidates train for max_iter epochs; 'constant', 'cosine' and 'one_cycle' do."
            )
    return found
