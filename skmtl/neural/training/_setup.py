"""The parameters of a fit, its data, its network and its randomness."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl.neural._data import Rows
from skmtl.neural._environment import limited_threads, read_device
from skmtl.neural._ranks import ranks_now
from skmtl.neural._stored import BlockRows, StoredInputs
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.architectures._units import Draws, Dropout
from skmtl.neural.gradients._objective import Objective
from skmtl.neural.inputs._inputs import rows_of_a_sample
from skmtl.neural.networks._network import build, describe, set_state, task_keys
from skmtl.neural.networks._state import FittedState
from skmtl.neural.networks._tasks import for_network_tasks, restrict
from skmtl.neural.training._compare import check_same_network, fingerprint
from skmtl.neural.training._decay import L2_ALPHA, decay, dropout
from skmtl.neural.training._lengths import most_epochs, rows_of_a_step
from skmtl.neural.training._model_rows import ModelRows
from skmtl.neural.training._noise import MOST, Unexplained, rows_with_noise, unexplained
from skmtl.neural.training._read_inputs import read_inputs
from skmtl.neural.training._settings import has_linear_skip, read_setting, read_sizes
from skmtl.sources._stored_rows import StoredRows
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

# What is drawn from the seed of a fit, apart from the initial weights; those of members.
BATCHES, DROPOUT, SPLIT, BALANCING, WEIGHTS = 2, 3, 4, 5, 7

Member = tuple[int, ...]
"""What sets the draws of a network apart from those of others in the same fit."""

ALONE: tuple[Member, ...] = ((),)


class Fit:
    """One call of `fit` or `partial_fit`: its data, its network, its randomness.

    Parameters
    ----------
    estimator : MultiTaskMLP
        Where the parameters are read.
    X : ndarray or sparse array of shape (n, n_features)
        Features of all rows.
    targets : Targets
        Labels of all rows.
    seed : int
        Decides all randomness.
    network_tasks : ndarray of int or None, default=None
        The tasks that the network is made for; None for all of them.
    before : FittedState or None, default=None
        Of the fit that this one goes on from: the network reads what it read there.

    Attributes
    ----------
    tasks, targets : TaskSet, Targets
        Of the tasks of the network, and of the rows with labels.
    kept : ndarray of int
        The rows with labels.
    given : Targets
        Of all tasks, same rows.
    X : ndarray or sparse array
        Of the same rows, as given.
    inputs : Inputs
        What the network reads of them.
    shrinkage : Shrinkage or None
        How far the network can be believed: that of the fit before until another is found.
    """

    def __init__(
        self,
        estimator: Any,
        X: Any,
        targets: Targets,
        seed: int,
        network_tasks: Array | None = None,
        before: FittedState | None = None,
    ) -> None:
        self.estimator = estimator
        self.seed = seed
        self.network_tasks = network_tasks
        self.device = read_device(estimator.device)
        given, targets = targets, restrict(targets, network_tasks)
        # A row without labels must not even take a place in a batch.
        labelled = targets.row_is_observed
        self.kept = np.flatnonzero(labelled)
        if not labelled.all():
            are_all, X, targets = targets is given, X[labelled], targets.take(labelled)
            given = targets if are_all else given.take(labelled)
        self.given, self.tasks = given, targets.tasks
        self.dtype = X.dtype if estimator.precision == "auto" else np.dtype(np.float32)
        self.X, self.targets = X, targets
        self.task_weight = self._task_weight()
        if isinstance(X, StoredRows):
            X.keep(_that_tell(X, targets))
        self.shrinkage = None if before is None else before.shrinkage
        architecture = self.setting("architecture")
        inputs = None if before is None else before.inputs
        self.inputs = read_inputs(estimator, architecture, X, targets, inputs)
        self.description = describe(
            architecture,
            self.inputs.n_inputs,
            self.tasks,
            hidden_layer_sizes=read_sizes("hidden_layer_sizes", estimator.hidden_layer_sizes),
            head_hidden_layer_sizes=read_sizes(
                "head_hidden_layer_sizes", estimator.head_hidden_layer_sizes
            ),
            activation=estimator.activation,
            dropout=dropout(estimator, self.tasks),
            normalization=estimator.normalization,
            linear_skip=has_linear_skip(estimator, architecture, is_long=self.tasks.is_long),
            embedding=self.inputs.embedding,
        )
        if before is not None:
            check_same_network(before.description, self.description)

    def setting(self, parameter: str) -> Any:
        """A fresh architecture or balancing method, for the tasks of the network."""
        names = self.given.tasks.names.tolist()
        found = read_setting(parameter, self.estimator, names)
        return for_network_tasks(found, self.network_tasks, len(names))

    def _task_weight(self) -> Array:
        """Weights of the tasks of the network, checked for all."""
        task_weight = self.estimator.task_weight
        weight = self.given.task_weights(task_weight)
        if self.network_tasks is None:
            return weight
        if task_weight is None or isinstance(task_weight, str):
            return self.targets.task_weights(task_weight)
        weight = weight[self.network_tasks]
        # As vanishing weights: those above 0 may belong to tasks that have nothing to learn.
        return self.targets.task_weights(weight if weight.any() else None)

    def rng(self, purpose: int, *more: int) -> np.random.Generator:
        """A generator for one purpose, so that no draw moves another."""
        return np.random.default_rng([self.seed, purpose, *more])

    def sibling(self, estimator: Any, seed: int | None = None) -> Fit:
        """The same fit with other parameters of the training, or another seed."""
        other = copy.copy(self)
        other.estimator = estimator
        if seed is not None:
            other.seed = seed
        return other

    def module(
        self,
        state: dict[str, Array] | None,
        members: Sequence[Member] = ALONE,
        *,
        priors: Sequence[Array],
        seeds: Sequence[int] | None = None,
        fits: Sequence[Fit] | None = None,
    ) -> MultiTaskModule:
        """The networks, in the given state or freshly initialised, with heads at the priors.

        ``members`` are what each draws from, ``seeds`` decide their weights: by default all
        begin alike. ``fits`` are whose seeds they draw by, where those differ.
        """
        n_models = len(members)
        module = build(self.description, self.dtype, self.device, n_models, self.tasks)
        module.mixed_precision = self.estimator.precision == "bfloat16"
        if state is None:
            seeds = [self.seed] * n_models if seeds is None else seeds
            module.initialize(seeds, task_keys(self.tasks.names), self.description["activation"])
            module.start_at(priors)
        else:
            set_state(module, state)
        fits = [self] * n_models if fits is None else fits
        rngs = [fit.rng(DROPOUT, *member) for fit, member in zip(fits, members, strict=True)]
        for part in module.modules():
            if isinstance(part, Draws):
                part.seed([int(rng.integers(2**62)) for rng in rngs], self.device)
        return module

    def give_dropout(self, module: MultiTaskModule, estimators: Sequence[Any]) -> None:
        """Let each network leave out what its estimator says; one of the user's has its own."""
        if not self.setting("architecture").has_model_dimension:
            return
        shares = [dropout(estimator, self.tasks) for estimator in estimators]
        for layer in module.modules():
            if isinstance(layer, Dropout) and not layer.is_own:
                layer.probability = shares

    @cached_property
    def objective(self) -> Objective:
        """Losses of the tasks."""
        return Objective(self.tasks, self.device)

    def rows(self, index: Array | None = None, share: Array | None = None) -> Rows:
        """Some of the rows, or all, as tensors.

        ``share`` is what a unit of weight of each task counts in the mean over these rows; by
        default one over the task's total weight there.
        """
        X, targets, kind = self.X, self.targets, Rows
        if index is not None:
            targets = targets.take(index)
        if isinstance(X, StoredRows) and X.is_large(X.shape[0] if index is None else len(index)):
            kind = BlockRows
            if index is not None:
                X = X[np.isin(np.arange(X.shape[0]), index)]
            X = StoredInputs(X, self.inputs, self.dtype)
        elif isinstance(X, StoredRows):
            X = self.inputs.transform(X[np.arange(X.shape[0]) if index is None else index])
            X = X.astype(self.dtype, copy=False)
        else:
            X = self.inputs.transform(X, index, self.dtype)
        if share is None:
            weights = targets.label_weights()
        elif targets.task_index is None:
            weights = targets.weights * (share if targets.weights.ndim > 1 else share[0])
        else:
            weights = targets.weights * share[targets.task_index]
        return kind(
            X,
            targets.values,
            weights * len(targets.values),
            targets.task_index,
            self.tasks.n_tasks,
            self.device,
        )

    def batch_size(self, rows: Rows | ModelRows) -> int:
        """Rows per step."""
        return rows_of_a_step(self.estimator.batch_size, rows.n_rows)

    def steps_of_an_epoch(self, rows: Rows | ModelRows) -> int:
        """Number of steps in one pass over the rows."""
        return -(-rows.n_rows // self.batch_size(rows))

    def max_iter(self, rows: Rows | ModelRows) -> int:
        """Epochs at most."""
        return most_epochs(self.estimator.max_iter, self.steps_of_an_epoch(rows), self._noise_share)

    def alpha(self, n_rows: int, batch_size: int, *, is_stream: bool = False) -> float:
        """Strength of the decay. A stream has no labels yet that tell of their noise."""
        estimator = self.estimator
        if not self.chooses_alpha:
            return L2_ALPHA if estimator.alpha == "auto" else float(estimator.alpha)
        return decay(estimator, self.tasks, None if is_stream else self.noise, n_rows, batch_size)

    @property
    def chooses_alpha(self) -> bool:
        """Whether the rows decide on the strength of the decay."""
        return bool(self.estimator.alpha == "auto" and self.estimator.solver == "adamw")

    @cached_property
    def noise(self) -> Unexplained:
        """What is noise in the labels, as far as simple functions can tell."""
        # With one thread it is the same to the last bit in every process.
        with limited_threads(1):
            found = unexplained(self.inputs, self.X, self.targets)
        ranks = ranks_now()
        return found if ranks is None else Unexplained(*ranks.of_first(np.array(found)).tolist())

    def _noise_share(self) -> float:
        """Share of noise in the labels; 0 where nobody knows, for tasks are pooled."""
        return 0.0 if self.tasks.is_long else min(self.noise.least, MOST)

    @cached_property
    def fingerprint(self) -> int:
        """A number that tells whether all rows and labels are the same."""
        return fingerprint(self.X, self.targets)


def _that_tell(X: StoredRows, targets: Targets) -> Array:
    """Rows of a source that set-up looks at more than once."""
    return np.concatenate([rows_of_a_sample(X), *rows_with_noise(targets)])
