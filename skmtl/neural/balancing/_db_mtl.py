"""Logarithms of losses, and gradients of one length."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from skmtl.neural.balancing._base import JacobianBalancing
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.neural.balancing._loss_ops import positive


class DBMTL(JacobianBalancing):
    r"""Dual balancing: of the scales of the losses and of the lengths of the gradients.

    The gradients of the logarithms of the losses are averaged over the steps k,

    .. math:: \hat g_t \leftarrow \beta_k \hat g_t + (1 - \beta_k) \frac{g_t}{L_t}, \quad
        \beta_k = \beta / \sqrt{k},

    and all brought to the length of the longest:

    .. math:: d = \max_s \|\hat g_s\| \sum_t \hat g_t / \|\hat g_t\|

    Scaling a loss changes nothing.

    Parameters
    ----------
    beta : float, default=0.9
        What earlier steps count, at first; 0 forgets them. The paper searches it per data set.
    conflict_space : {"shared"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`. In the representation, gradients
        of different batches cannot be averaged.

    References
    ----------
    Lin, Jiang, Ye, Zhang, Chen, Chen, Liu, Tsang and Kwok, "Dual-balancing for multi-task
    learning", Neural Networks, 2025 (arXiv 2308.12029).

    Examples
    --------
    A gradient that is a hundred times as long as the other counts as much:

    >>> import torch
    >>> from skmtl.neural.balancing import DBMTL, BalancingInfo
    >>> method = DBMTL(beta=0.0)
    >>> method.start(BalancingInfo(seeds=[0], task_keys=[1, 2]))
    >>> gradients = torch.tensor([[100.0, 0.0], [0.0, 1.0]])
    >>> method.direction(0, gradients, torch.ones(2), torch.tensor([True, True]))
    tensor([100., 100.])
    """

    alias = "db_mtl"
    _parameter_constraints: ClassVar = {
        "conflict_space": [StrOptions({"shared"})],
        "beta": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(self, *, beta: float = 0.9, conflict_space: str = "shared") -> None:
        super().__init__(conflict_space=conflict_space)
        self.beta = beta

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._averages: list[Tensor | None] = [None] * info.n_models
        self._n_steps: list[Tensor | None] = [None] * info.n_models

    def direction(self, model: int, jacobian: Tensor, losses: Tensor, observed: Tensor) -> Tensor:
        """Sum of the averages of the tasks that have labels, all as long as the longest."""
        average, n_steps = self._averages[model], self._n_steps[model]
        if average is None or n_steps is None:
            average, n_steps = torch.zeros_like(jacobian), jacobian.new_zeros(len(jacobian))
        n_steps = n_steps + observed
        gradients = jacobian / positive(losses)[:, None]
        kept = (self.beta / n_steps.clamp(min=1).sqrt())[:, None]
        average = torch.where(observed[:, None], kept * average + (1 - kept) * gradients, average)
        self._averages[model], self._n_steps[model] = average, n_steps
        lengths = average.norm(dim=1) * observed
        inverse = torch.where(lengths > 0, 1 / lengths, 0.0)
        return lengths.max() * (inverse @ average)
