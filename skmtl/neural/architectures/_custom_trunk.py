"""A trunk of the user's: any module that maps a row to a vector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.neural.architectures._layers import Dropout, Shared


class OwnTrunk(Shared):
    """``n_models`` modules of one factory, side by side.

    One module holds the parameters and buffers of all, each with a leading model dimension,
    and is called with those of one model at a time. Parameters that the factory has frozen
    (``requires_grad=False``) become buffers: they are kept, and stay as they are.

    Parameters
    ----------
    n_models : int
        Number of networks.
    factory : callable
        Makes a module that maps (n, *shape) to (n, width).
    shape : tuple of int
        Shape of a row.
    """

    def __init__(
        self, n_models: int, factory: Callable[[], nn.Module], shape: Sequence[int]
    ) -> None:
        super().__init__()
        self.factory, self.shape = factory, tuple(shape)
        self.module, self.width = made(factory, self.shape, seed=0)
        # Holds generators only, one a model, for what is random in the user's module.
        self.noise = Dropout(0.0)
        _stack(self.module, n_models)

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        fresh, _ = made(self.factory, self.shape, seed=int(rng.integers(2**62)))
        values = {
            **dict(fresh.named_parameters(remove_duplicate=False)),
            **dict(fresh.named_buffers()),
        }
        with torch.no_grad():
            for name, stacked in _tensors(self.module):
                stacked[model] = values[name]

    def forward(self, X: Tensor) -> Tensor:
        # Batch normalisation refuses to learn from one row: it is read as in prediction then.
        is_alone = self.training and X.shape[1] == 1
        self.module.train(self.training and not is_alone)
        found = [
            self._call(model, x) for model, x in enumerate(X.reshape(*X.shape[:2], *self.shape))
        ]
        return torch.stack(found)

    def _call(self, model: int, x: Tensor) -> Tensor:
        tensors = {name: tensor[model] for name, tensor in _tensors(self.module)}
        is_random = self.training and self.noise.generators
        with drawing_from(self.noise.generators[model]) if is_random else nullcontext():
            found: Tensor = torch.func.functional_call(self.module, tensors, (x,))
        return found


def made(
    factory: Callable[[], nn.Module], shape: Sequence[int], seed: int
) -> tuple[nn.Module, int]:
    """A new module of the factory, initialised from the seed, and the width of its output.

    Raises
    ------
    ValueError
        If the module does not give one vector a row.
    """
    with drawing_from(torch.Generator().manual_seed(seed)), torch.no_grad():
        module = factory()
        module.eval()
        # The dry run also fills the parameters of lazy modules.
        try:
            found = module(torch.zeros(1, *shape))
        except Exception as error:
            error.add_note(f"It was raised by trunk={factory!r} for one row of shape {shape}.")
            raise
    if found.ndim != 2 or len(found) != 1:
        raise ValueError(
            f"trunk={factory!r} maps rows of shape (1, {', '.join(map(str, shape))}) to shape "
            f"{tuple(found.shape)}; expected (1, width): let it end with torch.nn.Flatten()."
        )
    return module.train(), found.shape[1]


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let torch's global generator be this one, and then again what it was."""
    is_cuda = generator.device.type == "cuda"
    with torch.random.fork_rng([generator.device] if is_cuda else []):
        index = generator.device.index or 0
        common = torch.cuda.default_generators[index] if is_cuda else torch.default_generator
        common.set_state(generator.get_state())
        yield
        generator.set_state(common.get_state())


def _tensors(module: nn.Module) -> list[tuple[str, Tensor]]:
    return [*module.named_parameters(), *module.named_buffers()]


def _stack(module: nn.Module, n_models: int) -> None:
    """Give every tensor of a module a leading model dimension; frozen ones become buffers."""
    stacked: dict[int, nn.Parameter] = {}
    for part in module.modules():
        for name, tensor in [*part._parameters.items(), *part._buffers.items()]:
            if tensor is None:
                continue
            copies = tensor.detach().expand(n_models, *tensor.shape).clone()
            if not isinstance(tensor, nn.Parameter):
                part._buffers[name] = copies
            elif tensor.requires_grad:
                # Those that are tied stay tied.
                setattr(part, name, stacked.setdefault(id(tensor), nn.Parameter(copies)))
            else:
                del part._parameters[name]
                part.register_buffer(name, copies)
