"""What the heads of a fitted network read of a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl.neural._environment import full_precision, limited_threads, safe_after_fork
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.architectures._around import Around
from skmtl.neural.networks._predict import chunks, features_of, module_of, width_of
from skmtl.neural.networks._state import FittedState
from skmtl.neural.networks._tasks import index_in_network

Array = NDArray[Any]


@safe_after_fork()
@full_precision()
def layers_of(
    estimator: Any, fitted: FittedState, X: Any, task_index: Array | None = None
) -> Array:
    """The last layer of each network, (n_models, n, n_readers, width), float64.

    Readers are as in `MultiTaskModule.read_by_heads`; in long form a row of an unknown task has
    the mean of all.

    Raises
    ------
    ValueError
        If the network does not say what its heads read.
    """
    module = module_of(estimator, fitted)
    parameter = next(module.parameters())
    index = index_in_network(task_index, fitted.network_tasks, estimator._task_set.n_tasks)
    unknown = np.zeros(X.shape[0], dtype=bool) if index is None else index < 0
    found = np.zeros(
        (fitted.n_models, X.shape[0], *_shape(module, fitted, is_long=index is not None))
    )
    width = fitted.n_models * width_of(module, fitted.description)
    module.eval()
    with torch.no_grad(), limited_threads(estimator.n_threads, X.shape[0] * fitted.n_weights):
        for rows in chunks(np.flatnonzero(~unknown), width):
            of_rows = None
            if index is not None:
                of_rows = torch.from_numpy(index[rows]).to(parameter.device)
                of_rows = of_rows.expand(fitted.n_models, -1)
            read = module.read_by_heads(features_of(X, rows, parameter, fitted.inputs), of_rows)
            found[:, rows] = read.cpu().numpy()
        for rows in chunks(np.flatnonzero(unknown), width):
            read = module.read_by_heads(features_of(X, rows, parameter, fitted.inputs))
            found[:, rows] = read.mean(2, keepdim=True).cpu().numpy()
    return found


@safe_after_fork()
def n_readers(estimator: Any, fitted: FittedState, *, is_long: bool) -> tuple[int, int]:
    """Number of readers, and width of what each reads; in long form of a row of a known task."""
    return _shape(module_of(estimator, fitted), fitted, is_long=is_long)


@safe_after_fork()
@full_precision()
def inputs_of(estimator: Any, fitted: FittedState, X: Any) -> Array | None:
    """What a linear path beside the hidden layers reads (n, n_inputs); None without one."""
    module = module_of(estimator, fitted)
    if not isinstance(module, Around) or module.skip is None:
        return None
    parameter = next(module.parameters())
    with torch.no_grad():
        parts = [
            module.embed(features_of(X, rows, parameter, fitted.inputs))[0].cpu().numpy()
            for rows in chunks(np.arange(X.shape[0]), width_of(module, fitted.description))
        ]
    return np.vstack(parts).astype(np.float64) if parts else None


def _shape(module: MultiTaskModule, fitted: FittedState, *, is_long: bool) -> tuple[int, int]:
    """Number of readers, and width, as a row of zeros has them."""
    parameter = next(module.parameters())
    shape = fitted.description["n_features"]
    shape = shape if isinstance(shape, tuple) else (shape,)
    zeros = parameter.new_zeros(len(parameter), 1, *shape)
    index = torch.zeros(len(parameter), 1, dtype=torch.long, device=parameter.device)
    module.eval()
    try:
        with torch.no_grad():
            read = module.read_by_heads(zeros, index if is_long else None)
    except NotImplementedError:
        raise ValueError(
            f"{fitted.description['architecture']!r} does not say what the heads of its network "
            "read. Derive the module from RepresentationModule, or override read_by_heads in it; "
            "HardSharing(trunk=...) takes a trunk of your own."
        ) from None
    return read.shape[2], read.shape[3]


def heard_by_head(
    columns: Array, origin: Array, factor: Array, has_layers: bool, most_readers: int
) -> Callable[[MultiTaskModule, Tensor], list[Tensor]]:
    """What a head that came later reads, as a function of a module and its inputs (1, n, ...).

    ``columns`` are the raw scores it reads, shrunk to an ``origin`` by a ``factor``.
    """

    def heard(module: MultiTaskModule, X: Tensor) -> list[Tensor]:
        index, start, share = (torch.from_numpy(a).to(X.device) for a in (columns, origin, factor))
        raw = module(X)[0][:, index]
        parts = [start.to(raw) + share.to(raw) * (raw - start.to(raw))]
        if has_layers:
            layers = module.read_by_heads(X)[0]
            if layers.shape[1] > most_readers:
                layers = layers.mean(1, keepdim=True)
            parts.append(layers.flatten(1))
        if isinstance(module, Around) and module.skip is not None:
            parts.append(module.embed(X)[0])
        return parts

    return heard
