"""Further tasks for a network that goes on: their parameters begin at the mean of the others'.

Which entries of a parameter belong to which task is known by its module: layers say whose their
blocks are, others have the tasks one after the other along an axis. With M the matrix that has a
row for each block of the larger network, of one 1 for a task that was there and of
:math:`1 / T` for each of the T tasks that were, for one that was not, a parameter P becomes
:math:`M P` along that axis: a task that nothing is known of predicts with what the others share,
and these go on as they were.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from skmtl.neural.networks._network import build, get_state
from skmtl.neural.networks._state import FittedState

Array = NDArray[Any]


def with_more_tasks(
    fitted: FittedState, place: Sequence[int], n_tasks: int, architecture: Any
) -> FittedState:
    """The network for ``n_tasks`` tasks in long form; ``place`` is where those of before are.

    Raises
    ------
    ValueError
        If nobody knows which parameters belong to the tasks.
    """
    before = fitted.description
    sizes = (before["outputs_per_task"][0],) * n_tasks
    description = {**before, "outputs_per_task": sizes, "architecture": architecture}
    cpu = torch.device("cpu")
    small, large = (build(one, fitted.dtype, cpu, fitted.n_models) for one in (before, description))
    wanted, known = get_state(large), fitted.parameters
    modules = dict(small.named_modules()), dict(large.named_modules())
    parameters = {}
    for name, target in wanted.items():
        array = known.get(name)
        if array is None or array.ndim != target.ndim:
            raise _cannot_grow(architecture, name)
        owners = [_owner_module(some, name) for some in modules]
        axes = [axis for axis, size in enumerate(target.shape) if size != array.shape[axis]]
        for axis in axes:
            M = _mixing(owners, (array.shape[axis], target.shape[axis]), place, n_tasks)
            if M is None:
                raise _cannot_grow(architecture, name)
            if axis > axes[0]:
                # From task to task: nobody reads yet what the new ones compute.
                M[_are_new(owners[1], len(M), place, n_tasks)] = 0.0
            array = np.moveaxis(np.tensordot(M, array, (1, axis)), 0, axis)
        parameters[name] = np.ascontiguousarray(array, dtype=known[name].dtype)
    shrinkage = fitted.shrinkage
    if shrinkage is not None:
        M = np.full((n_tasks, len(place)), 1.0 / len(place))
        M[place] = np.eye(len(place))
        origin = list(M @ np.array(shrinkage.origin))
        shrinkage = replace(shrinkage, origin=origin, factor=M @ shrinkage.factor)
    return replace(
        fitted,
        description=description,
        parameters=parameters,
        network_tasks=None,
        shrinkage=shrinkage,
    )


def _mixing(
    modules: Sequence[nn.Module], sizes: tuple[int, int], place: Sequence[int], n_tasks: int
) -> Array | None:
    """The matrix M (new, old) along an axis; None where nobody knows whose entries these are."""
    old = _blocks(modules[0], sizes[0], len(place))
    new = _blocks(modules[1], sizes[1], n_tasks)
    if old is None or new is None:
        return None
    column = {(place[task], number): k for k, (task, number) in enumerate(old)}
    M = np.zeros((sizes[1], sizes[0]))
    for row, (task, number) in enumerate(new):
        same = [(task, number)] if task in place else [(t, number) for t in place]
        columns = [column[key] for key in same if key in column]
        if not columns:
            return None
        M[row, columns] = 1.0 / len(columns)
    return M


def _are_new(module: nn.Module, size: int, place: Sequence[int], n_tasks: int) -> Array:
    """Mask of the entries along an axis that belong to new tasks."""
    return np.array([task not in place for task, _ in _blocks(module, size, n_tasks) or ()])


def _blocks(module: nn.Module, size: int, n_tasks: int) -> list[tuple[int, int]] | None:
    """Task of each entry along an axis, and the how manieth of that task it is."""
    owners, outputs = getattr(module, "tasks", None), getattr(module, "outputs", None)
    if outputs is None or not isinstance(owners, list):
        owners, outputs = getattr(module, "owners", None), None
    if owners is not None and outputs is not None and size == sum(outputs):
        owners = np.repeat(owners, outputs).tolist()
    if owners is None or len(owners) != size:
        if size % n_tasks:
            return None
        owners = np.repeat(np.arange(n_tasks), size // n_tasks).tolist()
    seen: Counter[int] = Counter()
    found = []
    for task in owners:
        found.append((int(task), seen[task]))
        seen[task] += 1
    return found


def _owner_module(modules: Mapping[str, nn.Module], name: str) -> nn.Module:
    """The module that says whose the entries of a parameter are: that around its normalisation."""
    path = name.split(".")[:-1]
    if "normalization" in path:
        path = path[: path.index("normalization")]
    return modules[".".join(path)]


def _cannot_grow(architecture: Any, name: str) -> ValueError:
    return ValueError(
        f"A network with architecture={architecture!r} cannot take further tasks: nobody knows "
        f"which entries of {name!r} are those of a task. Let all tasks be in the first call, in "
        "rows whose labels may be missing."
    )
