"""What a fit leaves behind: for predictions, and for the next fit."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.neural.inputs._inputs import Inputs
from skmtl.neural.networks._shrinkage import Shrinkage
from skmtl.tasks._task_set import TaskSet

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Stream:
    """What the next call of ``partial_fit`` goes on from.

    Parameters
    ----------
    seed : int
        Decides the randomness of all calls.
    weight, loss : ndarray of shape (n_tasks,)
        Sums over the rows so far, of the weights of the labels and of the losses of a constant.
    n_calls : int
        Number of calls so far.
    n_rows : float
        Number of rows so far; with a half-life, their weight.
    learnt : dict, default=None
        Balancing method and moments of the solver at the end of the last call.
    units : Units, default=None
        Of features and labels, where they follow the stream.
    """

    seed: int
    weight: Array
    loss: Array
    n_calls: int = 0
    n_rows: float = 0
    learnt: dict[str, Any] | None = None
    units: Any = None


@dataclass(frozen=True, eq=False)
class Pause:
    """Where a fit was saved between two epochs.

    Parameters
    ----------
    parameters : dict
        Parameters of the estimator that later epochs depend on.
    data : int
        Fingerprint of rows and labels.
    seed : int
        Decides the randomness of the fit.
    tasks : TaskSet
        The tasks of the estimator.
    run : dict
        State of the `Run`.
    """

    parameters: dict[str, Any]
    data: int
    seed: int
    tasks: TaskSet
    run: dict[str, Any]


@dataclass(frozen=True, eq=False)
class FittedState:
    """A trained network as plain data. It is replaced as a whole, so that a fit may fail.

    Parameters
    ----------
    description : dict
        What decides the shape of the module.
    parameters : dict of ndarray
        Parameters, and buffers that are learnt, by name.
    network_tasks : ndarray of int, default=None
        The tasks that the network is made for; None for all of them.
    stream : Stream, default=None
        After `partial_fit`.
    pause : Pause, default=None
        In a file of `Checkpoint`.
    inputs : Inputs, default=None
        What the network reads of a row of X; None for X as it is.
    shrinkage : Shrinkage, default=None
        How far its raw scores count; None for fully.
    task_sets : tuple of TaskSet, default=None
        What the raw scores of each network mean, where networks differ in that.

    Attributes
    ----------
    built : dict
        The module, and the device it is on: made by the first prediction.
    """

    description: dict[str, Any]
    parameters: dict[str, Array]
    network_tasks: Array | None = None
    stream: Stream | None = None
    pause: Pause | None = None
    inputs: Inputs | None = None
    shrinkage: Shrinkage | None = None
    task_sets: tuple[TaskSet, ...] | None = None
    built: dict[str, Any] = field(init=False, repr=False, default_factory=dict)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the parameters."""
        return next(array.dtype for array in self.parameters.values() if array.dtype.kind == "f")

    @property
    def n_models(self) -> int:
        """Number of networks."""
        return len(next(iter(self.parameters.values())))

    @property
    def n_weights(self) -> int:
        """Number of parameters of all networks."""
        return sum(array.size for array in self.parameters.values())

    def take(self, models: Array) -> FittedState:
        """Some of the networks."""
        parameters = {k: array[models] for k, array in self.parameters.items()}
        task_sets = self.task_sets and tuple(self.task_sets[k] for k in models)
        return replace(self, parameters=parameters, task_sets=task_sets)

    def __getstate__(self) -> dict[str, Any]:
        # Arrays and a description are enough: predict builds the module again.
        state = {**vars(self), "built": {}}
        if self.stream is not None and self.stream.learnt is not None:
            # Here, as it needs torch.
            from skmtl.neural.networks._network import on_device

            state["stream"] = replace(self.stream, learnt=on_device(self.stream.learnt, "cpu"))
        return state
