"""The settings that networks are tried with where no others are given."""

from __future__ import annotations

from typing import Any

from sklearn.model_selection import ParameterGrid

PLAN: dict[str, Any] = {
    "solver": "adamw",
    "learning_rate": "cosine",
    "batch_size": 64,
    "max_iter": 100,
}
"""What the candidates below have in common."""

# Decay, dropout, activation and a linear path: no one setting is the best on most data, and each
# has weight somewhere. Measured: benchmarks/accuracy.
SETTINGS: list[dict[str, Any]] = [
    {"learning_rate_init": 1e-2, "alpha": 3.0, "dropout": 0.3, "activation": "relu"},
    {"learning_rate_init": 1e-2, "alpha": 1.0, "dropout": 0.2, "activation": "relu"},
    {"learning_rate_init": 1e-2, "alpha": 0.1, "dropout": 0.1, "activation": "relu"},
    {"learning_rate_init": 5e-3, "alpha": 0.03, "dropout": 0.0, "activation": "relu"},
]

# Columns up to which numbers are embedded, too: beyond, it is slow and overfits.
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
    return [{**PLAN, **settings} for settings in SETTINGS]


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
