"""Tasks that came after `fit` and those that went, beside what was fitted, which stays so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, wraps
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skmtl._new_head import Head
from skmtl.tasks._base import Task
from skmtl.tasks._task_set import Link

Array = NDArray[Any]

LEAST = 1e-6
"""Probability below which log-odds say no more: those of kernels and blends may be 0."""


class AddedTask(NamedTuple):
    """A task that came later, and its raw scores."""

    task: Task
    head: Head


@dataclass(frozen=True, eq=False)
class Grown:
    """Where the tasks of an estimator come from.

    Parameters
    ----------
    state : dict
        Attributes of the estimator as `fit` has left them, where they have changed since.
    sources : tuple of int or AddedTask
        For each task its position in the fit, or what was added.
    """

    state: dict[str, Any]
    sources: tuple[int | AddedTask, ...]

    def as_fitted(self, estimator: Any) -> Any:
        """The estimator as it was before its tasks changed; other attributes are those of today."""
        view = object.__new__(type(estimator))
        view.__dict__.update({**vars(estimator), **self.state})
        del view.__dict__["_grown"]
        return view

    def answer(
        self,
        estimator: Any,
        method: str,
        X: Any,
        task_index: Array | None,
        link: Link | None = None,
    ) -> Any:
        """Raw scores of today's tasks, or what is said of them, as ``method`` has it of its own."""
        fitted = self.as_fitted(estimator)
        ask = getattr(fitted, method)
        if method == "_linked":
            ask = partial(ask, link=link)
        say = _raw if method == "_raw" else link or _expected
        if task_index is not None:
            return self._by_row(fitted, ask, X, task_index, say)
        answers = _columns(fitted, ask(X, None), say)
        added = self._added(fitted, X)
        found = [
            answers[source] if isinstance(source, int) else say(source.task, next(added))
            for source in self.sources
        ]
        return np.hstack(found) if say is _raw else found

    def _added(self, fitted: Any, X: Any) -> Any:
        """Raw scores of each task that was added."""
        tasks = [source for source in self.sources if not isinstance(source, int)]
        return iter(fitted._raw_of_heads([task.head for task in tasks], X) if tasks else [])

    def place_in_fit(self, task_index: Array, added: int = -1) -> Array:
        """Positions in the fit of the tasks of rows: -1 for unknown ones, ``added`` for later."""
        sources = [source if isinstance(source, int) else added for source in self.sources]
        return np.array([*sources, -1])[task_index]

    def _by_row(
        self, fitted: Any, ask: Callable[..., Any], X: Any, task_index: Array, say: Link
    ) -> Any:
        """Long form: of the task of each row; -1 is an unknown one, which the fit answers for."""
        place, is_raw = self.place_in_fit(task_index, added=-2), say is _raw
        of_fit = np.flatnonzero(place > -2)
        if len(of_fit) == len(place):
            return ask(X, place)
        parts = [(of_fit, ask(X[of_fit], place[of_fit]))] if len(of_fit) else []
        for position, source in enumerate(self.sources):
            rows = np.flatnonzero(task_index == position)
            if isinstance(source, int) or not len(rows):
                continue
            (raw,) = fitted._raw_of_heads([source.head], X[rows])
            said = say(source.task, raw)
            parts.append((rows, said if is_raw else [said]))
        arrays = [(rows, part if is_raw else part[0]) for rows, part in parts]
        whole = np.empty((len(place), *arrays[0][1].shape[1:]))
        for rows, of_rows in arrays:
            whole[rows] = of_rows
        return whole if is_raw else [whole]


def _columns(fitted: Any, answer: Any, say: Link) -> list[Array]:
    """An array for each task of the fit."""
    return [answer[:, s] for s in fitted._task_set.slices] if say is _raw else answer


def _raw(task: Task, raw: Array) -> Array:
    return raw


def _expected(task: Task, raw: Array) -> Array:
    return task.inverse_link(raw)


def with_added_tasks(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a method that answers for the tasks of `fit` answer for those of today."""

    @wraps(method)
    def answer(self: Any, X: Any, task_index: Array | None, *link: Any, **links: Any) -> Any:
        grown = vars(self).get("_grown")
        if grown is None:
            return method(self, X, task_index, *link, **links)
        return grown.answer(self, method.__name__, X, task_index, *link, **links)

    return answer


def scores_of_expected(tasks: Sequence[Task], expected: Sequence[Array]) -> Array:
    """Expected values (n,) and class probabilities as raw scores (n, n_outputs).

    Log-odds for two classes, else log-probabilities, logarithms of times; other values are their
    own scores. Of classes in order it is the mean log-odds of a higher class, over the thresholds.
    """
    columns = []
    for task, of_task in zip(tasks, expected, strict=True):
        if not task.n_outputs_:
            columns.append(np.zeros((len(of_task), 0)))
        elif not task.is_classification:
            columns.append(_padded(task.to_blend(of_task).reshape(len(of_task), -1), task))
        elif task.n_shapes:
            lower = of_task.cumsum(axis=1)[:, :-1]
            odds = np.log(np.maximum(1.0 - lower, LEAST)) - np.log(np.maximum(lower, LEAST))
            columns.append(_padded(odds.mean(axis=1, keepdims=True), task))
        else:
            logs = np.log(np.maximum(of_task, LEAST))
            is_two = task.n_outputs_ == 1
            columns.append(logs[:, 1:] - logs[:, :1] if is_two else logs)
    return np.hstack(columns)


def _padded(scores: Array, task: Task) -> Array:
    """With a column for everything that a network would learn of the task."""
    return np.pad(scores, ((0, 0), (0, task.n_outputs_ - scores.shape[1])))


def refuse_grown(estimator: Any, why: str) -> None:
    """Raise where the tasks are no longer those of `fit`."""
    if hasattr(estimator, "_grown"):
        raise ValueError(f"Tasks were added or dropped, and {why}")
