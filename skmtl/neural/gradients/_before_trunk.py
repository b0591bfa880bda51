r"""An embedding before the trunk, its gradients written out.

What the trunk reads is X beside columns E that are trained. From the gradients
:math:`\Delta_1` by the sums of the first layer, and D by raw scores where a linear path S leads
past the trunk, follow

.. math:: \nabla E = \Delta_1 W_1' + c D S

in the rows of :math:`W_1` and the columns of S that belong to E. The layers that made E know the
rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl.neural.architectures._embedding import Embedding
from skmtl.neural.gradients._compiled import by_task

Array = NDArray[Any]


class BeforeTrunk:
    """What is trained before a trunk.

    Parameters
    ----------
    embedding : Embedding
        With `gradients`.
    reader : ndarray of shape (n_models, n_units, n_read)
        Weights of the first layer of the trunk, which follow the fit.
    past : ndarray of shape (n_models, n_outputs, n_read) or None
        Those of the linear path.
    factor : float
        What the linear path is slowed down by.
    """

    def __init__(
        self, embedding: Embedding, reader: Array, past: Array | None, factor: float
    ) -> None:
        self.embedding = embedding
        self.reader = reader[..., embedding.n_plain :]
        self.past = None if past is None else past[..., embedding.n_plain :]
        self.factor = factor

    def forward(self, X: Tensor) -> Array:
        """What the trunk reads."""
        self.X = X
        with torch.no_grad():
            self.made = self.embedding(X)
        array: Array = self.made.numpy()
        return array

    def gradients(self, slopes: Array, D: Array | None) -> list[Tensor]:
        """Those of a loss, (n_models, ...), in the order of the parameters."""
        g = np.matmul(slopes, self.reader)
        if self.past is not None and D is not None:
            g += self.factor * np.matmul(D, self.past)
        return [found[0] for found in self._of_parameters(g[None])]

    def gradients_of_tasks(self, slopes: Array, D: Array, starts: Array) -> list[Tensor]:
        """Those of the losses of some tasks: (n_tasks, n_models, ...).

        ``starts`` are where their columns of D begin, and where those of the last end.
        """
        g = np.matmul(slopes, self.reader)
        if self.past is not None:
            past = np.empty_like(g)
            by_task(D, self.factor * self.past, starts, 0, past)
            g += past
        return self._of_parameters(g)

    @torch.no_grad()
    def _of_parameters(self, g: Array) -> list[Tensor]:
        found: list[Tensor] = self.embedding.gradients(self.X, self.made, torch.from_numpy(g))
        return found
