"""Errors of an estimator that is held by another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scipy import sparse

from skmtl._shown import joined
from skmtl._warnings import name_tasks
from skmtl.tasks._no_numbers import find_no_numbers

# How numpy begins to say that it cannot make numbers of what is in X.
NO_NUMBERS = ("could not convert string", "float() argument", "The DType", "Cannot cast")


def in_a_line(estimator: Any) -> Any:
    """How it is written, for a message."""
    return " ".join(repr(estimator).split())


@contextmanager
def noted(estimator: Any, doing: Any, *names: Any) -> Iterator[Any]:
    """Errors raised within say at which tasks, and in which estimator; nothing else changes."""
    try:
        yield
    except Exception as error:
        tasks = name_tasks(names).replace("Task", "task", 1)
        error.add_note(f"Raised by {in_a_line(estimator)}, {doing} {tasks}.")
        raise


@contextmanager
def naming_columns(X: Any) -> Iterator[Any]:
    """Errors of what was to make numbers of X say which columns are none."""
    try:
        yield
    except (TypeError, ValueError) as error:
        is_table = len(getattr(X, "shape", ())) == 2 and not sparse.issparse(X)
        if is_table and str(error).startswith(NO_NUMBERS):
            found = find_no_numbers(X)
            listed = joined(f"{column.name!r} ({column.what})" for column in found)
            note = (
                f"Columns of X that are no numbers: {listed}. An estimator that takes numbers only "
                "has them encoded by a step before it: a ColumnTransformer in a Pipeline, or "
                "skrub.tabular_pipeline(estimator)."
            )
            if found and note not in getattr(error, "__notes__", ()):
                error.add_note(note)
        raise
