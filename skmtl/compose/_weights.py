"""Weights of labels on their way to whatever learns from them, through pipelines and searches."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import sklearn
from numpy.typing import NDArray
from sklearn.metrics import get_scorer
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

from skmtl._innermost import inward, last_step
from skmtl.compose._notes import naming_columns

Array = NDArray[Any]

WEIGHT = "sample_weight"


def fit_weighted(estimator: Any, X: Any, y: Any, weights: Array | None, name: Any) -> Any:
    """Fit in place; ``weights``, None if all are 1, reach the last step of a pipeline.

    Requests that the user made of scikit-learn's metadata routing hold. Where there are none, the
    result is the same with routing and without.
    """
    with naming_columns(X):
        return _fit_weighted(estimator, X, y, weights, name)


def _fit_weighted(estimator: Any, X: Any, y: Any, weights: Array | None, name: Any) -> Any:
    if weights is None:
        return estimator.fit(X, y)
    parameter = None if _has_requests(estimator) else weight_parameter(estimator)
    # Some, as TunedThresholdClassifierCV, take weights only where routing is enabled.
    with sklearn.config_context(enable_metadata_routing=parameter is None):
        if parameter is None:
            _close_requests(estimator, learns=True)
            _check_request(estimator, name)
        return estimator.fit(X, y, **{parameter or WEIGHT: weights})


def weight_parameter(estimator: Any) -> Any:
    """The fit parameter by which this estimator takes weights; None if only routing can tell."""
    for inner, _, path in inward(estimator, fitted=False):
        if has_fit_parameter(inner, WEIGHT):
            return f"{path}{WEIGHT}"
    return None


def _has_requests(estimator: Any) -> bool:
    """Whether the user has told a step, or a scorer, which metadata it gets."""
    return any("_metadata_request" in getattr(part, "__dict__", ()) for part in _parts(estimator))


def _parts(estimator: Any) -> Iterator[Any]:
    given = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    yield estimator
    for value in given.values():
        yield from value.values() if isinstance(value, Mapping) else [value]


def _close_requests(part: Any, learns: Any) -> None:
    """Answer the requests that are open: weights for what ``learns``, and for no scorer.

    So it is without routing.
    """
    if isinstance(part, Pipeline):
        for _, step in part.steps[:-1]:
            _close_requests(step, learns=False)
        _close_requests(part.steps[-1][1], learns)
        return
    if not hasattr(part, "get_params"):
        return
    if hasattr(part, "_get_metadata_request"):
        _close(part, "fit", learns and hasattr(part, "predict"))
        for method in ("partial_fit", "score"):
            _close(part, method, False)
    given = part.get_params(deep=False)
    if given.get("scoring") is not None:
        part.set_params(scoring=_without_weights(given["scoring"]))
    for value in given.values():
        parts = [entry[-1] for entry in value] if _is_named_list(value) else [value]
        for inner in parts:
            if not isinstance(inner, type):
                _close_requests(inner, learns)


def _is_named_list(value: Any) -> bool:
    """Whether it is a list as of the estimators of a StackingRegressor."""
    return isinstance(value, list) and all(isinstance(e, tuple) and len(e) > 1 for e in value)


def _close(part: Any, method: Any, answer: Any) -> None:
    requests = getattr(getattr(part._get_metadata_request(), method), "requests", {})
    if requests.get(WEIGHT, answer) is None:
        getattr(part, f"set_{method}_request")(**{WEIGHT: answer})


def _without_weights(scoring: Any) -> Any:
    """Scorers with their open requests closed."""
    if isinstance(scoring, Mapping):
        return {key: _without_weights(scorer) for key, scorer in scoring.items()}
    if isinstance(scoring, list | tuple | set):
        return {name: _without_weights(name) for name in scoring}
    scorer = get_scorer(scoring) if isinstance(scoring, str) else copy.copy(scoring)
    if hasattr(scorer, "_get_metadata_request"):
        _close(scorer, "score", False)
    return scorer


def _check_request(estimator: Any, name: Any) -> None:
    if not get_routing_for_object(estimator).consumes("fit", [WEIGHT]):
        raise ValueError(
            f"Task {name!r} has labels of different weight, but "
            f"{type(last_step(estimator)).__name__} takes no sample_weight in fit; use weights 0 "
            "and 1 only and no class_weight, or another estimator."
        )
