"""Weights drawn anew in each step."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from skmtl.neural.balancing._base import LossBalancing
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.neural.balancing._loss_ops import softmax_over
from skmtl.neural.balancing._task_random import TaskRandom


class RandomWeights(LossBalancing):
    r"""Random loss weighting: a baseline that other methods should beat.

    .. math:: w = \operatorname{softmax}(z), \quad z_t \sim N(0, 1)

    On average all tasks count alike, :math:`1 / T`.

    References
    ----------
    Lin, Ye, Zhang and Tsang, "Reasonable effectiveness of random weighting: a litmus test for
    multi-task learning", TMLR 2022, algorithm 2.

    Examples
    --------
    Each step draws anew:

    >>> import torch
    >>> from skmtl.neural.balancing import BalancingInfo, RandomWeights
    >>> method = RandomWeights()
    >>> method.start(BalancingInfo(seeds=[0], task_keys=[1, 2, 3]))
    >>> losses, observed = torch.ones(1, 3), torch.tensor([[True, True, False]])
    >>> for _ in range(2):
    ...     print(method.weights(losses, observed))
    tensor([[0.5641, 0.4359, 0.0000]])
    tensor([[0.6549, 0.3451, 0.0000]])
    """

    alias = "random_weights"

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._draws = TaskRandom(info.seeds, info.task_keys)

    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """Weights of sum 1 over the tasks that have labels."""
        drawn = np.stack([self._draws.for_tasks(model) for model in range(len(losses))])
        return softmax_over(losses.new_tensor(drawn), observed)
