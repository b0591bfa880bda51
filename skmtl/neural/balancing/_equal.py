"""No balancing: the sum of the losses."""

from __future__ import annotations

from torch import Tensor

from skmtl.neural.balancing._base import LossBalancing


class Equal(LossBalancing):
    r"""All tasks count alike: :math:`\sum_t L_t`.

    Regression targets are standardised and every loss is a mean over the labels of its task,
    so that neither units nor numbers of labels decide which task is heard.

    Examples
    --------
    >>> import torch
    >>> from skmtl.neural.balancing import Equal
    >>> Equal().weights(torch.tensor([[0.5, 4.0]]), torch.tensor([[True, True]]))
    tensor([[1., 1.]])
    """

    alias = "equal"
    is_constant = True

    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """One for each task."""
        return losses.new_ones(losses.shape)
