"""What predicts as a fitted estimator does, in torch, and how one is made of an estimator."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl._grown import refuse_grown
from skmtl.export._module import Module
from skmtl.tasks._base import Task
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

WITH_ADDED_TASKS: list[type] = []
"""Estimators whose graphs have the tasks that `add_task` has added; modules of parts add to it."""
WITHOUT_ADDED_TASKS = (
    "an export of {} has those of fit only. Fit with all tasks, with labels missing where there "
    "are none; linear models, and networks in wide form, are exported with added tasks."
)


class Predictor(Module):
    """A fitted estimator as a graph.

    X (n, n_features) is without the task feature; ``index`` (n,) has the task of each row in long
    form, -1 for an unknown one, and is None in wide form.
    """

    def __init__(self, tasks: TaskSet) -> None:
        super().__init__()
        self.tasks = tasks

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        """Expected values (n,), class probabilities or quantiles (n, k), of each `Task`."""
        raise NotImplementedError

    def decisions(
        self, X: Tensor, index: Tensor | None, expected: list[Tensor] | None = None
    ) -> list[Tensor]:
        """Predicted values (n,), or positions of the predicted classes, of each `Task`."""
        expected = self.expected(X, index) if expected is None else expected
        pairs = zip(self.tasks.tasks, expected, strict=True)
        return [decoded(task, of_task) for task, of_task in pairs]

    def without_labels(self, X: Tensor) -> list[Tensor]:
        """What tasks without any label predict."""
        found = [task.expected_without_labels(1)[0] for task in self.tasks.tasks]
        return [constant(X, of_task) for of_task in found]

    def silenced(self, found: Tensor, index: Tensor) -> Tensor:
        """What is expected in long form, where tasks without any label say nothing."""
        no_labels = self.tasks.n_labels == 0
        if not no_labels.any():
            return found
        is_silent = table(np.append(no_labels, False), index)[row_of(index, self.tasks.n_tasks)]
        (silent,) = self.without_labels(found)
        return torch.where(is_silent.reshape(-1, *[1] * (found.dim() - 1)), silent, found)


class Linked(Predictor):
    """Predictions that are links of raw scores."""

    def raw(self, X: Tensor, index: Tensor | None) -> Tensor:
        """Raw scores (n, n_outputs); in long form of the task of each row."""
        raise NotImplementedError

    def expected(self, X: Tensor, index: Tensor | None) -> list[Tensor]:
        return linked(self.tasks, self.raw(X, index), index)


@singledispatch
def make_predictor(estimator: Any) -> Predictor:
    """The graph of a fitted estimator.

    Raises
    ------
    ValueError
        If there is none; the message names the part.
    """
    raise ValueError(
        f"{type(estimator).__name__} cannot be exported: its predictions are no graph that is "
        "known. Export one of the estimators of skmtl, or a Pipeline that ends in one."
    )


def predictor_of(estimator: Any) -> Predictor:
    """`make_predictor`, where it has the tasks that were added, or there are none."""
    if not any(isinstance(estimator, kind) for kind in WITH_ADDED_TASKS):
        refuse_grown(estimator, WITHOUT_ADDED_TASKS.format(type(estimator).__name__))
    return make_predictor(estimator)


def linked(tasks: TaskSet, raw: Tensor, index: Tensor | None) -> list[Tensor]:
    """`TaskSet.inverse_link` of tensors."""
    if index is not None and not tasks.n_labels.all():
        silent = table(np.append(tasks.n_labels == 0, False), raw)[row_of(index, tasks.n_tasks)]
        raw = raw.masked_fill(silent[:, None], 0.0 if tasks.any_classification else float("nan"))
    pairs = zip(tasks.tasks, tasks.slices, strict=True)
    return [task.torch_inverse_link(raw[:, s]) for task, s in pairs]


def decoded(task: Task, expected: Tensor) -> Tensor:
    """The position of the most probable class; of several numbers the one that is predicted."""
    if task.is_classification:
        return expected.argmax(-1)
    if not task.expected_shape:
        return expected
    places = np.arange(task.expected_shape[0], dtype=np.float64)[None]
    return expected[:, int(task.decode(places)[0])]


def row_of(index: Tensor, n_tasks: int) -> Tensor:
    """Where tables with a row for each task, and one for unknown tasks, have a task."""
    return index.where(index >= 0, n_tasks)


def with_mean(table: Tensor, seen: Array) -> Tensor:
    """A table (n_tasks, ...) with the mean over the tasks in a mask below it."""
    return torch.cat([table, table[seen].mean(0, keepdim=True)])


def constant(X: Tensor, value: Any) -> Tensor:
    """The same number, or numbers, for every row."""
    value = np.asarray(value, dtype=np.float64)
    if not value.ndim:
        return X.new_full((X.shape[0],), float(value))
    return X.new_tensor(value).expand(X.shape[0], -1)


def buffer(array: Any) -> Tensor:
    """An array of its own as a tensor; numbers in double precision."""
    array = np.array(array)
    return torch.from_numpy(array.astype(np.float64) if array.dtype.kind == "f" else array)


def table(values: Array, like: Tensor) -> Tensor:
    """Whole numbers, or yes and no, as a constant of the graph."""
    return torch.tensor(values.tolist(), device=like.device)


def rows_of_tasks(parts: Sequence[Tensor], index: Tensor, place: Array) -> Tensor:
    """Of answers (n, ...) of several models, that of the model at ``place[task]`` of each row."""
    which = table(place, index)[row_of(index, len(place) - 1)]
    found = torch.stack(list(parts), 1)
    which = which.reshape(-1, 1, *[1] * (found.dim() - 2)).expand(-1, 1, *found.shape[2:])
    return found.gather(1, which)[:, 0]
