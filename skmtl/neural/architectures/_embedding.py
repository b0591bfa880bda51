"""What is trained before a network: columns beside its numbers, and tables for categories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.neural.architectures._layers import place_of_rows
from skmtl.neural.architectures._parameters import Shared


class Embedding(nn.Module):
    """From inputs (n_models, n, n_inputs) to what the network reads, (n_models, n, n_outputs).

    Parameters
    ----------
    n_models : int
        Number of networks side by side.
    n_inputs : int
        Numbers of a row: first those that are scaled, at the end a number for the category of each
        table.
    n_numbers : int
        How many are scaled.
    numeric : object with a method ``layer`` or None
        Makes the module that maps these to further columns.
    tables : sequence of int
        How many rows each table has.
    width : int
        Numbers that stand for a category.
    """

    def __init__(
        self,
        n_models: int,
        n_inputs: int,
        n_numbers: int,
        numeric: Any,
        tables: Sequence[int],
        width: int,
    ) -> None:
        super().__init__()
        self.numeric = None if numeric is None else numeric.layer(n_models, n_numbers)
        self.tables = nn.ModuleList(CategoryTable(n_models, size, width) for size in tables)
        self.n_numbers, self.n_plain = n_numbers, n_inputs - len(tables)
        self.n_outputs = self.n_plain + width * len(tables)
        if self.numeric is not None:
            self.n_outputs += self.numeric.n_outputs

    def forward(self, X: Tensor) -> Tensor:
        parts = [X[..., : self.n_plain]]
        if self.numeric is not None:
            parts.append(self.numeric(X[..., : self.n_numbers]))
        codes = X[..., self.n_plain :].unbind(-1)
        parts += [table(code) for table, code in zip(self.tables, codes, strict=True)]
        return torch.cat(parts, -1)

    @property
    def has_gradients(self) -> bool:
        """Whether its gradients are written out: those of a numeric layer need not be."""
        return self.numeric is None or hasattr(self.numeric, "gradient")

    def gradients(self, X: Tensor, made: Tensor, g: Tensor) -> list[Tensor]:
        """Gradients of the parameters from those by what they made, written out.

        Parameters
        ----------
        X : Tensor of shape (n_models, n, n_inputs)
            The inputs.
        made : Tensor of shape (n_models, n, n_outputs)
            What came of them.
        g : Tensor of shape (n_copies, n_models, n, n_outputs - n_plain)
            Gradients by the columns of it that are no inputs.

        Returns
        -------
        found : list of Tensor of shape (n_copies, n_models, ...)
            As `parameters`.
        """
        found, start = [], 0
        numeric: Any = self.numeric
        if numeric is not None:
            start = numeric.n_outputs
            columns = made[..., self.n_plain : self.n_plain + start]
            found.append(numeric.gradient(X[..., : self.n_numbers], columns, g[..., :start]))
        for code, table in zip(X[..., self.n_plain :].unbind(-1), self.tables, strict=True):
            assert isinstance(table, CategoryTable)
            width = table.weight.shape[-1]
            found.append(table.gradient(code, g[..., start : start + width]))
            start += width
        return found

    def initialize(self, model: int, rng: np.random.Generator) -> None:
        """Draw the parameters of one model."""
        for module in self.modules():
            if isinstance(module, Shared):
                module.initialize(model, rng, 1.0)


class CategoryTable(Shared):
    """A vector for each category, which starts at zero: as one that was never seen."""

    def __init__(self, n_models: int, n_categories: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, n_categories, width))

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        with torch.no_grad():
            self.weight[model] = 0.0

    def forward(self, codes: Tensor) -> Tensor:
        """From (n_models, n) to (n_models, n, width)."""
        rows = place_of_rows(codes.long(), self.weight.shape[1])
        return self.weight.flatten(0, 1).index_select(0, rows).unflatten(0, codes.shape)

    def gradient(self, codes: Tensor, g: Tensor) -> Tensor:
        """Sums (n_copies, n_models, n_categories, width) of those of the rows of each category."""
        found = g.new_zeros(len(g), *self.weight.shape)
        rows = place_of_rows(codes.long(), self.weight.shape[1])
        found.flatten(1, 2).index_add_(1, rows, g.flatten(1, 2))
        return found
