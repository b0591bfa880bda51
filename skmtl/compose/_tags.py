"""What estimators say of themselves, those included that are not of scikit-learn."""

from __future__ import annotations

from typing import Any

from sklearn.base import is_classifier, is_regressor
from sklearn.utils import get_tags

from skmtl._innermost import last_step

KINDS = {"regression": "regressor", "classification": "classifier"}


def tags_of(estimator: Any) -> Any:
    """Tags, or None for what does not know of them."""
    try:
        return get_tags(estimator)
    except (AttributeError, TypeError):
        return None


def kind_of(estimator: Any) -> Any:
    """Whether it is a "classifier" or a "regressor"; None if it does not say.

    Pipelines and searches say it of what is inside.
    """
    kind = getattr(last_step(estimator), "_kind", None)
    if kind is not None:
        # Not what it was fitted to before it was given to another.
        return KINDS.get(kind)
    if estimator is None or tags_of(estimator) is None:
        return getattr(estimator, "_estimator_type", None)
    if is_classifier(estimator):
        return "classifier"
    return "regressor" if is_regressor(estimator) else None


def follow(tags: Any, inner: Any) -> None:
    """Set in ``tags`` which X is taken, where every one of ``inner`` takes it."""
    inner = [part.input_tags for part in map(tags_of, inner) if part is not None]
    if not inner:
        return
    for name in ("allow_nan", "sparse", "string", "categorical", "dict", "three_d_array"):
        setattr(tags.input_tags, name, all(getattr(part, name) for part in inner))
    tags.input_tags.positive_only = any(part.positive_only for part in inner)
