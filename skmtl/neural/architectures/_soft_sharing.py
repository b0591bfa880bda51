"""Networks whose weights are pulled together."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from skmtl.neural.architectures._stacked import (
    OwnHeads,
    StackedArchitecture,
    StackedNetworks,
    StackedTrunks,
    learning_tasks,
)
from skmtl.tasks._adjacency import laplacian as laplacian_of
from skmtl.tasks._adjacency import read_adjacency
from skmtl.tasks._by_name import matrix_by_task


class SoftSharing(StackedArchitecture):
    r"""Each task has a network of its own; a penalty pulls their hidden layers together.

    .. math::
        \Omega_{mean} = \frac{\lambda}{2} \sum_t \|\theta_t - \bar\theta\|^2, \qquad
        \Omega_{graph} = \frac{\lambda}{2} \sum_{s < t} a_{st} \|\theta_s - \theta_t\|^2

    with all weights and biases :math:`\theta_t` of the hidden layers of task t, their mean
    :math:`\bar\theta` over the tasks, and the ``strength`` :math:`\lambda`. To the mean it is
    the regularised multi-task learning of [1]_, for networks [2]_; a graph says which tasks
    are alike [3]_. Heads are free. ``strength=0`` is `Independent`; as all networks start
    equal, a very large strength keeps them equal, which is `HardSharing`. No parameter is
    shared: the penalty couples the networks, the losses do not.

    Parameters
    ----------
    strength : float, default=0.01
        :math:`\lambda`.
    to : {"mean", "pairwise"} or array-like of shape (n_tasks, n_tasks), default="mean"
        What networks are pulled to: their mean, each other (all :math:`a_{st} = 1`, which is
        n_tasks times as strong), or each other by a symmetric matrix a with entries >= 0, in
        the order of ``task_names_in_``; a DataFrame is matched by the names of the tasks.

    References
    ----------
    .. [1] T. Evgeniou and M. Pontil, "Regularized multi-task learning", KDD 2004.
    .. [2] L. Duong, T. Cohn, S. Bird and P. Cook, "Low resource dependency parsing:
       Cross-lingual parameter sharing in a neural network parser", ACL 2015.
    .. [3] T. Evgeniou, C. A. Micchelli and M. Pontil, "Learning multiple tasks with kernel
       methods", JMLR 6, 2005.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import SoftSharing
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP((16,), architecture=SoftSharing(strength=0.1), tol=0.1)
    >>> model.fit(X, y).predict(X).shape
    (200, 2)
    """

    alias = "soft_sharing"
    has_model_dimension = True
    per_task: ClassVar[dict[str, Any]] = {"to": matrix_by_task}

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "strength": [Interval(Real, 0, None, closed="left")],
        "to": [StrOptions({"mean", "pairwise"}), "array-like"],
    }

    def __init__(self, *, strength: float = 0.01, to: Any = "mean") -> None:
        self.strength = strength
        self.to = to

    def for_tasks(self, members: NDArray[Any], n_tasks: int) -> SoftSharing:
        """The same between some of the tasks.

        Parameters
        ----------
        members : ndarray of int
            Positions of the tasks that are left.
        n_tasks : int
            Number of tasks before.

        Returns
        -------
        architecture : SoftSharing
            With the strengths between these tasks.
        """
        to = self.to
        if not isinstance(to, str) and np.shape(to) == (n_tasks, n_tasks):
            to = np.asarray(to)[np.ix_(members, members)]
        return SoftSharing(strength=self.strength, to=to)

    def _join(
        self, trunks: StackedTrunks, heads: OwnHeads, outputs_per_task: Sequence[int]
    ) -> StackedNetworks:
        tasks = learning_tasks(outputs_per_task)
        strength, laplacian = self.strength, None
        if not isinstance(self.to, str):
            a = read_adjacency(self.to, len(outputs_per_task), "SoftSharing: to")
            laplacian = torch.from_numpy(laplacian_of(a[np.ix_(tasks, tasks)]))
        elif self.to == "pairwise":
            strength = strength * len(tasks)
        return CoupledNetworks(trunks, heads, strength, laplacian)


class CoupledNetworks(StackedNetworks):
    """Networks with half the squared distances between their hidden layers as penalty."""

    laplacian: Tensor | None

    def __init__(
        self, trunks: StackedTrunks, heads: OwnHeads, strength: float, laplacian: Tensor | None
    ) -> None:
        super().__init__(trunks, heads)
        self.strength = strength
        self.register_buffer("laplacian", laplacian, persistent=False)

    def penalty(self) -> Tensor | None:
        if not self.strength or not self.trunks.layers:
            return None
        squares = [self._squares(p.flatten(2)) for p in self.trunks.parameters()]
        return torch.stack(squares).sum(0) * (self.strength / 2)

    def _squares(self, theta: Tensor) -> Tensor:
        """Squared distances (n_models,) of parameters (n_models, n_tasks, n)."""
        apart = theta - theta.mean(1, keepdim=True)
        if self.laplacian is None:
            return apart.square().sum((1, 2))
        # A Laplacian sees differences only; without the mean fewer digits cancel.
        return (apart * (self.laplacian @ apart)).sum((1, 2))
