"""A scikit-learn scorer on one task: whether it applies, and its value."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from inspect import signature
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer, get_scorer_names, make_scorer

from skmtl._aliases import did_you_mean
from skmtl.metrics._views import TaskView

NEED_TWO_CLASSES = (
    "matthews_corrcoef",
    "cohen_kappa_score",
    "d2_log_loss_score",
    "d2_brier_score",
    "positive_likelihood_ratio",
    "negative_likelihood_ratio",
)
"""Ratios that are 0 / 0 where all labels are of one class; for ROC AUC scikit-learn says NaN."""


def as_scorer(
    metric: Any, *, greater_is_better: bool = True, response_method: Any = "predict"
) -> Any:
    """A scorer made by scikit-learn: from its name, a metric function, or itself."""
    if isinstance(metric, str):
        names = get_scorer_names()
        if metric not in names and (meant := _meant(metric, names)):
            raise ValueError(f"metric={metric!r} is no metric of scikit-learn.{meant}")
        return get_scorer(metric)
    if hasattr(metric, "_score_func"):
        return metric
    return make_scorer(metric, greater_is_better=greater_is_better, response_method=response_method)


def _meant(metric: str, names: Sequence[str]) -> str:
    """The name that was meant: it is alike, begins so, or has these initials ("rmse")."""
    asked = metric.lower().removeprefix("neg_").removesuffix("score").rstrip("_ ")
    for name in names:
        words = name.removeprefix("neg_").split("_")
        is_begun = len(asked) > 2 and words[0].startswith(asked)
        if asked in (name, "".join(word[0] for word in words)) or is_begun:
            return did_you_mean(name, [name])
    return did_you_mean(metric.lower(), names)


def family_of(scorer: Any) -> Any:
    """Task types a scorer is for: "regression", "classification", or None if unknown."""
    module = scorer._score_func.__module__ or ""
    if not module.startswith("sklearn.metrics."):
        return None
    return "regression" if module.startswith("sklearn.metrics._regression") else "classification"


def is_binary_only(scorer: Any) -> bool:
    """Whether a scorer is for two classes, one of them positive."""
    average = _setting(scorer, "average")
    return average == "binary" or "likelihood_ratio" in _name(scorer)


def evaluate(scorer: Any, view: TaskView) -> Any:
    """Value of the scorer for one task; NaN where it is undefined."""
    if not len(view.labels) or not _is_defined(scorer, view):
        return np.nan
    weight = {}
    if (view.weight != 1.0).any():
        if "sample_weight" not in _parameters(scorer):
            raise ValueError(
                f"Task {view.key} has labels of different weight, but {_name(scorer)} takes no "
                "sample_weight."
            )
        weight["sample_weight"] = view.weight
    scorer = copy.copy(scorer)
    if view.family == "classification":
        scorer._kwargs = _fill_in(scorer, view)
        if scorer._kwargs.get("multi_class") and len(view.classes_) > 2:
            # ROC AUC of several classes takes probabilities, not decision values.
            scorer._response_method = "predict_proba"
    # The view answers for its own rows: there is no X to pass.
    return float(scorer(view, None, view.labels, **weight))


def _is_defined(scorer: Any, view: TaskView) -> bool:
    """Whether scikit-learn has a value for these labels, rather than an exception or 0 / 0.

    That does not depend on predictions: else a search would compare averages of other tasks.
    """
    if view.family != "classification":
        # One label varies in nothing that could be explained.
        return len(view.labels) > 1 or _name(scorer) != "explained_variance_score"
    n_classes = len(view.classes_)
    if is_binary_only(scorer) and n_classes != 2:
        return False
    if _name(scorer) in NEED_TWO_CLASSES and _n_present(view) < 2:
        return False
    if n_classes == 2 and _is_of_positives(scorer):
        return bool((view.labels == _positive(scorer, view)).any())
    if _uses_labels_only(scorer):
        return True
    if n_classes < 2:
        return False
    # Without a parameter `labels` it cannot know which columns the absent classes have.
    return n_classes == 2 or "labels" in _parameters(scorer) or _n_present(view) == n_classes


def _is_of_positives(scorer: Any) -> bool:
    """Whether the score is about labels of the positive class; without any it is 0 / 0 at best.

    Not where the user says what that shall be.
    """
    is_binary = (
        _setting(scorer, "average") == "binary" or _name(scorer) == "average_precision_score"
    )
    return is_binary and "zero_division" not in scorer._kwargs


def _positive(scorer: Any, view: TaskView) -> Any:
    return {"pos_label": _setting(scorer, "pos_label"), **_fill_in(scorer, view)}["pos_label"]


def _fill_in(scorer: Any, view: TaskView) -> Any:
    """What the scorer has to be told of the task's classes, beside what the user told it."""
    settings = dict(scorer._kwargs)
    known, parameters = view.classes_.tolist(), _parameters(scorer)
    if not _uses_labels_only(scorer) and "labels" in parameters:
        settings.setdefault("labels", view.classes_)
    if len(known) > 2 and _setting(scorer, "multi_class") == "raise":
        settings["multi_class"] = "ovr"
    needs_positive = len(known) == 2 and "pos_label" in parameters
    if needs_positive and _setting(scorer, "pos_label") not in known:
        settings.setdefault("pos_label", known[1])
    elif len(known) > 2 and "pos_label" in parameters and _uses_labels_only(scorer):
        # Before 1.7 the default 1 had to be a class, though nothing was asked of it.
        settings.setdefault("pos_label", None)
    return settings


def _uses_labels_only(scorer: Any) -> bool:
    return scorer._response_method == "predict"


def _n_present(view: TaskView) -> Any:
    return len(np.unique(view.labels))


def _setting(scorer: Any, name: Any) -> Any:
    if name in scorer._kwargs:
        return scorer._kwargs[name]
    parameter = _parameters(scorer).get(name)
    return None if parameter is None else parameter.default


def _parameters(scorer: Any) -> Any:
    return signature(scorer._score_func).parameters


def _name(scorer: Any) -> Any:
    return getattr(scorer._score_func, "__name__", repr(scorer._score_func))
