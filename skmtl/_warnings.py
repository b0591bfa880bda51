"""Warnings that point at the user's line."""

import sys
import warnings

# What lies between a user's call and ours: our own modules and wrappers of scikit-learn.
INSIDE = ("skmtl", "sklearn.base", "sklearn.callback", "contextlib")


def warn(message, category=UserWarning):
    """Warn as if from the line outside of this package that called it."""
    frame, level = sys._getframe(1), 2
    while frame is not None and _is_inside(frame):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _is_inside(frame):
    name = frame.f_globals.get("__name__", "")
    return any(name == module or name.startswith(f"{module}.") for module in INSIDE)


def name_tasks(names, most=8):
    """Tasks in a message: "Task 'a'", or "2 tasks 'a', 'b'"."""
    shown = ", ".join(repr(name) for name in names[:most])
    more = f" and {len(names) - most} more" if len(names) > most else ""
    noun = "Task" if len(names) == 1 else f"{len(names)} tasks"
    return f"{noun} {shown}{more}"
