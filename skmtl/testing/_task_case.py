"""A fitted task type, and what is said of a property that it does not keep."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from skmtl.tasks import Task
from skmtl.tasks._columns import Column, read_column

Array = NDArray[Any]

N_LABELS, NAME = 40, "y"


class Case:
    """A task type fitted to labels, and raw scores beside them."""

    def __init__(
        self, task: Task, column: Column, rng: np.random.Generator, *, shape_varies: bool = False
    ) -> None:
        n_labels = len(column.labels)
        with says(task, "it can be fitted to its labels, and encodes them as float64"):
            self.task = task.fit(column, np.ones(n_labels), NAME)
            self.values = task.encode(column, NAME)
            assert self.values.dtype == np.float64
            assert task.n_labels_ == n_labels
            assert task.n_outputs_ > 0
        if shape_varies:
            with says(task, "after `let_shape_vary` its shape are raw scores, too"):
                task.let_shape_vary()
                assert task.n_outputs_ == 1 + task.n_shapes
        self.column, self.rng, self.n_labels = column, rng, n_labels
        self.raw = rng.normal(scale=1.5, size=(n_labels, task.n_outputs_))
        self.weight = rng.uniform(0.5, 2.0, size=n_labels)
        self.expected = task.inverse_link(self.raw)

    def constant(self, raw: Array) -> Array:
        """The same raw scores for every label."""
        return np.broadcast_to(raw, self.raw.shape)


def example_labels(task: Task, labels: Any, rng: np.random.Generator) -> Column:
    """Labels given, or such as any type takes."""
    if labels is not None:
        column = read_column(np.asarray(labels), NAME)
        if len(column.labels) < 10 or not column.observed.all():
            raise ValueError(f"check_task needs 10 labels or more, all observed, got {labels!r}.")
        return column
    if not task.is_classification:
        return read_column(rng.gamma(2.0, 2.0, N_LABELS), NAME)
    for classes in (["a", "b", "c"], ["a", "b"], [1, 2, 3]):
        # Each class often, in an order that says nothing.
        codes = rng.permutation(np.arange(N_LABELS) % len(classes))
        column = read_column(np.array(classes, dtype=object)[codes], NAME)
        try:
            clone(task).fit(column, np.ones(N_LABELS), NAME)
        except ValueError:
            continue
        break
    return column


@contextmanager
def says(task: Task, what: str) -> Iterator[None]:
    """Errors within name the type, and the property that does not hold."""
    try:
        yield
    except Exception as error:
        raise AssertionError(f"{task!r} does not keep this: {what}. {error}") from error
