"""A network as plain data: a description and numpy arrays."""

from __future__ import annotations

import copy
import re
import zlib
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import nn

from skmtl.neural.architectures import Architecture, MultiTaskModule, NetworkSpec
from skmtl.neural.architectures._build import build_network
from skmtl.neural.balancing import Balancing
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


def describe(
    architecture: Architecture, n_features: int | tuple[int, ...], tasks: TaskSet, **shape: Any
) -> dict[str, Any]:
    """Everything that decides the shape of the module."""
    if tasks.is_long:
        outputs = (tasks.tasks[0].n_outputs_,) * tasks.n_tasks
    else:
        outputs = tuple(task.n_outputs_ for task in tasks.tasks)
    return {
        "architecture": architecture,
        "n_features": n_features,
        "outputs_per_task": outputs,
        **shape,
    }


def build(
    description: Mapping[str, Any],
    dtype: DTypeLike,
    device: torch.device,
    n_models: int = 1,
    tasks: TaskSet | None = None,
) -> MultiTaskModule:
    """Make the module of a description, with all parameters zero.

    ``tasks`` says what its raw scores mean: an ensemble has to know before it averages.
    """
    settings = dict(description)
    architecture = settings.pop("architecture")
    module = build_network(architecture, NetworkSpec(**settings, n_models=n_models))
    if tasks is not None:
        module.read_as(tasks)
    return module.to(device=device, dtype=getattr(torch, np.dtype(dtype).name))


def task_keys(names: Array) -> list[int]:
    """A number for each task that depends on its name alone, the same in every process."""
    return [zlib.crc32(_spelt(name).encode()) for name in names.tolist()]


def _spelt(name: Hashable) -> str:
    """A name as text; numbers and strings differ, whatever container they came in."""
    if isinstance(name, np.generic):
        name = name.item()
    if isinstance(name, float) and name.is_integer():
        # A task feature read as float names the same tasks as one read as int.
        name = int(name)
    # An object without a text of its own has another address in each process.
    return re.sub(r" at 0x\w+", "", repr(name))


def get_state(module: nn.Module) -> dict[str, Array]:
    """Parameters, and buffers that are learnt, by name: numpy arrays of their own."""
    return {name: tensor.cpu().numpy().copy() for name, tensor in module.state_dict().items()}


def set_state(module: nn.Module, state: Mapping[str, Array]) -> None:
    """Put what `get_state` found into a module of the same shape."""
    for name, tensor in module.state_dict().items():
        tensor.copy_(torch.from_numpy(np.array(state[name])))


def on_device(thing: Any, device: torch.device | str) -> Any:
    """A deep copy with its tensors on a device: a fit on an accelerator goes on without one.

    Reaches into lists, tuples, dicts, balancing methods, and the objects of this package that
    those keep.
    """
    if isinstance(thing, torch.Tensor):
        return thing.detach().clone().to(device).requires_grad_(thing.requires_grad)
    if isinstance(thing, nn.Module):
        return copy.deepcopy(thing).to(device)
    if isinstance(thing, dict):
        return {key: on_device(value, device) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return type(thing)(on_device(value, device) for value in thing)
    if isinstance(thing, Balancing) or _is_ours(thing):
        other = copy.copy(thing)
        other.__dict__.update(on_device(vars(thing), device))
        return other
    return copy.deepcopy(thing)


def _is_ours(thing: Any) -> bool:
    is_object = not isinstance(thing, type) and hasattr(thing, "__dict__")
    return is_object and type(thing).__module__.startswith("skmtl.")
