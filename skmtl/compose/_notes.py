"""Errors of an estimator that is held by another."""

from contextlib import contextmanager


def in_a_line(estimator):
    """How it is written, for a message."""
    return " ".join(repr(estimator).split())


@contextmanager
def noted(estimator, doing, name):
    """Errors raised within say at which task, and in which estimator; nothing else changes."""
    try:
        yield
    except Exception as error:
        error.add_note(f"Raised by {in_a_line(estimator)}, {doing} task {name!r}.")
        raise
