"""Networks that learn which parts of which layers to share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from skmtl.neural.architectures._cross_stitch import StitchedNetworks
from skmtl.neural.architectures._parameters import PerTask
from skmtl.neural.architectures._stacked import (
    OwnHeads,
    StackedArchitecture,
    StackedNetworks,
    StackedTrunks,
)


class Sluice(StackedArchitecture):
    r"""Cross-stitch between subspaces of the layers, and heads that read all layers [1]_.

    .. math::
        \tilde x_{ti}^l = \sum_{s,j} \alpha_{ti,sj}^l x_{sj}^l, \qquad
        f_t(x) = h_t\Bigl(\sum_l \beta_{tl} \tilde x_t^l\Bigr), \qquad
        \Omega = c \sum_{l,t} \sum_{i<j} \|(W_{ti}^l)' W_{tj}^l\|_F^2

    The units of each hidden layer fall into subspaces i, made by columns :math:`W_{ti}^l` of
    the weights, which the penalty keeps orthogonal: one can be shared and the other kept.
    Hidden layers and :math:`\alpha` are shared, but for the last; :math:`\beta_t` and heads
    belong to the tasks. The L2 penalty ``alpha`` of the estimator leaves :math:`\alpha` and
    :math:`\beta` alone. All hidden layers must have the same size, a multiple of
    ``n_subspaces``. With ``stitch=1``, ``last_layer=1`` and ``orthogonality=0`` the fit starts
    as `Independent` does; with one subspace and ``last_layer=1`` it starts as `CrossStitch`.
    A row of any task passes through all networks: long form costs what wide form does.

    Parameters
    ----------
    n_subspaces : int, default=2
        Parts of each layer.
    stitch : float in [0, 1], default=0.9
        Initial :math:`\alpha_{ti,ti}`; the rest to 1 is spread evenly over the same subspace
        of the other tasks. Between different subspaces :math:`\alpha` starts at 0.
    last_layer : float in [0, 1], default=0.9
        Initial :math:`\beta` of the last layer; the rest to 1 is spread over the others.
    orthogonality : float, default=0.01
        Strength c of the penalty.

    References
    ----------
    .. [1] S. Ruder, J. Bingel, I. Augenstein and A. Søgaard, "Latent multi-task architecture
       learning", AAAI 2019, arXiv 1705.08142.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import Sluice
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP((16, 16), architecture=Sluice(orthogonality=0.1), tol=0.1)
    >>> model.fit(X, y).predict(X).shape
    (200, 2)
    """

    alias = "sluice"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "n_subspaces": [Interval(Integral, 1, None, closed="left")],
        "stitch": [Interval(Real, 0, 1, closed="both")],
        "last_layer": [Interval(Real, 0, 1, closed="both")],
        "orthogonality": [Interval(Real, 0, None, closed="left")],
    }

    def __init__(
        self,
        *,
        n_subspaces: int = 2,
        stitch: float = 0.9,
        last_layer: float = 0.9,
        orthogonality: float = 0.01,
    ) -> None:
        self.n_subspaces = n_subspaces
        self.stitch = stitch
        self.last_layer = last_layer
        self.orthogonality = orthogonality

    def _join(
        self, trunks: StackedTrunks, heads: OwnHeads, outputs_per_task: Sequence[int]
    ) -> StackedNetworks:
        sizes = trunks.sizes
        if len(set(sizes)) > 1:
            raise ValueError(
                f"hidden_layer_sizes={sizes}: Sluice adds up the layers unit by unit, so all "
                "sizes must be equal."
            )
        if any(size % self.n_subspaces for size in sizes):
            raise ValueError(
                f"hidden_layer_sizes={sizes}: Sluice splits layers into "
                f"n_subspaces={self.n_subspaces} parts, so sizes must be multiples of that."
            )
        return SluiceNetworks(trunks, heads, self)


class SluiceNetworks(StitchedNetworks):
    """Stitched networks with heads that read a mixture of the layers."""

    def __init__(self, trunks: StackedTrunks, heads: OwnHeads, settings: Sluice) -> None:
        super().__init__(trunks, heads, settings.stitch, settings.n_subspaces)
        self.mixture = LayerMixture(trunks, settings.last_layer)
        self.n_subspaces = settings.n_subspaces
        self.orthogonality = settings.orthogonality

    def mix(self, layers: list[Tensor]) -> Tensor:
        # Without hidden layers heads read the features.
        return self.mixture(layers[1:]) if len(layers) > 1 else layers[0]

    def penalty(self) -> Tensor | None:
        if not self.orthogonality or self.n_subspaces == 1 or not self.trunks.layers:
            return None
        overlaps = [
            (first.mT @ second).square().sum((1, 2, 3))
            for weight in self.trunks.weights()
            for first, second in combinations(weight.chunk(self.n_subspaces, -1), 2)
        ]
        return torch.stack(overlaps).sum(0) * self.orthogonality


class LayerMixture(PerTask):
    """Sum of the layers of each task, with weights of its own."""

    def __init__(self, trunks: StackedTrunks, last_layer: float) -> None:
        super().__init__()
        n_layers = len(trunks.layers)
        self.last_layer = last_layer if n_layers > 1 else 1.0
        self.mixture = nn.Parameter(torch.zeros(trunks.n_models, trunks.n_tasks, n_layers))

    def initialize(self, model: int, rngs: Sequence[np.random.Generator], gain: float) -> None:
        n_layers = self.mixture.shape[-1]
        with torch.no_grad():
            self.mixture[model] = (1 - self.last_layer) / max(1, n_layers - 1)
            self.mixture[model, :, -1:] = self.last_layer

    def forward(self, layers: list[Tensor]) -> Tensor:
        weights = self.mixture[..., None, None].unbind(2)
        mixed = weights[0] * layers[0]
        for weight, x in zip(weights[1:], layers[1:], strict=True):
            mixed = torch.addcmul(mixed, weight, x)
        return mixed
