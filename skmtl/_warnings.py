"""Warnings that point at the user's line."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import FrameType
from typing import Any

from skmtl._shown import joined

# What lies between a user's call and ours: our own modules, pipelines, searches and wrappers.
INSIDE = ("skmtl", "sklearn", "joblib", "contextlib")


# What `warn_once` is told of labels that scores leave out, wherever that is noticed.
UNSCORED = "unscored"


class LabelWarning(UserWarning):
    """A task has no label, only one, or labels of only one class.

    Nothing is lost: the other tasks are fitted as if it were not there, and its prediction is
    the only one that its labels allow. Where many tasks with few rows are expected, in folds of
    a cross-validation for example, the warning can be silenced.

    Examples
    --------
    >>> import warnings
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import LabelWarning
    >>> nan = float("nan")
    >>> y = [[1.0, nan], [2.0, nan], [4.0, nan]]
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = MultiTaskLinear(alpha=0.1).fit([[0.0], [1.0], [2.0]], y)
    >>> [warning.category.__name__ for warning in caught]
    ['LabelWarning']
    >>> model.predict([[1.0]])
    array([[2.33333333,        nan]])

    To silence it:

    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", LabelWarning)
    ...     model = MultiTaskLinear(alpha=0.1).fit([[0.0], [1.0], [2.0]], y)
    """


class ZeroCoefficientsWarning(UserWarning):
    """A linear model whose coefficients are all 0, because alpha is too large for the data.

    Only of a fit with an alpha that was given: estimators that choose it by cross-validation, and
    scikit-learn's searches, try such alphas on the way, and may find that nothing is worth
    learning.

    Examples
    --------
    >>> import warnings
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.linear import ZeroCoefficientsWarning
    >>> X, y = [[0.0], [1.0], [2.0]], [[1.0, 0.0], [2.0, 0.0], [4.0, 1.0]]
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = MultiTaskLinear(alpha=100.0, tasks="regression").fit(X, y)
    >>> caught[0].category is ZeroCoefficientsWarning
    True
    >>> model.coef_
    array([[0.],
           [0.]])
    """


_zeros_are_meant = ContextVar("zeros_are_meant", default=False)
_labels_are_known = ContextVar("labels_are_known", default=False)


@contextmanager
def known_labels() -> Iterator[None]:
    """Within, no `LabelWarning`: whoever reads these labels again has warned of them."""
    token = _labels_are_known.set(True)
    try:
        yield
    finally:
        _labels_are_known.reset(token)


@contextmanager
def chosen_alpha() -> Iterator[None]:
    """Within, no `ZeroCoefficientsWarning`: alpha was chosen for the scores it has."""
    token = _zeros_are_meant.set(True)
    try:
        yield
    finally:
        _zeros_are_meant.reset(token)


def labels_are_known() -> bool:
    """Whether the labels being read were read before, by whoever is around."""
    return _labels_are_known.get()


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn as if from the line outside of this package that called it."""
    if category is LabelWarning and _labels_are_known.get():
        return
    if category is ZeroCoefficientsWarning and _zeros_are_meant.get():
        return
    frame: FrameType | None = sys._getframe(1)
    level = 2
    while frame is not None and _is_inside(frame):
        if category is ZeroCoefficientsWarning and _is_candidate(frame):
            return
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


_said_in_fit: ContextVar[set[str] | None] = ContextVar("said_in_fit", default=None)


@contextmanager
def one_fit() -> Iterator[None]:
    """Within, however many systems are solved, `warn_once_a_fit` warns once."""
    if _said_in_fit.get() is not None:
        yield
        return
    token = _said_in_fit.set(set())
    try:
        yield
    finally:
        _said_in_fit.reset(token)


_held: ContextVar[dict[str, type[Warning]] | None] = ContextVar("held", default=None)


@contextmanager
def held_back() -> Iterator[dict[str, type[Warning]]]:
    """Within, `warn_once_a_fit` only notes its warnings: what they are of may not be the end."""
    held: dict[str, type[Warning]] = {}
    token = _held.set(held)
    try:
        yield held
    finally:
        _held.reset(token)


def warn_once_a_fit(message: str, category: type[Warning]) -> None:
    """`warn`, of what many parts of a fit may come to."""
    held = _held.get()
    if held is not None:
        held[message] = category
        return
    said = _said_in_fit.get()
    if said is None or message not in said:
        warn(message, category)
    if said is not None:
        said.add(message)


def warn_once(message: str, category: type[Warning] = UserWarning, *, key: Hashable) -> None:
    """`warn`, but once for a key and line of the user's, however often a search comes by.

    That is what Python promises by default, and forgets whenever filters change, as they do in
    every check of scikit-learn. Where filters ask for all warnings, there are all.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and _is_inside(frame):
        frame = frame.f_back
    place: tuple[Any, ...] = (key, category)
    if frame is not None:
        place = (key, frame.f_code.co_filename, frame.f_lineno)
    if place not in _said or _every_one_is_wanted(message, category):
        warn(message, category)
        _said.add(place)


_said: set[tuple[Any, ...]] = set()


def _every_one_is_wanted(message: str, category: type[Warning]) -> bool:
    """Whether the first filter that fits says "always" or "error"."""
    for action, pattern, kind, *_ in warnings.filters:
        if issubclass(category, kind) and (pattern is None or pattern.match(message)):
            return action in ("always", "error")
    return False


def _is_inside(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__", "")
    return any(name == module or name.startswith(f"{module}.") for module in INSIDE)


def _is_candidate(frame: FrameType) -> bool:
    """Whether a search of scikit-learn compares this fit with others: it fits the best again."""
    is_one_fit = frame.f_code.co_name == "_fit_and_score"
    return is_one_fit and bool(frame.f_locals.get("parameters"))


def name_tasks(names: Sequence[Hashable], most: int = 8) -> str:
    """Tasks in a message: "Task 'a'", or "2 tasks ('a', 'b')"."""
    if len(names) == 1:
        return f"Task {names[0]!r}"
    return f"{len(names)} tasks ({joined(map(repr, names), most)})"
