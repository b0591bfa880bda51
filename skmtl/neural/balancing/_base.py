"""What the training loop asks of a balancing method."""

from __future__ import annotations

from abc import ABC, abstractmethod
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions
from torch import Tensor

from skmtl._aliases import Searchable
from skmtl.neural.balancing._info import BalancingInfo

Array = NDArray[Any]

CONFLICT_SPACES = ("shared", "last_shared", "representation")


class Balancing(Searchable, BaseEstimator, ABC):
    """How the losses of the tasks become one step of what they share.

    The shared parameters follow a combination of the gradients of the tasks, parameters that
    belong to one task the gradient of its own loss. A subclass derives from `LossBalancing`,
    `GramianBalancing` or `JacobianBalancing`, by what it has to know. A fit works on a clone,
    so a method may keep what it needs between steps in attributes of its own, set by `start`.

    Attributes
    ----------
    is_constant : bool
        Whether all weights are always 1: one backward pass then serves all parameters.

    Examples
    --------
    >>> from skmtl.neural.balancing import BALANCING, Balancing
    >>> all(issubclass(method, Balancing) for method in BALANCING.values())
    True
    """

    alias: ClassVar[str]
    is_constant: ClassVar[bool] = False
    _parameter_constraints: ClassVar[dict[str, Any]] = {}

    def start(self, info: BalancingInfo) -> None:
        """Check the parameters and forget earlier fits; called once before training.

        Parameters
        ----------
        info : BalancingInfo
            Seeds and tasks of the fit.

        Raises
        ------
        ValueError
            If a parameter is out of its range; the message names it and its value.
        """
        self._validate_params()

    def end_epoch(self, losses: Tensor) -> None:
        """Take note of a finished epoch.

        Parameters
        ----------
        losses : Tensor of shape (n_models, n_tasks)
            Mean losses.
        """


class LossBalancing(Balancing):
    """Weights of the tasks from their losses alone: as cheap as plain training.

    Attributes
    ----------
    follows_up : bool
        Whether `follow_up` wants to see the losses after each step, at the cost of another
        forward pass.

    Examples
    --------
    A method of one's own, by which the largest loss counts alone:

    >>> import torch
    >>> from skmtl.neural.balancing import LossBalancing
    >>> class Worst(LossBalancing):
    ...     def weights(self, losses, observed):
    ...         return (losses == losses.amax(dim=1, keepdim=True)).to(losses)
    >>> Worst().weights(torch.tensor([[0.5, 4.0]]), torch.tensor([[True, True]]))
    tensor([[0., 1.]])
    """

    follows_up: ClassVar[bool] = False

    @abstractmethod
    def weights(self, losses: Tensor, observed: Tensor) -> Tensor:
        """Weights of the tasks in this step.

        Parameters
        ----------
        losses : Tensor of shape (n_models, n_tasks)
            Current losses, without gradient; 0 for a task that has no label in the batch.
        observed : Tensor of bool, shape (n_models, n_tasks)
            Tasks that have labels in the batch. The others must not count.

        Returns
        -------
        weights : Tensor of shape (n_models, n_tasks)
            Weights of their gradients; what it says for tasks without labels has no effect.
        """

    def follow_up(self, losses: Tensor, observed: Tensor) -> None:
        """Take note of what the step has done.

        Parameters
        ----------
        losses : Tensor of shape (n_models, n_tasks)
            Losses of the same batch after the step.
        observed : Tensor of bool, shape (n_models, n_tasks)
            Tasks that have labels in the batch.
        """


class GramianBalancing(Balancing):
    r"""Weights of the tasks from the inner products of their gradients.

    With the gradients :math:`g_t` of the tasks, the Gramian has entries :math:`g_s' g_t`, and
    the step follows :math:`\sum_t w_t g_t`.

    Parameters
    ----------
    conflict_space : {"shared", "last_shared", "representation"}, default="shared"
        Gradients with respect to what: all shared parameters (exact), those of the last shared
        layer (cheaper, close), or what the heads read (cheapest, a proxy).
    update_weights_every : int, default=1
        Steps for which weights are kept.

    Examples
    --------
    A method of one's own: gradients count alike, whatever their length.

    >>> import numpy as np
    >>> from skmtl.neural.balancing import GramianBalancing
    >>> class UnitLength(GramianBalancing):
    ...     def weights(self, gramian):
    ...         return 1.0 / np.sqrt(np.diag(gramian))
    >>> UnitLength().weights(np.diag([4.0, 25.0]))
    array([0.5, 0.2])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "conflict_space": [StrOptions(set(CONFLICT_SPACES))],
        "update_weights_every": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, *, conflict_space: str = "shared", update_weights_every: int = 1) -> None:
        self.conflict_space = conflict_space
        self.update_weights_every = update_weights_every

    @abstractmethod
    def weights(self, gramian: Array) -> Array:
        """Weights of the tasks for a Gramian.

        Parameters
        ----------
        gramian : array of shape (n_tasks, n_tasks)
            Inner products of the gradients of the tasks that have labels in the batch.

        Returns
        -------
        weights : ndarray of shape (n_tasks,)
            Weights of their gradients.
        """

    def step_weights(self, model: int, gramian: Array, losses: Array, observed: Array) -> Array:
        """Weights of one of the models, for methods that remember tasks or go by losses.

        Parameters
        ----------
        model : int
            Which of the models.
        gramian : ndarray of shape (n_tasks, n_tasks)
            Inner products of the gradients.
        losses : ndarray of shape (n_tasks,)
            Current losses.
        observed : ndarray of bool, shape (n_tasks,)
            Tasks that have labels in the batch.

        Returns
        -------
        weights : ndarray of shape (n_tasks,)
            Weights of the gradients; 0 for tasks without labels in the batch, NaN where the
            Gramian is not finite, so that training stops.
        """
        members = np.flatnonzero(observed)
        weights = np.where(observed, np.nan, 0.0)
        seen = gramian[np.ix_(members, members)]
        if len(members) and np.isfinite(seen).all():
            weights[members] = self._weights_of(model, members, seen, losses[members])
        return weights

    def _weights_of(self, model: int, members: Array, gramian: Array, losses: Array) -> Array:
        """Weights of the tasks with the indices ``members``, the only ones in the arrays."""
        return self.weights(gramian)


class JacobianBalancing(Balancing):
    """A direction from the gradients of the tasks, entry by entry.

    Parameters
    ----------
    conflict_space : {"shared", "representation"}, default="shared"
        Gradients with respect to what; see `GramianBalancing`. In the representation the
        direction is handed back through the trunk.

    Examples
    --------
    A method of one's own: entry by entry, the median over the tasks.

    >>> import torch
    >>> from skmtl.neural.balancing import JacobianBalancing
    >>> class Median(JacobianBalancing):
    ...     def direction(self, model, jacobian, losses, observed):
    ...         return jacobian[observed].median(dim=0).values
    >>> jacobian = torch.tensor([[1.0, 0.0], [2.0, 0.0], [90.0, 3.0]])
    >>> Median().direction(0, jacobian, torch.ones(3), torch.ones(3) > 0)
    tensor([2., 0.])
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "conflict_space": [StrOptions({"shared", "representation"})],
    }

    def __init__(self, *, conflict_space: str = "shared") -> None:
        self.conflict_space = conflict_space

    @abstractmethod
    def direction(self, model: int, jacobian: Tensor, losses: Tensor, observed: Tensor) -> Tensor:
        """Direction of the shared parameters of one of the models.

        Parameters
        ----------
        model : int
            Which of the models.
        jacobian : Tensor of shape (n_tasks, n_parameters)
            Gradients of the tasks; zero for a task without labels in the batch.
        losses : Tensor of shape (n_tasks,)
            Current losses.
        observed : Tensor of bool, shape (n_tasks,)
            Tasks that have labels in the batch. The others must not count.

        Returns
        -------
        direction : Tensor of shape (n_parameters,)
            What takes the place of the gradient.
        """
