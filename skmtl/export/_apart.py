"""Networks side by side as modules of their own: what swaps tensors for a call is no graph."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from torch import nn

from skmtl.neural.architectures._side_by_side import SideBySide, tensors_of


def set_apart(module: nn.Module) -> nn.Module:
    """The module, in which `SideBySide` asks a module of its own for every model."""
    for part in list(module.modules()):
        if isinstance(part, SideBySide):
            n_models = len(tensors_of(part.module)[0][1])
            part.apart = nn.ModuleList(_one(part.module, k) for k in range(n_models))
            vars(part)["call"] = _Call(part.apart)
    return module


class _Call:
    """`SideBySide.call` of modules; it goes into copies with them."""

    def __init__(self, models: Any) -> None:
        self.models = models

    def __call__(self, model: int, *args: Any, method: str | None = None) -> Any:
        target = self.models[model]
        return target(*args) if method is None else getattr(target, method)(*args)


def _one(stacked: nn.Module, model: int) -> nn.Module:
    """One of the models that a module holds the tensors of."""
    alone = deepcopy(stacked)
    for part in alone.modules():
        for name, tensor in part._parameters.items():
            if tensor is not None:
                part._parameters[name] = nn.Parameter(tensor.detach()[model].clone())
        for name, buffer in part._buffers.items():
            if buffer is not None:
                part._buffers[name] = buffer[model].clone()
    return alone
