"""Warnings that point at the user's line."""

import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

# What lies between a user's call and ours: our own modules, pipelines, searches and wrappers.
INSIDE = ("skmtl", "sklearn", "joblib", "contextlib")


class LabelWarning(UserWarning):
    """A task has no label, only one, or labels of only one class.

    Nothing is lost: the other tasks are fitted as if it were not there, and its prediction is
    the only one that its labels allow. Where many tasks with few rows are expected, in folds of
    a cross-validation for example, the warning can be silenced.

    Examples
    --------
    >>> import warnings
    >>> from skmtl.tasks import LabelWarning
    >>> warnings.simplefilter("ignore", LabelWarning)
    """


_labels_are_known = ContextVar("labels_are_known", default=False)


@contextmanager
def known_labels():
    """Within, no `LabelWarning`: whoever reads these labels again has warned of them."""
    token = _labels_are_known.set(True)
    try:
        yield
    finally:
        _labels_are_known.reset(token)


def labels_are_known():
    """Whether the labels being read were read before, by whoever is around."""
    return _labels_are_known.get()


def warn(message, category=UserWarning):
    """Warn as if from the line outside of this package that called it."""
    if category is LabelWarning and _labels_are_known.get():
        return
    frame, level = sys._getframe(1), 2
    while frame is not None and _is_inside(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_inside(frame):
    name = frame.f_globals.get("__name__", "")
    return any(name == module or name.startswith(f"{module}.") for module in INSIDE)


def name_tasks(names, most=8):
    """Tasks in a message: "Task 'a'", or "2 tasks ('a', 'b')"."""
    if len(names) == 1:
        return f"Task {names[0]!r}"
    shown = ", ".join(repr(name) for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"{len(names)} tasks ({shown}{more})"
