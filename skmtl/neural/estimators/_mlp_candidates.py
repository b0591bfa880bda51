"""The settings that networks are tried with where no others are given."""

from __future__ import annotations

from typing import Any

from scipy import sparse
from sklearn.model_selection import ParameterGrid

PLAN: dict[str, Any] = {"solver": "adamw", "learning_rate": "cosine"}
"""What the candidates below have in common."""

# Weak to strong decay and dropout, smooth or not, a linear path or none, and what the network
# reads: no one is the best on most data, and each has weight somewhere. Measured:
# benchmarks/accuracy.
SETTINGS: list[dict[str, Any]] = [
    {"learning_rate_init": 1e-2, "alpha": 3.0, "dropout": 0.3, "activation": "silu"},
    {"learning_rate_init": 1e-2, "alpha": 1.0, "dropout": 0.2},
    {"learning_rate_init": 1e-2, "alpha": 0.1, "dropout": 0.1, "linear_skip": True},
    {
        "learning_rate_init": 5e-3,
        "alpha": 0.03,
        "dropout": 0.0,
        "activation": "silu",
        "linear_skip": True,
    },
]
EMBEDDED = SETTINGS[1:]

# Columns up to which numbers are embedded, too: with more it is slow, and overfits.
MOST_COLUMNS = 100

FIXED = {
    "tasks": "holds for all candidates",
    "task_feature": "holds for all candidates",
    "unknown_task": "holds for all candidates",
    "random_state": "holds for all candidates",
    "n_threads": "holds for all candidates",
    "verbose": "holds for all candidates",
    "early_stopping": "held-out rows decide for every candidate already",
    "monitor": "held-out rows decide for every candidate already",
    "validation_fraction": "held-out rows decide for every candidate already",
    "n_iter_no_change": "held-out rows decide for every candidate already",
    "tol": "held-out rows decide for every candidate already",
    "warm_start": "every fit starts anew",
}
"""Parameters of `MultiTaskMLP` that a grid may not name, and why."""


def default_candidates(X: Any) -> list[dict[str, Any]]:
    """Candidates for these features."""
    scaled = {**PLAN, "feature_scaling": "auto"}
    found = [{**scaled, **settings} for settings in SETTINGS]
    if X.ndim > 2:
        return [{**candidate, "linear_skip": False} for candidate in found]
    if not sparse.issparse(X) and X.shape[1] <= MOST_COLUMNS:
        embedded = {**scaled, "numeric_embedding": "piecewise_linear"}
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
