"""Fits of many candidates to the same rows, and a search of scikit-learn that is given them."""

from __future__ import annotations

import copy
import functools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.base import clone
from sklearn.pipeline import Pipeline

from skmtl._same import groups_of_same

Part = tuple[Sequence[Any], Any, Any, dict[str, Any]]
"""Models with the same steps before the last one, X, y, and parameters of their fits."""

Results = deque[Any]
"""Fitted estimators, or what their fits have raised, in the order in which a search asks."""


def last_of(estimator: Any) -> Any:
    """The estimator at the end of a pipeline, or itself."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def is_network(estimator: Any) -> bool:
    """Whether it trains side by side with others; torch is not loaded to find out."""
    return any(
        (kind.__module__, kind.__name__) == ("skmtl.neural.estimators._mlp", "MultiTaskMLP")
        for kind in type(estimator).__mro__
    )


def has_path(estimator: Any) -> bool:
    """Whether its fits with several alphas are one path."""
    return hasattr(type(estimator), "_path_problem") and "alpha" in estimator.get_params(deep=False)


@dataclass(frozen=True)
class Scores:
    """What a search is told in the place of a fit: the scores of its sets of rows.

    An error among them is what `score` raises.
    """

    by_set: list[Any]


def replaying(estimator: Any, results: Results) -> Any:
    """A copy whose fits, and those of its clones, are the results, as long as there are any."""
    kind = type(estimator)

    @functools.wraps(kind.fit)
    def fit(self: Any, X: Any, y: Any = None, **params: Any) -> Any:
        if not results:
            return kind.fit(self, X, y, **params)
        found = results.popleft()
        if isinstance(found, Exception):
            raise found
        self.__dict__.update(
            {"_replayed": deque(found.by_set)} if isinstance(found, Scores) else vars(found)
        )
        return self

    @functools.wraps(kind.score)
    def score(self: Any, *args: Any, **params: Any) -> Any:
        replayed = vars(self).get("_replayed")
        if not replayed:
            return kind.score(self, *args, **params)
        found = replayed.popleft()
        if isinstance(found, Exception):
            raise found
        return found

    def __sklearn_clone__(self: Any) -> Any:
        return as_kind(clone(as_kind(self, kind)), type(self))

    methods = {"fit": fit, "score": score, "__sklearn_clone__": __sklearn_clone__}
    return as_kind(
        clone(estimator), type(kind.__name__, (kind,), {**methods, "__module__": kind.__module__})
    )


def as_kind(estimator: Any, kind: type) -> Any:
    """The same estimator, of another class."""
    other = copy.copy(estimator)
    other.__class__ = kind
    return other


def same_steps(models: Sequence[Any]) -> list[list[int]]:
    """Positions of the models with the same steps before the last one, or without any."""
    return groups_of_same(
        [
            (name, type(step), step)
            for name, step in (model.steps[:-1] if isinstance(model, Pipeline) else [])
        ]
        for model in models
    )


def fit_parts(parts: Sequence[Part]) -> list[list[Any]]:
    """For each part its models, fitted, or what the fit of each has raised.

    A part is some models with the same steps before the last one, and the rows and parameters of
    their fits. Networks of one shape are trained at once, whichever part they are of.
    """
    before = [steps_before(*part) for part in parts]
    found = _fit_last([data for _, data in before])
    return [
        [
            last if isinstance(last, Exception) else with_steps(model, steps, last)
            for model, last in zip(models, results, strict=True)
        ]
        for (models, *_), (steps, _), results in zip(parts, before, found, strict=True)
    ]


def steps_before(models: Sequence[Any], X: Any, y: Any, params: dict[str, Any]) -> Any:
    """The steps that a part has in common, fitted, and the part of those that follow them.

    An error of theirs is in the place of X.
    """
    first = models[0]
    if not isinstance(first, Pipeline):
        return None, (models, X, y, params)
    name = first.steps[-1][0]
    before = Pipeline(first.steps[:-1], memory=first.memory) if len(first.steps) > 1 else None
    own = {
        key.removeprefix(f"{name}__"): value
        for key, value in params.items()
        if key.startswith(f"{name}__")
    }
    try:
        if before is not None:
            others = {key: params[key] for key in params if not key.startswith(f"{name}__")}
            X = before.fit_transform(X, y, **others)
    except Exception as error:
        X = error
    return before, ([model.steps[-1][1] for model in models], X, y, own)


def with_steps(model: Any, before: Pipeline | None, last: Any) -> Any:
    """The pipeline of fitted steps that the last one is of, or itself."""
    if not isinstance(model, Pipeline):
        return last
    steps = [] if before is None else before.steps
    model.steps = [*copy.copy(steps), (model.steps[-1][0], last)]
    return model


def scores_at_once(models: Sequence[Any], X: Any, y: Any, params: dict[str, Any]) -> Any:
    """Scores of fitted networks with the same steps before; None where each is to be asked."""
    from skmtl.neural.networks import scored_together

    if not set(params) <= {"sample_weight"}:
        return None
    try:
        while isinstance(models[0], Pipeline):
            if len(models[0].steps) > 1:
                X = models[0][:-1].transform(X)
            models = [model.steps[-1][1] for model in models]
        return scored_together(models, X, y, params.get("sample_weight"))
    except Exception:
        # What is wrong, each says itself.
        return None


def _fit_last(parts: Sequence[Part]) -> list[list[Any]]:
    found: list[list[Any]] = [[] for _ in parts]
    together = []
    for k, (models, X, y, params) in enumerate(parts):
        if isinstance(X, Exception):
            found[k] = [X] * len(models)
        elif set(params) <= {"sample_weight"} and all(map(is_network, models)):
            together.append(k)
        else:
            found[k] = [_fit_one(model, X, y, params) for model in models]
    if together:
        from skmtl.neural.training._side_by_side import fit_all

        sets = [(*parts[k][:3], parts[k][3].get("sample_weight")) for k in together]
        for k, results in zip(together, fit_all(sets), strict=True):
            found[k] = results
    return found


def _fit_one(model: Any, X: Any, y: Any, params: dict[str, Any]) -> Any:
    try:
        return model.fit(X, y, **params)
    except Exception as error:
        return error
