"""Scores of networks of one shape on the same rows: labels are read once, for one product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._features import check_rows
from skmtl._same import groups_of_same
from skmtl._scored_columns import mean_score
from skmtl.neural.networks._predict import scores_of_models
from skmtl.neural.networks._state import FittedState

Array = NDArray[Any]


def scored_together(
    models: Sequence[Any], X: Any, y: Any, sample_weight: Any = None
) -> list[float] | None:
    """What `score` says of each fitted estimator, to the last bit; None where each is asked."""
    if not are_alike(models):
        return None
    first = models[0]
    read, task_column = first._read_X(X, reset=False)
    targets = first._task_set.read(
        y, task_column=task_column, sample_weight=sample_weight, unseen="raise", to_score=True
    )
    check_rows(read, targets)
    raw = scores_of_models(first, side_by_side([model._fitted for model in models]), read)
    by_model = [first._task_set.inverse_link(of_one) for of_one in raw]
    scores = []
    for (task, values, weight), expected in zip(
        targets.columns(), zip(*by_model, strict=True), strict=True
    ):
        # What is silent is so for the models of a fold alike, unless one of them has diverged.
        together = np.stack(expected)
        if np.isnan(together).any():
            return None
        scores.append(first._task_scores(task, together, values, weight))
    return [mean_score(of_model) for of_model in zip(*scores, strict=True)]


def are_alike(models: Sequence[Any]) -> bool:
    """Whether networks in wide form differ in nothing but what they have learnt.

    A class of the user's may score in another way.
    """
    first = models[0]
    fitted: FittedState = first._fitted
    return (
        type(first).__module__.startswith("skmtl.")
        and first._kind != "classification"
        and not first._task_set.is_long
        and all(model._task_set is first._task_set for model in models)
        and not any(hasattr(model, "_grown") for model in models)
        and fitted.shrinkage is None
        and len(groups_of_same(map(_what_is_read, models))) == 1
    )


def _what_is_read(model: Any) -> dict[str, Any]:
    """All that a prediction depends on, but parameters; what is fitted once is one object."""
    fitted = model._fitted
    return {
        "of": type(model),
        "description": fitted.description,
        "inputs": id(fitted.inputs),
        "shrinkage": id(fitted.shrinkage),
        "tasks": None if fitted.network_tasks is None else fitted.network_tasks.tolist(),
        "shapes": {name: array.shape for name, array in fitted.parameters.items()},
    }


def side_by_side(networks: Sequence[FittedState]) -> FittedState:
    """Networks of one shape as one state."""
    first = networks[0]
    parameters = {
        name: np.concatenate([one.parameters[name] for one in networks])
        for name in first.parameters
    }
    return replace(first, parameters=parameters)
