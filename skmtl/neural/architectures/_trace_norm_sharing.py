"""Networks whose stacked weights are pulled to low rank."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from skmtl.neural.architectures._stacked import (
    OwnHeads,
    StackedArchitecture,
    StackedNetworks,
    StackedTrunks,
)

# Singular values are smoothed where they are smaller than this share of the largest: in
# float32 the squared ones that they are computed from have no digits there.
SMOOTHING = 1e-3


class TraceNormSharing(StackedArchitecture):
    r"""Each task has a network of its own; their stacked weights are pulled to low rank [1]_.

    .. math:: \Omega = \lambda \sum_l \|\mathrm{unfold}(W_l)\|_*, \qquad
              W_l \in \mathbb{R}^{n_{in} \times n_{out} \times n_{tasks}}

    with the sum :math:`\|\cdot\|_*` of the singular values. "last_axis" unfolds each layer to
    (n_in n_out, n_tasks): few networks, combined, make up those of all tasks. "tucker" adds
    the sums of all three unfoldings: units in and out are combined of few, too.
    Near zero a singular value s counts as :math:`\sqrt{s^2 + \epsilon^2}`, with epsilon a
    thousandth of the matrix, so that the penalty has a gradient; ranks then become small in
    the numerical sense, not exactly. Biases and heads are free. ``strength=0`` is
    `Independent`. No parameter is shared: the penalty couples the networks, the losses do not.

    Parameters
    ----------
    strength : float, default=0.001
        :math:`\lambda`.
    unfold : {"last_axis", "tucker"}, default="last_axis"
        Unfoldings whose singular values are penalised.

    References
    ----------
    .. [1] Y. Yang and T. M. Hospedales, "Trace norm regularised deep multi-task learning",
       ICLR workshop 2017, arXiv 1606.04038.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import TraceNormSharing
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP((16,), architecture=TraceNormSharing(unfold="tucker"), tol=0.1)
    >>> model.fit(X, y).predict(X).shape
    (200, 2)
    """

    alias = "trace_norm_sharing"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": [Interval(Real, 0, None, closed="left")],
        "unfold": [StrOptions({"last_axis", "tucker"})],
    }

    def __init__(self, *, strength: float = 0.001, unfold: str = "last_axis") -> None:
        self.strength = strength
        self.unfold = unfold

    def _join(
        self, trunks: StackedTrunks, heads: OwnHeads, outputs_per_task: Sequence[int]
    ) -> StackedNetworks:
        axes = (1,) if self.unfold == "last_axis" else (1, 2, 3)
        return LowRankNetworks(trunks, heads, self.strength, axes)


class LowRankNetworks(StackedNetworks):
    """Networks with the trace norms of their stacked weights as penalty."""

    def __init__(
        self, trunks: StackedTrunks, heads: OwnHeads, strength: float, axes: Sequence[int]
    ) -> None:
        super().__init__(trunks, heads)
        self.strength = strength
        self.axes = tuple(axes)

    def penalty(self) -> Tensor | None:
        """Unfoldings are (n_models, size of the axis, everything else)."""
        norms = [
            trace_norm(weight.movedim(axis, 1).flatten(2))
            for weight in self.trunks.weights()
            for axis in self.axes
        ]
        return torch.stack(norms).sum(0) * self.strength if self.strength and norms else None


def trace_norm(W: Tensor) -> Tensor:
    """Smoothed sums (n_models,) of the singular values of matrices (n_models, n, m)."""
    gramian = W @ W.mT if W.shape[1] <= W.shape[2] else W.mT @ W
    # Eigenvalues of NaN are an error; a norm that is NaN leaves it to the training to stop.
    is_finite = gramian.isfinite().flatten(1).all(1)
    gramian = torch.where(is_finite[:, None, None], gramian, 0.0)
    squares = torch.linalg.eigvalsh(gramian).clamp_min(0)
    tiny = torch.finfo(W.dtype).tiny
    floor = SMOOTHING**2 * squares.sum(-1, keepdim=True) + tiny
    return torch.where(is_finite, (squares + floor).sqrt().sum(-1), torch.nan)
