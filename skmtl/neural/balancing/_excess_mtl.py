"""Weights by what tasks can still gain."""

from __future__ import annotations

from numbers import Real
from typing import ClassVar

import torch
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from skmtl.neural.balancing._base import JacobianBalancing
from skmtl.neural.balancing._info import BalancingInfo


class ExcessMTL(JacobianBalancing):
    r"""Excess risks: a task with noisy labels has a large loss, but little left to gain.

    What a task can gain is estimated from its gradients g and their squares so far,

    .. math:: E_t = \sum_j \frac{g_{tj}^2}{\sqrt{\sum_{\text{steps}} g_{tj}^2}}, \quad
        w_t \leftarrow w_t \exp(\eta E_t / E_t(0)), \quad \sum_t w_t = T,

    where :math:`E_t(0)` is its first estimate. The step follows :math:`\sum_t w_t g_t`.

    Parameters
    ----------
    learning_rate : float, default=0.01
        :math:`\eta`, of the weights.
    conflict_space : {"shared"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`. In the representation, squares of
        different batches cannot be added.

    References
    ----------
    He, Zhou, Zhang, Zhao and Sun, "Robust multi-task learning with excess risks", ICML 2024,
    eqs. 6, 7 and 9.

    Examples
    --------
    Half of the second gradient is left after nine steps, of the first everything: it counts more.

    >>> import torch
    >>> from skmtl.neural.balancing import BalancingInfo, ExcessMTL
    >>> method = ExcessMTL(learning_rate=0.5)
    >>> method.start(BalancingInfo(seeds=[0], task_keys=[1, 2]))
    >>> gradients, losses, observed = torch.eye(2), torch.ones(2), torch.tensor([True, True])
    >>> for step in range(10):
    ...     if step == 9:
    ...         gradients[1] *= 0.5
    ...     direction = method.direction(0, gradients, losses, observed)
    >>> direction
    tensor([1.0, 0.5])
    """

    alias = "excess_mtl"
    _parameter_constraints: ClassVar = {
        "conflict_space": [StrOptions({"shared"})],
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
    }

    def __init__(self, *, learning_rate: float = 0.01, conflict_space: str = "shared") -> None:
        super().__init__(conflict_space=conflict_space)
        self.learning_rate = learning_rate

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        self._states: list[_State | None] = [None] * info.n_models

    def direction(self, model: int, jacobian: Tensor, losses: Tensor, observed: Tensor) -> Tensor:
        """Gradients weighted by their excess risks."""
        state = self._states[model]
        if state is None:
            state = self._states[model] = _State(jacobian)
        weights = state.update(jacobian, observed, self.learning_rate)
        return torch.where(observed, weights, 0.0) @ jacobian


class _State:
    """What one model remembers of its tasks."""

    def __init__(self, jacobian: Tensor) -> None:
        self.squares = torch.zeros_like(jacobian)
        self.first = jacobian.new_zeros(len(jacobian))
        self.log_weights = jacobian.new_zeros(len(jacobian))

    def update(self, jacobian: Tensor, observed: Tensor, learning_rate: float) -> Tensor:
        """Weights (n_tasks,) of sum n_tasks after a step."""
        squares = jacobian**2
        self.squares += squares
        # Where there never was a gradient there is nothing to gain.
        excess = (squares / torch.where(self.squares > 0, self.squares, 1.0).sqrt()).sum(dim=1)
        known = self.first > 0
        # The first estimate of a task is what later ones are compared with.
        moves = torch.where(known & observed, excess / torch.where(known, self.first, 1.0), 0.0)
        self.first = torch.where(known, self.first, excess)
        self.log_weights += learning_rate * moves
        return len(moves) * torch.softmax(self.log_weights, dim=0)
