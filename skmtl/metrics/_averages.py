"""From one score per task to one number."""

from __future__ import annotations

from typing import Any

import numpy as np

from skmtl._scored_columns import mean_score
from skmtl.metrics._keys import MEAN, WORST
from skmtl.tasks._weights import in_range, read_task_weight

AVERAGES = ("mean", "worst", "weighted", None)


def check_average(average: Any, task_weight: Any, allowed: Any = AVERAGES) -> None:
    """Raise for an average that does not exist, or weights that it has no use for."""
    if average not in allowed:
        *most, last = map(repr, allowed)
        raise ValueError(f"average={average!r}; expected {', '.join(most)} or {last}.")
    if task_weight is not None and average != "weighted":
        raise ValueError(
            f"task_weight has no effect with average={average!r}; use average='weighted'."
        )


def average_over_tasks(
    scores: Any,
    tasks: Any,
    average: Any,
    task_weight: Any = None,
    *,
    greater_is_better: bool = True,
) -> Any:
    """One number from the scores by key, or with ``average=None`` the scores.

    ``tasks`` have a ``key``, a ``name`` and the ``weight`` of their labels; a list of weights has
    one for each of them, also for those without a score.
    """
    if average is None:
        return scores
    weight = None
    if average == "weighted":
        weight = np.array([task.weight.sum() for task in tasks], dtype=np.float64)
        if task_weight is not None:
            weight = read_task_weight(task_weight, [task.name for task in tasks], weight)
        weight = weight[[task.key in scores for task in tasks]]
    return average_scores(
        list(scores.values()), average, weight, greater_is_better=greater_is_better
    )


def average_scores(
    scores: Any, average: Any, weight: Any = None, *, greater_is_better: bool = True
) -> Any:
    """One number for the tasks that have a score; NaN if none has."""
    scores = np.asarray(scores, dtype=np.float64)
    defined = ~np.isnan(scores)
    if average == "mean" or not defined.any():
        return mean_score(scores)
    if average == "worst":
        worst = np.min if greater_is_better else np.max
        return float(worst(scores[defined]))
    weight = np.asarray(weight, dtype=np.float64)[defined]
    weight = in_range(weight)
    return float(np.average(scores[defined], weights=weight)) if weight.any() else float("nan")


def with_summaries(scores: Any) -> dict[Any, Any]:
    """The scores by key, their mean and the worst before them."""
    values = list(scores.values())
    return {MEAN: mean_score(values), WORST: average_scores(values, "worst"), **scores}
