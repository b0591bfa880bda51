"""Which task reads which: graphs of tasks, checked and put in order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._shown import shown
from skmtl.tasks._by_name import Names, by_task, matrix_by_task, name_key


@dataclass(frozen=True)
class Stage:
    """Tasks that read the same layer and parents; ``is_read`` if other tasks read them."""

    tasks: tuple[int, ...]
    layer: int
    parents: tuple[int, ...]
    is_read: bool


def parents_by_task(parents: Any, names: Names, what: str) -> Any:
    """Parents as a matrix; in a dict, tasks are names or, where not all are, numbers."""
    if not isinstance(parents, Mapping):
        return matrix_by_task(parents, names, what)
    read = {
        t: list(several) if isinstance(several, list | tuple | set | np.ndarray) else [several]
        for t, several in parents.items()
    }
    place = _places([*read, *(s for several in read.values() for s in several)], names, what)
    if place is None:
        return parents
    matrix = np.zeros((len(names), len(names)), dtype=bool)
    for t, several in read.items():
        matrix[place[name_key(t)], [place[name_key(s)] for s in several]] = True
    return matrix


def layers_by_task(layers: Any, names: Names, what: str) -> Any:
    """Layers as a list, None where a dict leaves a task out; tasks as in `parents_by_task`."""
    place = _places(list(layers), names, what) if isinstance(layers, Mapping) else None
    if place is None:
        return layers if isinstance(layers, Mapping) else by_task(layers, names, what)
    listed = [None] * len(names)
    for t, layer in layers.items():
        listed[place[name_key(t)]] = layer
    return listed


def _places(entries: list[Any], names: Names, what: str) -> dict[Hashable, int] | None:
    """Positions of names or, where not all entries are names, of numbers; None for others."""
    numbers: Names = range(len(names))
    for known in (names, numbers):
        place = {name_key(name): t for t, name in enumerate(known)}
        if all(name_key(entry) in place for entry in entries):
            return place
        odd = [entry for entry in entries if name_key(entry) not in place]
        if any(not isinstance(entry, int | np.integer) for entry in odd):
            odd = [entry for entry in odd if not isinstance(entry, int | np.integer)]
            raise ValueError(f"{what} names the task {odd[0]!r}; the tasks are {shown(names)}.")
    return None


def read_parents(parents: Any, n_tasks: int) -> list[tuple[int, ...]]:
    """Parents of each task, from a mapping, an adjacency matrix or None.

    Raises
    ------
    ValueError
        If a task is not there, the matrix has another shape, or tasks read each other.
    """
    if parents is None:
        return [()] * n_tasks
    if isinstance(parents, Mapping):
        of_task = {t: tuple(np.atleast_1d(read).tolist()) for t, read in parents.items()}
    else:
        try:
            matrix = np.asarray(parents)
        except ValueError:
            raise ValueError(
                f"parents={parents!r} has rows of different lengths; lists of the parents of each "
                "task go into a dict, {task: [parents]}."
            ) from None
        if matrix.shape != (n_tasks, n_tasks):
            raise ValueError(
                f"parents has shape {matrix.shape}; expected a dict or an adjacency matrix of "
                f"shape {(n_tasks, n_tasks)}, one row for the parents of each task."
            )
        of_task = {t: tuple(np.flatnonzero(row).tolist()) for t, row in enumerate(matrix)}
    for t, read in of_task.items():
        _check_tasks("parents", parents, (t, *read), n_tasks)
    return [tuple(int(parent) for parent in of_task.get(t, ())) for t in range(n_tasks)]


def read_layers(layers: Any, n_tasks: int, n_layers: int) -> list[int]:
    """The hidden layer each task reads, from a mapping, a sequence or None: the last.

    Raises
    ------
    ValueError
        If a task or a layer is not there.
    """
    if layers is None:
        return [n_layers] * n_tasks
    layers = _given_layers(layers, n_tasks)
    for t, layer in layers.items():
        if layer not in range(n_layers + 1):
            raise ValueError(
                f"layers: task {t} reads layer {layer!r}; the trunk has layers 1 to {n_layers}, "
                "and 0 are the features."
            )
    return [int(layers.get(t, n_layers)) for t in range(n_tasks)]


def _given_layers(layers: Any, n_tasks: int) -> Mapping[int, Any]:
    """The hidden layers by task; a list has None where none is given."""
    if not isinstance(layers, Mapping):
        if len(layers) != n_tasks:
            raise ValueError(f"layers={layers!r} has {len(layers)} entries for {n_tasks} tasks.")
        layers = {t: layer for t, layer in enumerate(layers) if layer is not None}
    _check_tasks("layers", layers, tuple(layers), n_tasks)
    return layers


def some_parents(parents: list[tuple[int, ...]], members: NDArray[Any]) -> dict[int, list[int]]:
    """Parents of some of the tasks, numbered among them."""
    place = {int(t): i for i, t in enumerate(members)}
    return {i: [place[s] for s in parents[t] if s in place] for t, i in place.items()}


def some_layers(layers: Any, members: NDArray[Any], n_tasks: int) -> dict[int, Any]:
    """The hidden layers that are given for some of the tasks, numbered among them."""
    given = _given_layers(layers, n_tasks)
    return {i: given[int(t)] for i, t in enumerate(members) if int(t) in given}


def depths(parents: list[tuple[int, ...]]) -> list[int]:
    """Steps from each task up to one that reads no other.

    Raises
    ------
    ValueError
        If tasks read each other in a circle.
    """
    found = [0] * len(parents)
    try:
        for t in TopologicalSorter(dict(enumerate(parents))).static_order():
            found[t] = max((found[parent] + 1 for parent in parents[t]), default=0)
    except CycleError as error:
        circle = " -> ".join(str(t) for t in error.args[1])
        raise ValueError(f"parents: tasks read each other in a circle, {circle}.") from None
    return found


def reached_by(parents: list[tuple[int, ...]], detach: bool) -> list[set[int]]:
    """Tasks whose losses each task's outputs influence: its own and, attached, its readers'."""
    found = [{t} for t in range(len(parents))]
    order = np.argsort(depths(parents), kind="stable")[::-1]
    for t in order if not detach else ():
        for parent in parents[t]:
            found[parent] |= found[t]
    return found


def stages(parents: list[tuple[int, ...]], layers: list[int]) -> list[Stage]:
    """Tasks that read the same, parents before children."""
    read = {parent for several in parents for parent in several}
    depth = depths(parents)
    found: dict[tuple[Any, ...], list[int]] = {}
    for t in sorted(range(len(parents)), key=depth.__getitem__):
        found.setdefault((depth[t], layers[t], parents[t], t in read), []).append(t)
    return [Stage(tuple(tasks), *key[1:]) for key, tasks in found.items()]


def _check_tasks(name: str, value: Any, tasks: tuple[Any, ...], n_tasks: int) -> None:
    for t in tasks:
        if t not in range(n_tasks):
            raise ValueError(
                f"{name}={value!r} names task {t!r}; tasks are numbered 0 to {n_tasks - 1}, in "
                "the order of task_names_in_."
            )
