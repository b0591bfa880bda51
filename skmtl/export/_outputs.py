"""What an export returns: one output per task for each of its predictions, with names."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from skmtl.tasks._base import Array, Task

KINDS = ("prediction", "probabilities", "quantiles")


@dataclass(frozen=True)
class Output:
    """One output.

    Attributes
    ----------
    name : str
        Its name: that of the task, with ``_probabilities`` or ``_quantiles`` behind it.
    task : hashable
        Name of the task; in long form that of the column y.
    kind : {"prediction", "probabilities", "quantiles"}
        What it says of the task. A prediction of a class is its position among ``classes``.
    task_type : str
        Alias of the type of the task.
    column : int
        Position of the task.
    classes : ndarray or None
        Classes of the task.
    """

    name: str
    task: Hashable
    kind: str
    task_type: str
    column: int
    classes: Array | None


def outputs_of(estimator: Any, inputs: Iterable[str] = ()) -> list[Output]:
    """Those of a fitted estimator: predictions of all tasks first.

    None has the name of one of the ``inputs``.
    """
    tasks = estimator._task_set
    names = tasks.names.tolist()
    if tasks.is_long or (tasks.is_1d and tasks.names.dtype.kind != "O"):
        names = [getattr(estimator, "_name_of_y", None) or "y"]
    pairs = list(enumerate(zip(names, tasks.tasks, strict=True)))
    found: list[Output] = []
    taken = set(inputs)
    for kind in KINDS:
        for column, (task_name, task) in pairs:
            if not _says(task, kind):
                continue
            name = _free_name(task_name, kind, taken)
            classes = task.classes_ if task.is_classification else None
            found.append(Output(name, task_name, kind, task.alias, column, classes))
    return found


def _says(task: Task, kind: str) -> bool:
    if kind == "probabilities":
        return task.is_classification
    if kind == "quantiles":
        return bool(task.expected_shape) and not task.is_classification
    return True


def _free_name(task_name: Hashable, kind: str, taken: set[str]) -> str:
    """A name that no output has; an empty one is none for ONNX."""
    name = "" if task_name is None else str(task_name)
    name = name or "task"
    name += "" if kind == "prediction" else f"_{kind}"
    while name in taken:
        name += "_"
    taken.add(name)
    return name
