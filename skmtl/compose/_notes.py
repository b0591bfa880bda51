"""Errors of an estimator that is held by another."""

from contextlib import contextmanager


@contextmanager
def noted(estimator, doing, name):
    """Errors raised within say at which task, and in which estimator; nothing else changes."""
    try:
        yield
    except Exception as error:
        error.add_note(f"Raised by {estimator!r}, {doing} task {name!r}.")
        raise
