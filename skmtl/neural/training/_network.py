"""A fitted network as plain data: a description and numpy arrays."""

from __future__ import annotations

import re
import zlib

import numpy as np
import torch
from scipy import sparse

from skmtl._warnings import warn
from skmtl.neural.architectures import NetworkSpec
from skmtl.neural.architectures._build import build_network
from skmtl.neural.training._environment import (
    full_precision,
    limited_threads,
    read_device,
    safe_after_fork,
)
from skmtl.neural.training._members import spread

# Numbers a chunk of predictions may hold in its widest layer.
CHUNK = 2**22


def describe(architecture, n_features, tasks, **shape):
    """Everything that decides the shape of the module, as a dict."""
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


def build(description, dtype, device, n_models=1, tasks=None):
    """Make the module of a description, with all parameters zero.

    ``tasks`` says what its raw scores mean: an ensemble has to know before it averages.
    """
    settings = dict(description)
    architecture = settings.pop("architecture")
    module = build_network(architecture, NetworkSpec(**settings, n_models=n_models))
    if tasks is not None:
        module.read_as(tasks)
    return module.to(device=device, dtype=getattr(torch, np.dtype(dtype).name))


def task_keys(names):
    """A number for each task that depends on its name alone, the same in every process."""
    return [zlib.crc32(_spelt(name).encode()) for name in names.tolist()]


def _spelt(name):
    """A name as text; numbers and strings differ, whatever container they came in."""
    if isinstance(name, np.generic):
        name = name.item()
    if isinstance(name, float) and name.is_integer():
        # A task feature read as float names the same tasks as one read as int.
        name = int(name)
    # An object without a text of its own has another address in each process.
    return re.sub(r" at 0x\w+", "", repr(name))


def get_state(module):
    """Parameters, and buffers that are learnt, by name: numpy arrays of their own."""
    return {name: tensor.cpu().numpy().copy() for name, tensor in module.state_dict().items()}


def set_state(module, state):
    """Put what `get_state` found into a module of the same shape."""
    for name, tensor in module.state_dict().items():
        tensor.copy_(torch.from_numpy(np.array(state[name])))


def raw_scores(module, description, X, task_index=None, seen=None):
    """Raw scores (n, n_outputs) as float64, in chunks; the module holds one model.

    Rows of an unknown task (index -1) get the mean over the tasks in the mask ``seen``.
    """
    parameter = next(module.parameters())
    n_outputs = sum(description["outputs_per_task"])
    if task_index is not None:
        n_outputs = description["outputs_per_task"][0]
    raw = np.zeros((X.shape[0], n_outputs))
    if not n_outputs:
        # A single class: its prediction is certain.
        return raw
    unknown = np.zeros(X.shape[0], dtype=bool) if task_index is None else task_index < 0
    module.eval()
    with torch.no_grad():
        for rows in _chunks(
            np.flatnonzero(~unknown), _width(module, description, is_long=task_index is not None)
        ):
            index = None if task_index is None else torch.from_numpy(task_index[rows])
            index = None if index is None else index.to(parameter.device)[None]
            raw[rows] = _numpy(module(_features(X, rows, parameter), index))
        for rows in _chunks(np.flatnonzero(unknown), _width(module, description)):
            scores = _numpy(module(_features(X, rows, parameter)))
            raw[rows] = scores.reshape(len(rows), -1, n_outputs)[:, seen].mean(axis=1)
    return raw


def _chunks(rows, width):
    size = max(1, CHUNK // width)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _width(module, description, *, is_long=False):
    """Numbers a row needs in the widest layer."""
    n_features = int(np.prod(description["n_features"]))
    trunk = [n_features, *description["hidden_layer_sizes"]]
    head = list(description["head_hidden_layer_sizes"])
    n_tasks, n_outputs = len(description["outputs_per_task"]), description["outputs_per_task"]
    copies = module.copies_of_a_row(is_long=is_long)
    hidden = [copies * size for size in trunk]
    # Most units have a bias: a good guess of how many there are, whatever the architecture.
    biases = [p.numel() for name, p in module.named_parameters() if name.endswith("bias")]
    hidden.append(sum(biases) if not is_long else 0)
    if not is_long:
        return max(*hidden, *(size * n_tasks for size in head), sum(n_outputs))
    # In long form each row carries the weights of its own task.
    inputs, outputs = [trunk[-1], *head], [*head, n_outputs[0]]
    return max(*hidden, *(i * o for i, o in zip(inputs, outputs, strict=True)))


def _features(X, rows, parameter):
    X = X[rows]
    X = X.toarray() if sparse.issparse(X) else X
    return torch.from_numpy(X).to(device=parameter.device, dtype=parameter.dtype)[None]


def _numpy(raw):
    return raw[0].cpu().numpy().astype(np.float64)


@safe_after_fork()
@full_precision()
def raw_scores_of(estimator, X, task_index=None):
    """Raw scores of a fitted estimator; its module is built once and kept."""
    device = _device_or_cpu(estimator.device)
    description, state = estimator._description, estimator._state
    built, tasks, members = estimator._built, estimator._task_set, estimator._members
    if members is not None:
        tasks = tasks.take(members)
    if built.get("state") is not state or built["device"] != device:
        dtype = next(array.dtype for array in state.values() if array.dtype.kind == "f")
        module = build(description, dtype, device, tasks=tasks)
        set_state(module, state)
        built.update(state=state, device=device, module=module)
    index = _index_of_members(estimator, task_index)
    n_weights = sum(array.size for array in state.values())
    with limited_threads(estimator.n_threads, X.shape[0] * n_weights):
        raw = raw_scores(built["module"], description, X, index, tasks.n_labels > 0)
    if members is None or task_index is not None:
        return raw
    outputs = estimator._task_set.slices
    outputs = np.concatenate([np.r_[outputs[t]] for t in members]).astype(int)
    return spread(raw, outputs, estimator._task_set.n_outputs, 0.0)


def _index_of_members(estimator, task_index):
    """Long form: the task of each row among those of the network, -1 for others."""
    if task_index is None or estimator._members is None:
        return task_index
    place = np.full(estimator._task_set.n_tasks + 1, -1)
    place[estimator._members] = np.arange(len(estimator._members))
    return place[task_index]


def _device_or_cpu(device):
    """The device to predict on: a model trained on an accelerator predicts without one, too."""
    try:
        return read_device(device)
    except ValueError as error:
        warn(f"{error} Predicting on the CPU.")
        return torch.device("cpu")
