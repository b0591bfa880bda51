"""Copies of a module that knows nothing of a model dimension, one for each model."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.neural.architectures._parameters import Shared
from skmtl.neural.architectures._units import Generators


class SideBySide(Shared):
    """``n_models`` modules of one factory, side by side.

    One module holds the parameters and buffers of all, each with a leading model dimension,
    and is called with those of one model at a time. Parameters that the factory has frozen
    (``requires_grad=False``) become buffers: they are kept, and stay as they are.

    Parameters
    ----------
    n_models : int
        Number of networks.
    make : callable
        Makes a module.
    module : torch.nn.Module
        One that it has made.
    """

    def __init__(self, n_models: int, make: Callable[[], nn.Module], module: nn.Module) -> None:
        super().__init__()
        self.make = make
        self.module = module
        # For what is random in the module.
        self.noise = Generators()
        _stack(self.module, n_models)

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        self.take(model, drawn(self.make, int(rng.integers(2**62))))

    def take(self, model: int, fresh: nn.Module) -> None:
        """Give a model the parameters and buffers of a module."""
        values = {
            **dict(fresh.named_parameters(remove_duplicate=False)),
            **dict(fresh.named_buffers()),
        }
        with torch.no_grad():
            for name, stacked in tensors_of(self.module):
                stacked[model] = values[name]

    def call(self, model: int, *args: Any, method: str | None = None) -> Any:
        """What the module, or a method of it, returns with the parameters of one model."""
        target = self.module if method is None else _Method(self.module, method)
        prefix = "" if method is None else "module."
        tensors = {prefix + name: tensor[model] for name, tensor in tensors_of(self.module)}
        is_random = self.training and self.noise.generators
        with drawing_from(self.noise.generators[model]) if is_random else nullcontext():
            return torch.func.functional_call(target, tensors, args)

    def set_mode(self, n_rows: int) -> None:
        """Train or predict; batch normalisation refuses to learn from one row, which predicts."""
        self.module.train(self.training and n_rows > 1)


class _Method(nn.Module):
    """A module whose call is a method of another, as torch swaps parameters for calls only."""

    def __init__(self, module: nn.Module, method: str) -> None:
        super().__init__()
        self.module = module
        self.method = method

    def forward(self, *args: Any) -> Any:
        return getattr(self.module, self.method)(*args)


def drawn(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A new module, initialised from the seed; torch's global generator is left alone."""
    with drawing_from(torch.Generator().manual_seed(seed)), torch.no_grad():
        return make()


_turn = threading.RLock()
"""Of threads whose fits draw from torch's global generator."""


def _after_fork() -> None:
    # It may have been held by a thread that is not there.
    global _turn
    _turn = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let torch's global generator be this one, and then again what it was.

    Fits in threads take turns: what one draws is not moved by another.
    """
    with _turn, _replaced(generator):
        yield


@contextmanager
def _replaced(generator: torch.Generator) -> Iterator[None]:
    is_cuda = generator.device.type == "cuda"
    with torch.random.fork_rng([generator.device] if is_cuda else []):
        index = generator.device.index or 0
        common = torch.cuda.default_generators[index] if is_cuda else torch.default_generator
        common.set_state(generator.get_state())
        yield
        generator.set_state(common.get_state())


def tensors_of(module: nn.Module) -> list[tuple[str, Tensor]]:
    """Parameters and buffers by name."""
    return [*module.named_parameters(), *module.named_buffers()]


def _stack(module: nn.Module, n_models: int) -> None:
    """Give every tensor of a module a leading model dimension; frozen ones become buffers."""
    stacked: dict[int, nn.Parameter] = {}
    for part in module.modules():
        for name, tensor in [*part._parameters.items(), *part._buffers.items()]:
            if tensor is None:
                continue
            copies = tensor.detach().expand(n_models, *tensor.shape)
            copies = copies.clone(memory_format=torch.contiguous_format)
            if not isinstance(tensor, nn.Parameter):
                part._buffers[name] = copies
            elif tensor.requires_grad:
                # Those that are tied stay tied.
                setattr(part, name, stacked.setdefault(id(tensor), nn.Parameter(copies)))
            else:
                del part._parameters[name]
                part.register_buffer(name, copies)
