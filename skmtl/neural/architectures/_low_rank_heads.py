"""Heads that are combinations of a few directions."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule
from skmtl.neural.architectures._hard_sharing import Heads, Trunk, TrunkWithHeads
from skmtl.neural.architectures._parameters import Shared, glorot
from skmtl.neural.architectures._spec import NetworkSpec


class LowRankHeads(Architecture):
    r"""All tasks share the trunk and a few directions; heads combine these.

    .. math:: f_t(x) = e_t' U' \phi(x) + b_t

    with the trunk :math:`\phi` and shared directions U of shape (width, rank): the weights of
    all linear heads together, U E, have rank ``rank`` at most (the reduced-rank regression of
    [1]_ on learned features; [2]_ for classifiers of tasks). A task then costs ``rank``
    weights per output instead of the width of the trunk, which is made for thousands of tasks
    with few labels; in long form memory grows with the rows, not with rows times tasks. With
    ``head_hidden_layer_sizes`` the first layer of the heads is the one of low rank. Trunk and
    U are shared; each :math:`e_t` and :math:`b_t` belongs to its task. A rank of at least the
    width can represent `HardSharing`.

    Parameters
    ----------
    rank : int, default=16
        Number of directions.

    References
    ----------
    .. [1] A. J. Izenman, "Reduced-rank regression for the multivariate linear model", Journal
       of Multivariate Analysis 5, 1975.
    .. [2] Y. Amit, M. Fink, N. Srebro and S. Ullman, "Uncovering shared structures in
       multiclass classification", ICML 2007.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressor
    >>> from skmtl.neural.architectures import LowRankHeads
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.tanh(X[:, :2]) @ rng.normal(size=(2, 40))
    >>> model = MultiTaskMLPRegressor((32,), architecture=LowRankHeads(rank=2), tol=0.1)
    >>> model.fit(X, y).predict(X).shape
    (200, 40)
    """

    alias = "low_rank_heads"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "rank": [Interval(Integral, 1, None, closed="left")]
    }

    def __init__(self, *, rank: int = 16) -> None:
        self.rank = rank

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make a trunk, directions and heads; see `Architecture.build`."""
        self._validate_params()
        widths = spec.widths
        trunk = nn.Sequential(
            Trunk(spec.n_models, widths, *spec.style),
            Directions(spec.n_models, widths[-1], self.rank),
        )
        heads = Heads(
            spec.n_models,
            self.rank,
            spec.outputs_per_task,
            spec.head_hidden_layer_sizes,
            *spec.style,
        )
        return TrunkWithHeads(trunk, heads)


class Directions(Shared):
    """Linear map of each model, without a bias: heads have theirs."""

    def __init__(self, n_models: int, width: int, rank: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_models, width, rank))

    def initialize(self, model: int, rng: np.random.Generator, gain: float) -> None:
        width, rank = self.weight.shape[1:]
        with torch.no_grad():
            self.weight[model] = torch.from_numpy(glorot(rng, rank, width, gain)[0].T)

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(x, self.weight)
