"""One sign for each entry of the step."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import numpy as np
import torch
from sklearn.utils._param_validation import Interval
from torch import Tensor

from skmtl.neural.balancing._base import JacobianBalancing
from skmtl.neural.balancing._info import BalancingInfo

# Tasks looked at in one go: their gradients should not need much new memory.
TOGETHER = 8


class GradDrop(JacobianBalancing):
    r"""Gradient sign dropout: where tasks disagree on a sign, one sign is drawn and kept.

    Entry by entry, with the sum and the absolute sum over tasks of their gradients,

    .. math:: P = \tfrac12 \Big( 1 + \frac{\sum_t g_t}{\sum_t |g_t|} \Big), \quad
        M_t = [P > U][g_t > 0] + [P < U][g_t < 0], \quad U \sim \text{uniform}(0, 1)

    the step follows :math:`\sum_t (\ell + (1 - \ell) M_t) g_t`. Entries whose signs agree are
    never dropped.

    Parameters
    ----------
    leak : float, default=0.0
        :math:`\ell`, the part of the gradients that is exempt; 1 gives their sum.
    conflict_space : {"shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`. The paper drops in the
        representation, between trunk and heads.

    References
    ----------
    Chen, Ngiam, Huang, Luong, Kretzschmar, Chai and Anguelov, "Just pick a sign: optimizing deep
    multitask models with gradient sign dropout", NeurIPS 2020, algorithm 1.

    Examples
    --------
    The signs agree in the first entry, which is summed. In the second, one of the two is kept:

    >>> import torch
    >>> from skmtl.neural.balancing import BalancingInfo, GradDrop
    >>> method = GradDrop()
    >>> method.start(BalancingInfo(seeds=[0], task_keys=[1, 2]))
    >>> gradients = torch.tensor([[1.0, 3.0], [2.0, -3.0]])
    >>> for _ in range(3):
    ...     print(method.direction(0, gradients, torch.ones(2), torch.tensor([True, True])))
    tensor([ 3., -3.])
    tensor([3., 3.])
    tensor([3., 3.])
    """

    alias = "graddrop"
    _parameter_constraints: ClassVar = {
        **JacobianBalancing._parameter_constraints,
        "leak": [Interval(Real, 0, 1, closed="both")],
    }

    def __init__(self, *, leak: float = 0.0, conflict_space: str = "shared") -> None:
        super().__init__(conflict_space=conflict_space)
        self.leak = leak

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._generators = [np.random.default_rng(seed) for seed in info.seeds]

    def direction(self, model: int, jacobian: Tensor, losses: Tensor, observed: Tensor) -> Tensor:
        """The sum of the gradients, without what was dropped."""
        # Gradients of tasks without labels are zero: they have no sign to count.
        total, positive = jacobian.new_zeros(2, jacobian.shape[1])
        for rows in jacobian.split(TOGETHER):
            total += rows.sum(dim=0)
            positive += rows.clamp(min=0).sum(dim=0)
        negative = total - positive
        size = positive - negative
        chance = positive / size.clamp(min=torch.finfo(size.dtype).tiny)
        # In float32, which never rounds to 1: an entry where all are positive is always kept.
        drawn = self._generators[model].random(jacobian.shape[1], dtype=np.float32)
        is_positive = chance > torch.from_numpy(drawn).to(jacobian)
        kept = torch.where(is_positive, positive, negative)
        return self.leak * total + (1 - self.leak) * kept
