"""What a network reads of a row, in its graph: see `skmtl.neural.inputs`."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from skmtl.export._module import Module
from skmtl.export._predictor import buffer
from skmtl.export._transformers import transformer_module
from skmtl.neural.inputs._inputs import Inputs
from skmtl.neural.inputs._parts import Codes, Embedded, Missing, OneHot
from skmtl.neural.inputs._scaling import FAR, LIMIT


class InputsModule(Module):
    """`Inputs.transform`."""

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        self.numbers = None if inputs.numbers is None else inputs.numbers.tolist()
        self.scaling = None if inputs.scaling is None else ScalingModule(inputs.scaling)
        self.parts = nn.ModuleList(_part(part) for part in inputs.parts)

    def forward(self, X: Tensor) -> Tensor:
        if self.scaling is None:
            return X
        Z = self.scaling(X if self.numbers is None else X[:, self.numbers])
        return torch.cat([Z, *(part(X, Z) for part in self.parts)], dim=-1)


class ScalingModule(Module):
    """`Scaling.apply`: what is missing is in the centre."""

    def __init__(self, scaling: Any) -> None:
        super().__init__()
        self.register_buffer("center", buffer(scaling.center))
        has_factor = scaling.factor is not None
        self.register_buffer("factor", buffer(scaling.factor) if has_factor else None)
        self.clips = scaling.clips

    def forward(self, X: Tensor) -> Tensor:
        if self.factor is None:
            return X.where(~X.isnan(), self.center)
        Z = (X - self.center) * self.factor
        if self.clips:
            Z = Z.clamp(-FAR, FAR)
            Z = Z / (1.0 + (Z / LIMIT) ** 2).sqrt()
        return Z.masked_fill(Z.isnan(), 0.0)


class MissingModule(Module):
    """1 where a number is missing."""

    def __init__(self, part: Missing) -> None:
        super().__init__()
        self.columns = part.columns.tolist()

    def forward(self, X: Tensor, Z: Tensor) -> Tensor:
        return X[:, self.columns].isnan().to(X.dtype)


class OneHotModule(Module):
    """A column for each category."""

    def __init__(self, part: OneHot) -> None:
        super().__init__()
        self.column, self.n_columns = part.column, part.n_columns
        self.register_buffer("place", buffer(part.place))

    def positions(self, X: Tensor) -> Tensor:
        codes = X[:, self.column]
        return self.place[codes.masked_fill(codes.isnan(), float(len(self.place) - 1)).long()]

    def forward(self, X: Tensor, Z: Tensor) -> Tensor:
        columns = torch.arange(self.n_columns, device=X.device)
        return (self.positions(X)[:, None] == columns).to(X.dtype)


class CodesModule(OneHotModule):
    """The number of the category."""

    def __init__(self, part: Codes) -> None:
        super().__init__(part)
        self.last = part.n_rows - 1

    def forward(self, X: Tensor, Z: Tensor) -> Tensor:
        position = self.positions(X)
        return position.where(position >= 0, self.last)[:, None].to(X.dtype)


class EmbeddedModule(Module):
    """Columns that a transformer makes of the scaled numbers."""

    def __init__(self, part: Embedded) -> None:
        super().__init__()
        self.transformer = transformer_module(part.embedding)
        self.register_buffer("center", buffer(part.center))
        self.register_buffer("factor", buffer(part.factor))

    def forward(self, X: Tensor, Z: Tensor) -> Tensor:
        return (self.transformer(Z) - self.center) * self.factor


def _part(part: Any) -> nn.Module:
    # A table of codes is a kind of one-hot columns.
    kinds: dict[Any, Any] = {
        Missing: MissingModule,
        OneHot: OneHotModule,
        Codes: CodesModule,
        Embedded: EmbeddedModule,
    }
    module: nn.Module = kinds[type(part)](part)
    return module
