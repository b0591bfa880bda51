"""Errors of an estimator that is held by another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skmtl._warnings import name_tasks


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
