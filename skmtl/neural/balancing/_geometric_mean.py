"""The product of the losses instead of their sum."""

from __future__ import annotations

import torch
from torch import Tensor

from skmtl.neural.balancing._base import LossBalancing
from skmtl.neural.balancing._loss_ops import mean_over, positive


class GeometricMean(LossBalancing):
    r"""Geometric loss strategy: minimises the geometric mean of the losses.

    .. math:: M = \prod_t L_t^{1/T}, \quad w_t = \frac{\partial M}{\partial L_t}
        = \frac{M}{T L_t}

    Relative changes of the losses count alike: scaling a loss scales all weights' products with
    the losses by the same factor.

    References
    ----------
    Chennupati, Sistu, Yogamani and Rawashdeh, "MultiNet++: multi-stream feature aggregation and
    geometric loss strategy for multi-task learning", CVPR Workshops 2019.

    Examples
    --------
    >>> import torch
    >>> from skmtl.neural.balancing import GeometricMean
    >>> GeometricMean().weights(torch.tensor([[1.0, 4.0]]), torch.tensor([[True, True]]))
    tensor([[1.0000, 0.2500]])
    """

    alias = "geometric_mean"

    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """The derivatives over the tasks that have labels."""
        losses = positive(losses)
        mean = torch.exp(mean_over(losses.log(), observed))
        return mean / (observed.sum(dim=1, keepdim=True).clamp(min=1) * losses)
