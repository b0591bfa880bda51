"""Raw scores of a fitted network."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from skmtl._warnings import warn
from skmtl.neural._environment import (
    full_precision,
    limited_threads,
    read_device,
    safe_after_fork,
)
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.inputs._inputs import Inputs
from skmtl.neural.networks._few_rows import FEW, FewRows
from skmtl.neural.networks._network import build, set_state
from skmtl.neural.networks._state import FittedState
from skmtl.neural.networks._tasks import index_in_network, to_all_tasks
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]

# Numbers a chunk of predictions may hold in its widest layer.
CHUNK = 2**22


def raw_scores_of(estimator: Any, X: Any, task_index: Array | None = None) -> Array:
    """Raw scores (n, n_outputs) of a fitted estimator."""
    raw: Array = scores_of_models(estimator, estimator._fitted, X, task_index)[0]
    return raw


def scores_of_models(
    estimator: Any,
    fitted: FittedState,
    X: Any,
    task_index: Array | None = None,
    dtype: Any = None,
) -> Array:
    """Raw scores (n_models, n, n_outputs) of networks; their module is built once and kept.

    It computes in the dtype of the parameters, or in ``dtype``; a few rows by numpy, where it can.
    """
    plain = None
    if task_index is None and X.shape[0] <= FEW and X.ndim == 2 and not sparse.issparse(X):
        plain = plain_networks(estimator, fitted, dtype)
    if plain is None:
        return _scores_by_torch(estimator, fitted, X, task_index, dtype)
    raw = plain.raw_scores(X if fitted.inputs is None else fitted.inputs.transform(X))
    if fitted.shrinkage is not None:
        raw = fitted.shrinkage.apply(raw)
    return of_all_tasks(raw, estimator._task_set, fitted.network_tasks)


def plain_networks(estimator: Any, fitted: FittedState, dtype: Any) -> FewRows | None:
    """The networks as arrays, for the module that is kept; None where they are of another kind."""
    built = fitted.built
    module, found = built.get("few", (None, None))
    if module is None or module is not built["module"] or str(built["device"]) != estimator.device:
        module = _safe_module(estimator, fitted, dtype)
        found = FewRows(module) if FewRows.knows(module) else None
        built["few"] = module, found
    few: FewRows | None = found
    return few


@safe_after_fork()
def _safe_module(estimator: Any, fitted: FittedState, dtype: Any) -> MultiTaskModule:
    return module_of(estimator, fitted, dtype)


@safe_after_fork()
@full_precision()
def _scores_by_torch(
    estimator: Any, fitted: FittedState, X: Any, task_index: Array | None, dtype: Any
) -> Array:
    tasks, network_tasks = estimator._task_set, fitted.network_tasks
    if network_tasks is not None:
        tasks = tasks.take(network_tasks)
    module = module_of(estimator, fitted, dtype)
    index = index_in_network(task_index, network_tasks, estimator._task_set.n_tasks)
    seen = tasks.n_labels > 0
    with limited_threads(estimator.n_threads, X.shape[0] * fitted.n_weights):
        raw = raw_scores(module, fitted.description, X, index, seen, fitted.inputs)
    if fitted.shrinkage is not None:
        raw = fitted.shrinkage.apply(raw, index, seen)
    return of_all_tasks(raw, estimator._task_set, network_tasks)


def module_of(estimator: Any, fitted: FittedState, dtype: Any = None) -> MultiTaskModule:
    """The networks on the device that the estimator asks for; made once and kept."""
    device = _device_or_cpu(estimator.device)
    if fitted.built.get("device") != device:
        tasks = estimator._task_set
        if fitted.network_tasks is not None:
            tasks = tasks.take(fitted.network_tasks)
        of_module = fitted.dtype if dtype is None else dtype
        module = build(fitted.description, of_module, device, fitted.n_models, tasks)
        set_state(module, fitted.parameters)
        fitted.built.update(device=device, module=module)
    found: MultiTaskModule = fitted.built["module"]
    return found


def of_all_tasks(raw: Array, tasks: TaskSet, network_tasks: Array | None) -> Array:
    """From raw scores of the tasks of a network to those of all, 0 for others; long as they are."""
    if network_tasks is None or tasks.is_long:
        return raw
    outputs = np.concatenate([np.r_[tasks.slices[t]] for t in network_tasks]).astype(int)
    return to_all_tasks(raw, outputs, tasks.n_outputs, 0.0)


def raw_scores(
    module: MultiTaskModule,
    description: dict[str, Any],
    X: Any,
    task_index: Array | None = None,
    seen: Array | None = None,
    inputs: Inputs | None = None,
) -> Array:
    """Raw scores (n_models, n, n_outputs) as float64, in chunks.

    Rows of an unknown task (index -1) get the mean over the tasks in the mask ``seen``.
    ``inputs`` is what the module reads of X.
    """
    parameter = next(module.parameters())
    n_outputs = sum(description["outputs_per_task"])
    if task_index is not None:
        n_outputs = description["outputs_per_task"][0]
    n_models = len(parameter)
    raw = np.zeros((n_models, X.shape[0], n_outputs))
    if not n_outputs:
        # A single class: its prediction is certain.
        return raw
    unknown = np.zeros(X.shape[0], dtype=bool) if task_index is None else task_index < 0
    if module.training:
        module.eval()
    with torch.no_grad():
        is_long = task_index is not None
        for rows in _parts(np.flatnonzero(~unknown), module, description, is_long=is_long):
            index = None
            if task_index is not None:
                index = torch.from_numpy(task_index[rows]).to(parameter.device)
                index = index.expand(n_models, -1)
            raw[:, rows] = _numpy(module(features_of(X, rows, parameter, inputs), index))
        for rows in _parts(np.flatnonzero(unknown), module, description):
            scores = _numpy(module(features_of(X, rows, parameter, inputs)))
            by_task = scores.reshape(n_models, len(rows), -1, n_outputs)
            raw[:, rows] = by_task[:, :, seen].mean(axis=2)
    return raw


def _parts(
    rows: Array, module: MultiTaskModule, description: dict[str, Any], *, is_long: bool = False
) -> Iterator[Array]:
    """Rows, as many at a time as there is room for in all layers."""
    # To look at all layers takes longer than to predict a row.
    width = 1 if len(rows) < 2 else width_of(module, description, is_long=is_long)
    yield from chunks(rows, len(next(module.parameters())) * width)


def chunks(rows: Array, width: int) -> Iterator[Array]:
    size = max(1, CHUNK // width)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def width_of(module: MultiTaskModule, description: dict[str, Any], *, is_long: bool = False) -> int:
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
    if description.get("linear_skip"):
        inputs, outputs = [n_features, *inputs], [n_outputs[0], *outputs]
    return max(*hidden, *(i * o for i, o in zip(inputs, outputs, strict=True)))


def features_of(X: Any, rows: Array, parameter: Tensor, inputs: Inputs | None) -> Tensor:
    X = X[rows] if inputs is None else inputs.transform(X, rows)
    X = X.toarray() if sparse.issparse(X) else X
    rows_of_one = torch.from_numpy(X).to(device=parameter.device, dtype=parameter.dtype)
    return rows_of_one.expand(len(parameter), *rows_of_one.shape)


def _numpy(raw: Tensor) -> Array:
    return raw.cpu().numpy().astype(np.float64)


def _device_or_cpu(device: str) -> torch.device:
    """The device to predict on: a model trained on an accelerator predicts without one, too."""
    try:
        return read_device(device)
    except ValueError as error:
        warn(f"{error} Predicting on the CPU.")
        return torch.device("cpu")
