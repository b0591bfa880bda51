"""What is done to the units of a layer: activations, and dropout."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from skmtl.neural.architectures._noise import Masks

Array = NDArray[Any]

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda x: x,
    "logistic": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "silu": nn.functional.silu,
    "gelu": nn.functional.gelu,
}


class Draws(nn.Module):
    """A part of the networks that draws in training: what each model draws is its own.

    ``place`` says how far the draws have come; it may be set.
    """

    place: Any

    @abstractmethod
    def seed(self, seeds: Sequence[int], device: torch.device) -> None:
        """Start, with a seed for each model."""


class Generators(Draws):
    """One of torch's generators for each model."""

    def __init__(self) -> None:
        super().__init__()
        self.generators: list[torch.Generator] = []

    def seed(self, seeds: Sequence[int], device: torch.device) -> None:
        self.generators = [torch.Generator(device).manual_seed(seed) for seed in seeds]

    @property
    def place(self) -> Any:
        return [generator.get_state() for generator in self.generators]

    @place.setter
    def place(self, states: Any) -> None:
        for generator, state in zip(self.generators, states, strict=True):
            generator.set_state(state)


class Dropout(Draws):
    """Dropout.

    ``probability`` is that of all models, or a sequence of as many as there are; ``rows`` is the
    axis of units along which rows lie, perhaps several copies of all; ``is_own`` says that it is a
    setting of the architecture, and not the dropout of the estimator. ``part`` says which rows of a
    batch the units are of, where others are elsewhere: of the same draws as if all were here.
    """

    part: Any = None

    def __init__(
        self, probability: float | Sequence[float], *, rows: int = -2, is_own: bool = False
    ) -> None:
        super().__init__()
        self.masks = Masks(probability)
        self.rows, self.is_own = rows, is_own

    @property
    def probability(self) -> float | Sequence[float]:
        """Share of the units that are left out; may be set."""
        return self.masks.probability

    @probability.setter
    def probability(self, probability: float | Sequence[float]) -> None:
        self.masks = Masks(probability, self.masks.keys)

    def seed(self, seeds: Sequence[int], device: torch.device) -> None:
        self.masks = Masks(self.probability, seeds)

    @property
    def place(self) -> Any:
        return self.masks.n_drawn

    @place.setter
    def place(self, n_drawn: Any) -> None:
        self.masks.n_drawn = n_drawn

    @property
    def is_silent(self) -> bool:
        """Whether no unit is left out, of any model."""
        return not (self.training and self.masks.leave_out_some)

    def mask(self, x: Tensor) -> Tensor | None:
        """Factors of units like ``x``: 0 for those left out; None where none is."""
        if self.is_silent:
            return None
        if self.part is None:
            return self.masks.next_like(x)
        part, axis = self.part, self.rows % x.ndim
        n_rows = part.stop - part.start
        shape = [*x.shape[:axis], x.shape[axis] // n_rows, part.n_rows, *x.shape[axis + 1 :]]
        of_all = self.masks.next_like(x.new_empty(shape))
        return of_all.narrow(axis + 1, part.start, n_rows).flatten(axis, axis + 1)

    def leave_out(self, units: Array, slopes: Array) -> None:
        """Multiply units, in place, by what `mask` would have been, and their derivatives."""
        if self.is_silent:
            return
        # Rows are the first axis of those of a model.
        width = units.shape[-1]
        before, after = 0, 0
        if self.part is not None:
            before, after = self.part.start, self.part.n_rows - self.part.stop
        self.masks.n_drawn += before * width
        self.masks.apply(units, slopes)
        self.masks.n_drawn += after * width

    def forward(self, x: Tensor) -> Tensor:
        mask = self.mask(x)
        return x if mask is None else x * mask
