"""Weights that stay as they are."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from skmtl.neural.balancing._base import Array, LossBalancing
from skmtl.neural.balancing._info import BalancingInfo
from skmtl.tasks._by_name import by_task


class Static(LossBalancing):
    r"""Given weights: :math:`\sum_t w_t L_t` for what the tasks share.

    Heads learn as ever, unlike with the estimator's ``task_weight``, which also weighs their
    losses, the mean over tasks that decides on stopping, and scores.

    Parameters
    ----------
    weight : array-like of shape (n_tasks,) or dict {task name: weight}, default=None
        Weights of the tasks, in their order or, as a dict or Series, by name; all 1 by default.
    normalize : bool, default=False
        Whether to divide the weights by their mean.

    Examples
    --------
    >>> import torch
    >>> from skmtl.neural.balancing import BalancingInfo, Static
    >>> method = Static([3.0, 1.0], normalize=True)
    >>> method.start(BalancingInfo(seeds=[0], task_keys=[1, 2]))
    >>> method.weights(torch.tensor([[0.5, 4.0]]), torch.tensor([[True, True]]))
    tensor([[1.5000, 0.5000]])
    """

    alias = "static"
    per_task: ClassVar = {"weight": by_task}
    _parameter_constraints: ClassVar = {
        "weight": ["array-like", dict, None],
        "normalize": ["boolean"],
    }

    def __init__(self, weight: Any = None, *, normalize: bool = False) -> None:
        self.weight = weight
        self.normalize = normalize

    def for_tasks(self, members: Array, n_tasks: int) -> Static:
        """The weights of some of the tasks.

        Parameters
        ----------
        members : ndarray of int
            Positions of the tasks that are left.
        n_tasks : int
            Number of tasks before.

        Returns
        -------
        method : Static
            With the weights of these tasks.
        """
        weight = self.weight
        if weight is not None and len(weight) == n_tasks:
            weight = np.asarray(weight)[members]
        return Static(weight, normalize=self.normalize)

    def start(self, info: BalancingInfo) -> None:
        super().start(info)
        weight = np.ones(info.n_tasks) if self.weight is None else np.asarray(self.weight, float)
        if weight.shape != (info.n_tasks,) or not (np.isfinite(weight) & (weight >= 0)).all():
            raise ValueError(
                f"Static(weight={self.weight!r}); expected {info.n_tasks} numbers >= 0, one for "
                "each task."
            )
        if self.normalize:
            if not weight.any():
                raise ValueError(f"Static(weight={self.weight!r}, normalize=True): all are 0.")
            weight = weight / weight.mean()
        self._weight = weight

    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """The given ones."""
        return losses.new_tensor(self._weight).expand_as(losses)
