"""What the training loop asks of an architecture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from skmtl._aliases import Searchable
from skmtl.neural.architectures._layers import TaskLayer
from skmtl.neural.architectures._lines import Lines
from skmtl.neural.architectures._normalization import Normalization
from skmtl.neural.architectures._parameters import PerTask, Shared, generators
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.tasks._task_set import TaskSet


class Architecture(Searchable, BaseEstimator, ABC):
    """How parameters are shared between tasks: a factory of `MultiTaskModule`.

    A subclass has an ``alias``, its own settings as parameters of ``__init__``, and `build`.
    Its objects are parameters of an estimator: they are cloned, searched and pickled, and
    hold no weights. For a network that is an ordinary `torch.nn.Module` see `Custom`.

    Attributes
    ----------
    has_model_dimension : bool
        Whether parameters of the modules have a leading model dimension, and are all drawn by
        their ``initialize``. Otherwise, which is the default, modules may consist of any layers
        of torch: they hold one network, start as they are made, drawn from the seed of the
        fit, and are put side by side from outside. What their tasks share is found, unless the
        module overrides ``shared_parameters``.

    reads_any_shape : bool
        Whether rows of X may be arrays, such as images.

    Examples
    --------
    >>> from torch import nn
    >>> from skmtl.neural.architectures import Architecture, MultiTaskModule
    >>> class Linear(MultiTaskModule):
    ...     def __init__(self, spec):
    ...         super().__init__()
    ...         self.layer = nn.Linear(spec.n_features, spec.n_outputs)
    ...
    ...     def forward(self, X, task_index=None):
    ...         return self.layer(X)
    >>> class LinearArchitecture(Architecture):
    ...     alias = "linear"
    ...
    ...     def build(self, spec):
    ...         return Linear(spec)

    Without hidden layers a network is a linear model, and finds the lines there are:

    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> Y = X @ [[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]
    >>> model = MultiTaskMLP(architecture=LinearArchitecture(), random_state=0).fit(X, Y)
    >>> model.score(X, Y) > 0.99
    True
    """

    alias: ClassVar[str]
    has_model_dimension: ClassVar[bool] = False

    @property
    def has_representation(self) -> bool:
        """Whether it is known what heads read: there may be none in a network of the user."""
        return True

    @property
    def reads_any_shape(self) -> bool:
        """Whether rows of X may be arrays."""
        return False

    @abstractmethod
    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make a module of this shape.

        Parameters
        ----------
        spec : NetworkSpec
            Shape of the network. ``spec.n_models`` is 1 unless `has_model_dimension`.

        Returns
        -------
        module : MultiTaskModule
            The module, in float32 on the CPU.
        """


class MultiTaskModule(nn.Module, ABC):
    """``n_models`` networks of one shape, side by side.

    Every tensor passed on has a leading model dimension, so that many networks train in the
    time of a few; estimators use one. Built from `Shared` and `PerTask` modules, whose
    parameters have that dimension, too, it knows by itself how to draw initial weights and
    which parameters belong to which task. Built from other layers, it holds one network: see
    `Architecture`.

    Attributes
    ----------
    mixed_precision : bool
        Whether products of matrices are computed in bfloat16 while it is trained.
    takes_lines : bool
        Whether it can begin at a line of each task, in long form: see `start_at_lines`.

    Examples
    --------
    Two tasks read one layer; each has a head with one output. Rows go in, scores come out:

    >>> import torch
    >>> from skmtl.neural.architectures import MultiTaskModule
    >>> class TwoTasks(MultiTaskModule):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.trunk = torch.nn.Linear(3, 8)
    ...         self.heads = torch.nn.Linear(8, 2)
    ...
    ...     def forward(self, X, task_index=None):
    ...         return self.heads(self.trunk(X).relu())
    >>> TwoTasks()(torch.zeros(1, 50, 3)).shape
    torch.Size([1, 50, 2])
    """

    mixed_precision = False
    takes_lines = False

    @abstractmethod
    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        """Raw scores of all tasks, or of one task per row.

        Parameters
        ----------
        X : Tensor of shape (n_models, n, n_features)
            Features of the rows of each model.
        task_index : Tensor of shape (n_models, n), default=None
            Long form: the task of each row.

        Returns
        -------
        raw : Tensor of shape (n_models, n, n_outputs)
            Outputs of all tasks side by side, or those of the row's task.
        """

    def plus(self, added: Tensor, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        """`forward`, with something added to the raw scores of every row.

        Parameters
        ----------
        added : Tensor
            What is added; its shape is that of the scores, or becomes it by broadcasting.
        X : Tensor of shape (n_models, n, n_features)
            Features of the rows of each model.
        task_index : Tensor of shape (n_models, n), default=None
            Long form: the task of each row.

        Returns
        -------
        raw : Tensor of shape (n_models, n, n_outputs)
            The sum.
        """
        raw: Tensor = self(X, task_index)
        return raw + added

    def read_by_heads(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        """What heads read of the rows, without `beside`.

        A reader is a task with a trunk, or a view of one, of its own, or a member of an ensemble;
        there is one where all read the same, and in long form the task of the row. By default it is
        what comes to the first module of heads.

        Parameters
        ----------
        X : Tensor of shape (n_models, n, n_features)
            Features of the rows of each model.
        task_index : Tensor of shape (n_models, n), default=None
            Long form: the task of each row.

        Returns
        -------
        read : Tensor of shape (n_models, n, n_readers, width)
            What they read.

        Raises
        ------
        NotImplementedError
            If there is none.
        """
        came: list[Tensor] = []
        heads = next((module for module in self.modules() if isinstance(module, ReadsLayers)), None)
        if heads is None:
            raise NotImplementedError
        hook = heads.register_forward_pre_hook(lambda _, given: came.append(given[0]))
        try:
            self(X, task_index)
        finally:
            hook.remove()
        return came[0].unsqueeze(2) if came[0].dim() == 3 else came[0].transpose(1, 2)

    def read_as(self, tasks: TaskSet) -> None:
        """Be told what the raw scores mean.

        Parameters
        ----------
        tasks : TaskSet
            The tasks of the fit.
        """

    def penalty(self) -> Tensor | None:
        """What comes on top of the losses of each model (n_models,), if anything does."""
        return None

    def copies_of_a_row(self, *, is_long: bool) -> int:
        """How often the hidden layers hold a row: decides how many rows are predicted at once.

        Parameters
        ----------
        is_long : bool
            Whether the rows are in long form.

        Returns
        -------
        copies : int
            At least 1.
        """
        return 1

    def shared_parameters(self) -> list[nn.Parameter]:
        """Parameters that the losses of more than one task depend on.

        Returns
        -------
        parameters : list of Parameter
            They follow the direction that a balancing method finds.
        """
        return self._parameters_of(Shared)

    def last_shared_parameters(self) -> list[nn.Parameter]:
        """Those of the shared parameters that are closest to the outputs.

        Returns
        -------
        parameters : list of Parameter
            Those of the last module that is shared; empty without any.
        """
        shared = [module for module in self.modules() if isinstance(module, Shared)]
        return list(shared[-1].parameters()) if shared else []

    def task_parameters(self) -> list[nn.Parameter]:
        """Parameters that the loss of one task alone depends on.

        Returns
        -------
        parameters : list of Parameter
            All that are not shared.
        """
        shared = {id(p) for p in self.shared_parameters()}
        return [p for p in self.parameters() if id(p) not in shared]

    def initialize(
        self, seeds: Sequence[int], task_keys: Sequence[int], activation: str = "relu"
    ) -> None:
        """Draw the initial weights of every model.

        What the tasks share is drawn from the model's seed, what belongs to a task from that
        seed and the task's key: neither the order nor the number of tasks changes the start
        of any other.

        Parameters
        ----------
        seeds : sequence of int
            One per model.
        task_keys : sequence of int
            One per task, made of its name.
        activation : str, default="relu"
            Decides the scale, as in scikit-learn's networks.
        """
        gain = 2.0 if activation == "logistic" else 6.0
        for model, seed in enumerate(seeds):
            rng = np.random.default_rng([seed, 0])
            rngs = generators(seed, task_keys)
            for module in self.modules():
                if isinstance(module, Shared):
                    module.initialize(model, rng, gain)
                elif isinstance(module, PerTask):
                    module.initialize(model, rngs, gain)
                elif isinstance(module, Normalization):
                    module.initialize(model)

    def start_at(self, raw: Sequence[NDArray[Any]]) -> None:
        """Let the raw scores of every task begin around some values, where heads have a bias.

        Parameters
        ----------
        raw : sequence of ndarray of shape (n_outputs_of_task,) or (n_models, n_outputs_of_task)
            One for each task.
        """
        for module in self.modules():
            if isinstance(module, TaskLayer) and module.is_output:
                module.start_at(raw)

    def start_at_lines(self, model: int, lines: Lines) -> None:
        """Let one of the models begin at a line of each task, and leave its slope as it is.

        Parameters
        ----------
        model : int
            Which of the models.
        lines : Lines
            The lines.
        """
        raise NotImplementedError

    def _parameters_of(self, kind: type) -> list[nn.Parameter]:
        return [
            p for module in self.modules() if isinstance(module, kind) for p in module.parameters()
        ]


class ReadsLayers(nn.Module):
    """Base of the heads of all tasks: what comes to them is what tasks have in common.

    It has shape (n_models, n, width), or (n_models, n_readers, n, width).
    """


class RepresentationModule(MultiTaskModule):
    """A module in which all tasks read one representation of the rows.

    A subclass says how rows are represented and what is read out of that; `forward` does both,
    and balancing methods may then go by gradients of the representation.

    Examples
    --------
    >>> import torch
    >>> from skmtl.neural.architectures import RepresentationModule
    >>> class TwoTasks(RepresentationModule):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.trunk = torch.nn.Linear(3, 8)
    ...         self.heads = torch.nn.Linear(8, 2)
    ...
    ...     def represent(self, X):
    ...         return self.trunk(X).relu()
    ...
    ...     def read_out(self, representation, task_index=None):
    ...         return self.heads(representation)
    >>> module, X = TwoTasks(), torch.zeros(1, 50, 3)
    >>> module.represent(X).shape, module(X).shape
    (torch.Size([1, 50, 8]), torch.Size([1, 50, 2]))
    """

    @abstractmethod
    def represent(self, X: Tensor) -> Tensor:
        """What the tasks read.

        Parameters
        ----------
        X : Tensor of shape (n_models, n, n_features)
            Features of the rows of each model.

        Returns
        -------
        representation : Tensor of shape (n_models, n, width)
            One for all tasks.
        """

    @abstractmethod
    def read_out(self, representation: Tensor, task_index: Tensor | None = None) -> Tensor:
        """Raw scores, as `forward` has them.

        Parameters
        ----------
        representation : Tensor of shape (n_models, n, width)
            What the tasks read.
        task_index : Tensor of shape (n_models, n), default=None
            Long form: the task of each row.

        Returns
        -------
        raw : Tensor of shape (n_models, n, n_outputs)
            The scores.
        """

    def read_by_heads(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        """The representation, of which there is one."""
        return self.represent(X).unsqueeze(2)

    def beside(self, X: Tensor, task_index: Tensor | None = None) -> Tensor | None:
        """What is added to the raw scores that are read out, if anything is.

        Parameters
        ----------
        X : Tensor of shape (n_models, n, n_features)
            Features of the rows of each model.
        task_index : Tensor of shape (n_models, n), default=None
            Long form: the task of each row.

        Returns
        -------
        added : Tensor of shape (n_models, n, n_outputs) or None
            None, unless a subclass says otherwise.
        """
        return None

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        raw, added = self.read_out(self.represent(X), task_index), self.beside(X, task_index)
        return raw if added is None else raw + added
