"""From what a user has, pipelines and searches, inwards to the estimator that knows the tasks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sklearn.pipeline import Pipeline

from skmtl._base import MultiTaskEstimator


class Held(NamedTuple):
    """An estimator, and what goes before the names of its parameters, and of those of its `fit`.

    A search takes whatever its estimator takes in `fit`, under the same names.
    """

    estimator: Any
    path: str = ""
    fit_path: str = ""


def inward(estimator: Any, *, fitted: bool) -> Iterator[Held]:
    """An estimator, the one that it holds, and so on: the last steps of pipelines, searches' own.

    ``fitted`` asks for the best estimators of fitted searches, and ends at a search without; else
    those that searches clone.
    """
    held = Held(estimator)
    while True:
        yield held
        if isinstance(held.estimator, Pipeline):
            name, last = held.estimator.steps[-1]
            held = Held(last, f"{held.path}{name}__", f"{held.fit_path}{name}__")
        elif fitted and hasattr(held.estimator, "best_estimator_"):
            held = held._replace(estimator=held.estimator.best_estimator_)
        elif not fitted and is_search(held.estimator):
            held = Held(held.estimator.estimator, f"{held.path}estimator__", held.fit_path)
        else:
            return


def is_search(estimator: Any) -> bool:
    """Whether it is a search; what tunes a threshold has an estimator too, but not this besides."""
    return hasattr(estimator, "error_score") and hasattr(estimator, "estimator")


def innermost(estimator: Any) -> tuple[str, Any]:
    """The way to the parameters of the estimator of this package, and that estimator.

    Raises
    ------
    TypeError
        If there is none.
    """
    for inner, path, _ in inward(estimator, fitted=False):
        if isinstance(inner, MultiTaskEstimator):
            return path, inner
    raise TypeError(
        f"estimator={estimator!r} is none of skmtl, nor a Pipeline or search that ends in "
        "one. IndependentTasks makes one of any scikit-learn estimator."
    )


def last_step(estimator: Any) -> Any:
    """What learns at the end of pipelines and searches."""
    *_, (last, *_) = inward(estimator, fitted=False)
    return last


def final_estimator(estimator: Any) -> Any:
    """What predicts at the end of pipelines and fitted searches."""
    *_, (last, *_) = inward(estimator, fitted=True)
    return last


def unwrap(estimator: Any, X: Any) -> tuple[Any, Any]:
    """What predicts at the end of pipelines and fitted searches, and X as it arrives there."""
    for inner, *_ in inward(estimator, fitted=True):
        if isinstance(inner, Pipeline):
            for _, step in inner.steps[:-1]:
                if step is not None and step != "passthrough":
                    X = step.transform(X)
    return inner, X


def knows_tasks(estimator: Any) -> bool:
    """Whether it is an estimator of this package, or one that delegates to it."""
    return hasattr(estimator, "_scored_targets")
