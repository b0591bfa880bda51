"""Scorers of searches: what they may be, and what they say of a fitted model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from skmtl._scored_columns import mean_score


def read_scorer(scoring: Any) -> Any:
    """A scorer ``scorer(estimator, X, y)``, from one or from a name; None for the own score."""
    if not isinstance(scoring, str):
        return scoring
    # On first use: they load the metrics of scikit-learn.
    from skmtl.metrics import make_multitask_scorer

    return make_multitask_scorer(scoring)


def scored_by(scorer: Any, model: Any, X: Any, y: Any, sample_weight: Any) -> tuple[Any, list[Any]]:
    """What a scorer says of a model, and of each task if it returns a dict."""
    weight = {}
    if sample_weight is not None and _takes_weights(scorer):
        weight["sample_weight"] = sample_weight
    score = scorer(model, X, y, **weight)
    if not isinstance(score, Mapping):
        return score, []
    by_task = [value for key, value in score.items() if key not in ("mean", "worst")]
    return score["mean"] if "mean" in score else mean_score(by_task), by_task


def _takes_weights(scorer: Any) -> bool:
    try:
        return "sample_weight" in inspect.signature(scorer).parameters
    except (TypeError, ValueError):
        return False
