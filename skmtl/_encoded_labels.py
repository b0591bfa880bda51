"""Labels that scikit-learn's cross_val_predict has replaced before an estimator sees them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any

from skmtl._shown import shown
from skmtl._warnings import labels_are_known

ADVICE = (
    "Inside cross_val_predict, a method other than 'predict' gets every column of y as codes of "
    "its sorted labels: numbers become ranks, a missing label one more class, names of tasks are "
    "lost. "
    "Loop over the folds instead: fit a clone to the training rows of each, and call its "
    "predict_proba for the others."
)


def are_encoded() -> bool:
    """Whether the call comes from a cross_val_predict that has encoded the labels."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        is_theirs = frame.f_globals.get("__name__") == "sklearn.model_selection._validation"
        if is_theirs and frame.f_code.co_name == "_fit_and_predict":
            return bool(frame.f_locals.get("method") != "predict")
        frame = frame.f_back
    return False


@contextmanager
def with_advice() -> Iterator[None]:
    """Errors about labels end in what to do where they are not those of the user."""
    try:
        yield
    except ValueError as error:
        if are_encoded():
            error.add_note(ADVICE)
        raise


def check_all_have_classes(probabilities: Any, names: Sequence[Any]) -> None:
    """Raise where cross_val_predict could not put the lists of the folds together.

    Not for one that asks inside of its own `fit`: it knows the labels.
    """
    if not isinstance(probabilities, list) or labels_are_known() or not are_encoded():
        return
    without = [name for name, p in zip(names, probabilities, strict=True) if p is None]
    if without:
        raise ValueError(
            f"There are no class probabilities of {len(without)} of {len(names)} tasks, by "
            f"position {shown(without)}: they were read as numbers. {ADVICE}"
        )
