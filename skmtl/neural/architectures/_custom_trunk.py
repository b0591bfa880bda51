"""A trunk of the user's: any module that maps a row to a vector."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from skmtl.neural.architectures._side_by_side import SideBySide, drawn


class CustomTrunk(SideBySide):
    """``n_models`` trunks of one factory, side by side.

    Parameters
    ----------
    n_models : int
        Number of networks.
    factory : callable
        Makes a module that maps (n, *shape) to (n, width); is told the number of features (or
        the shape of a row) if it has a parameter for it.
    shape : tuple of int
        Shape of a row.
    """

    def __init__(
        self, n_models: int, factory: Callable[..., nn.Module], shape: Sequence[int]
    ) -> None:
        make = _TrunkFactory(factory, tuple(shape))
        super().__init__(n_models, make, drawn(make, 0))
        self.shape, self.width = make.shape, make.width

    def forward(self, X: Tensor) -> Tensor:
        self.set_mode(X.shape[1])
        rows = X.reshape(*X.shape[:2], *self.shape)
        return torch.stack([self.call(model, x) for model, x in enumerate(rows)])


class _TrunkFactory:
    """The factory of the user, with a dry run: it also fills the parameters of lazy modules.

    Raises
    ------
    ValueError
        If the module does not give one vector per row.
    """

    def __init__(self, factory: Callable[..., nn.Module], shape: tuple[int, ...]) -> None:
        self.factory, self.shape, self.width = factory, shape, 0

    def __call__(self) -> nn.Module:
        module = _with_features(self.factory, self.shape)
        if not isinstance(module, nn.Module):
            raise ValueError(
                f"trunk={self.factory!r} returned {module!r}; expected a torch.nn.Module."
            )
        module.eval()
        try:
            found = module(torch.zeros(1, *self.shape))
        except Exception as error:
            error.add_note(
                f"It was raised by trunk={self.factory!r} for one row of shape {self.shape}."
            )
            raise
        if found.ndim != 2 or len(found) != 1:
            raise ValueError(
                f"trunk={self.factory!r} maps rows of shape "
                f"(1, {', '.join(map(str, self.shape))}) to shape {tuple(found.shape)}; expected "
                "(1, width): let it end with torch.nn.Flatten()."
            )
        self.width = found.shape[1]
        return module.train()


def _with_features(factory: Callable[..., nn.Module], shape: tuple[int, ...]) -> nn.Module:
    """A module, of a factory with a parameter ``n_features``, a required one, or none."""
    n_features = shape[0] if len(shape) == 1 else shape
    try:
        parameters = inspect.signature(factory).parameters
    except ValueError:
        return factory()
    if "n_features" in parameters:
        return factory(n_features=n_features)
    required = [
        p
        for p in parameters.values()
        if p.default is p.empty and p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}
    ]
    return factory(n_features) if len(required) == 1 else factory()
