"""Kernels that were tried, as a user reads them."""

from __future__ import annotations

from typing import Any

from skmtl.kernel._trial import Trial


def described(trial: Trial, *, is_long: bool) -> dict[str, Any]:
    """Parameters of a kernel; those of tasks in long form."""
    names = ["kernel", "width", "linear_share"]
    names += ["similarity", "task_offset"] if is_long else []
    return {name: getattr(trial.candidate, name) for name in names}


def table(trials: list[Trial], *, is_long: bool) -> dict[str, list[Any]]:
    """Kernels, a row each, as columns."""
    rows = [{**described(trial, is_long=is_long), "error": trial.error} for trial in trials]
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else [])}
