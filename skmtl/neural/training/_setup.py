"""The parameters of a fit, its data, its network and its randomness."""

from __future__ import annotations

import copy
import zlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import clone

from skmtl._aliases import from_alias
from skmtl._random import read_random_state
from skmtl.neural._data import Rows
from skmtl.neural._environment import read_device
from skmtl.neural.architectures import Architecture, MultiTaskModule
from skmtl.neural.architectures._layers import Dropout
from skmtl.neural.balancing import Weighting
from skmtl.neural.gradients._objective import Objective
from skmtl.neural.inputs import PiecewiseLinear
from skmtl.neural.inputs._inputs import Inputs, fit_inputs
from skmtl.neural.networks._network import build, describe, set_state, task_keys
from skmtl.neural.networks._state import FittedState
from skmtl.neural.networks._tasks import for_network_tasks, restrict
from skmtl.neural.training._compare import check_same_network
from skmtl.neural.training._model_rows import ModelRows
from skmtl.neural.training._noise import noise_to_signal
from skmtl.tasks._by_name import put_in_order
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

# What is drawn from the seed of a fit, apart from the initial weights; those of members.
BATCHES, DROPOUT, SPLIT, BALANCING, WEIGHTS = 2, 3, 4, 5, 7

Member = tuple[int, ...]
"""What sets the draws of a network apart from those of others in the same fit."""

ALONE: tuple[Member, ...] = ((),)

# Bins of numeric_embedding="auto", one less than the values a column may have (measured).
LEVELS = 15

# Where the parameters are "auto", measured by benchmarks/accuracy.py. Least numbers of steps and
# of epochs; sizes of batches, and how many of them an epoch has in between.
N_STEPS, N_EPOCHS = 500, 30
BATCH_SIZE, N_BATCHES = (64, 256), 32
# Epochs over which AdamW's weights are a moving average of steps, for the best of them hardly
# depends on the number of rows: Wang and Aitchison, "How to set AdamW's weight decay as you scale
# model and dataset size", ICML 2025, section 3. Where labels are noisy, weights are forgotten
# faster, in proportion to noise over signal, as in Bayesian regression; a share of that hardly
# depends on the number of rows (measured: benchmarks/accuracy.py).
MEMORY, MOST_OF_A_STEP = 50.0, 0.5
# Of labels that are numbers, and of classes: what decays without noise, and with it.
LEAST_SHARE, NOISY_SHARE = {False: 1.0, True: 2.0}, {False: 0.006, True: 0.0}
# Likewise of hidden units that are left out: networks are too sure of classes (measured).
LEFT_OUT = {False: 0.1, True: 0.5}
# Of the other solvers, as scikit-learn's networks have it.
L2_ALPHA = 1e-4


def resolve(parameter: str, value: Any) -> Any:
    """A fresh architecture or balancing method from an alias or an object.

    For balancing also from a function that maps a Gramian to weights.
    """
    if isinstance(value, type):
        raise ValueError(
            f"{parameter}={value.__name__} is a class; expected an object, {value.__name__}()."
        )
    if parameter == "balancing" and callable(value):
        return Weighting(value)
    if not isinstance(value, str):
        return clone(value)
    return from_alias(parameter, value)


def read_sizes(parameter: str, sizes: Any) -> tuple[int, ...]:
    """Layer sizes as a tuple of ints."""
    sizes = tuple(np.atleast_1d(np.asarray(sizes)).tolist())
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(f"{parameter}={sizes}: every size must be a whole number > 0.")
    return sizes


def draw_seed(random_state: Any) -> int:
    """One number that decides all randomness of a fit."""
    return int(read_random_state(random_state).randint(2**31 - 1))


def read_setting(parameter: str, estimator: Any, names: list[Any]) -> Any:
    """An architecture or balancing method; what it holds for tasks is in the order of names."""
    return put_in_order(resolve(parameter, chosen(parameter, estimator)), names)


def chosen(parameter: str, estimator: Any) -> Any:
    """The value of a parameter; of "auto" for an architecture, what it means."""
    value = getattr(estimator, parameter)
    if parameter != "architecture" or not (isinstance(value, str) and value == "auto"):
        return value
    return "hard_sharing" if estimator.task_feature is None else "common_head"


def reads_as_is(architecture: Architecture) -> bool:
    """Whether a network or trunk is one that the user gives: it reads X as it is."""
    # One of the user's may not have called the __init__ of what it is made from.
    return getattr(architecture, "reads_any_shape", False)


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
            X, targets, given = X[labelled], targets.take(labelled), given.take(labelled)
        self.given, self.tasks = given, targets.tasks
        self.dtype = X.dtype if estimator.precision == "auto" else np.dtype(np.float32)
        self.X, self.targets = X, targets
        self.task_weight = self._task_weight()
        self.shrinkage = None if before is None else before.shrinkage
        architecture = self.setting("architecture")
        self.inputs = self._inputs(architecture, None if before is None else before.inputs)
        self.description = describe(
            architecture,
            self.inputs.n_inputs,
            self.tasks,
            hidden_layer_sizes=read_sizes("hidden_layer_sizes", estimator.hidden_layer_sizes),
            head_hidden_layer_sizes=read_sizes(
                "head_hidden_layer_sizes", estimator.head_hidden_layer_sizes
            ),
            activation=estimator.activation,
            dropout=self.dropout,
            normalization=estimator.normalization,
            linear_skip=self._has_skip(architecture),
            embedding=self.inputs.embedding,
        )
        if before is not None:
            check_same_network(before.description, self.description)

    def setting(self, parameter: str) -> Any:
        """A fresh architecture or balancing method, for the tasks of the network."""
        names = self.given.tasks.names.tolist()
        found = read_setting(parameter, self.estimator, names)
        return for_network_tasks(found, self.network_tasks, len(names))

    def _has_skip(self, architecture: Architecture) -> bool:
        """Whether a linear path leads to the heads."""
        estimator = self.estimator
        if estimator.linear_skip != "auto":
            return bool(estimator.linear_skip)
        has_layers = len(read_sizes("hidden_layer_sizes", estimator.hidden_layer_sizes)) > 0
        return has_layers and not reads_as_is(architecture) and not self.tasks.is_long

    def _inputs(self, architecture: Architecture, before: Inputs | None) -> Inputs:
        """What the network reads: as before, or fitted to the rows."""
        estimator = self.estimator
        scaling, embedding = estimator.feature_scaling, estimator.numeric_embedding
        if scaling == "auto":
            # A network of the user's reads X as it is.
            scaling = None if reads_as_is(architecture) else "robust"
        if embedding == "auto":
            is_plain = self.X.ndim == 2 and not sparse.issparse(self.X)
            is_plain = is_plain and not reads_as_is(architecture)
            embedding = PiecewiseLinear(LEVELS, splits="values") if is_plain else None
        elif embedding is not None:
            embedding = resolve("numeric_embedding", embedding)
        settings = {
            "feature_scaling": scaling,
            "numeric_embedding": embedding,
            "categorical_features": estimator.categorical_features,
        }
        if before is not None:
            check_same_network(before.settings, settings)
            return before
        return fit_inputs(
            self.X,
            self.targets,
            feature_scaling=scaling,
            numeric_embedding=embedding,
            categories={
                j: len(known) for j, known in vars(estimator).get("_categories", {}).items()
            },
            settings=settings,
        )

    @property
    def dropout(self) -> float:
        """Share of the hidden units that a step leaves out."""
        dropout = self.estimator.dropout
        return self._by_kind(LEFT_OUT) if dropout == "auto" else float(dropout)

    def _by_kind(self, values: dict[bool, float]) -> float:
        """The mean over the tasks of what holds for numbers, and for classes."""
        return float(np.mean([values[task.is_classification] for task in self.tasks.tasks]))

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

    def sibling(self, estimator: Any) -> Fit:
        """The same fit with other parameters of the training."""
        other = copy.copy(self)
        other.estimator = estimator
        return other

    def module(
        self,
        state: dict[str, Array] | None,
        members: Sequence[Member] = ALONE,
        *,
        priors: Sequence[Array],
        seeds: Sequence[int] | None = None,
    ) -> MultiTaskModule:
        """The networks, in the given state or freshly initialised, with heads at the priors.

        ``members`` are what each draws from, ``seeds`` decide their weights: by default all
        begin alike.
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
        rngs = [self.rng(DROPOUT, *member) for member in members]
        for layer in module.modules():
            if isinstance(layer, Dropout):
                layer.seed([int(rng.integers(2**62)) for rng in rngs], self.device)
        return module

    @cached_property
    def objective(self) -> Objective:
        """Losses of the tasks."""
        return Objective(self.tasks, self.device)

    def rows(self, index: Array | None = None, share: Array | None = None) -> Rows:
        """Some of the rows, or all, as tensors.

        ``share`` is what a unit of weight of each task counts in the mean over these rows; by
        default one over the task's total weight there.
        """
        X, targets = self.inputs.transform(self.X, index, self.dtype), self.targets
        if index is not None:
            targets = targets.take(index)
        if share is None:
            weights = targets.label_weights()
        elif targets.task_index is None:
            weights = targets.weights * (share if targets.weights.ndim > 1 else share[0])
        else:
            weights = targets.weights * share[targets.task_index]
        return Rows(
            X,
            targets.values,
            weights * len(targets.values),
            targets.task_index,
            self.tasks.n_tasks,
            self.device,
        )

    def batch_size(self, rows: Rows | ModelRows) -> int:
        """Rows per step."""
        size = self.estimator.batch_size
        if size != "auto":
            return min(size, rows.n_rows)
        smallest, largest = BATCH_SIZE
        size = min(max(smallest, rows.n_rows // N_BATCHES), largest)
        # As large as each other, or else the last one may be a few rows.
        return -(-rows.n_rows // -(-rows.n_rows // size))

    def steps_of_an_epoch(self, rows: Rows | ModelRows) -> int:
        """Number of steps in one pass over the rows."""
        return -(-rows.n_rows // self.batch_size(rows))

    def max_iter(self, rows: Rows | ModelRows) -> int:
        """Epochs at most."""
        max_iter = self.estimator.max_iter
        if max_iter != "auto":
            return int(max_iter)
        return max(-(-N_STEPS // self.steps_of_an_epoch(rows)), N_EPOCHS)

    def alpha(self, n_rows: int, batch_size: int, *, is_stream: bool = False) -> float:
        r"""Strength of the decay.

        By default, a step at the highest learning rate :math:`\eta` forgets

        .. math:: \eta \alpha = \frac{a B}{50 n}
            + \Bigl(\frac{B}{50 n} + c\Bigr) \frac{u}{1 - u}

        of the weights, for batches of B out of n rows and the share u of noise in the labels, with
        a = 1 and c = 0.006, for classes a = 2 and c = 0, in the mean over the tasks; at most half.
        A stream has no labels yet that tell of that: u = 0.
        """
        estimator = self.estimator
        if not self.chooses_alpha:
            return L2_ALPHA if estimator.alpha == "auto" else float(estimator.alpha)
        least = batch_size / (MEMORY * n_rows)
        noise = 0.0 if is_stream else self.noise
        share = self._by_kind(LEAST_SHARE) * least + (least + self._by_kind(NOISY_SHARE)) * noise
        return float(min(share, MOST_OF_A_STEP) / estimator.learning_rate_init)

    @property
    def chooses_alpha(self) -> bool:
        """Whether the rows decide on the strength of the decay."""
        return bool(self.estimator.alpha == "auto" and self.estimator.solver == "adamw")

    @cached_property
    def noise(self) -> float:
        """Noise of the labels over their signal."""
        return noise_to_signal(self.inputs, self.X, self.targets)

    @cached_property
    def fingerprint(self) -> int:
        """A number that tells whether all rows and labels are the same."""
        X = self.X.tocsr() if sparse.issparse(self.X) else self.X
        arrays = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
        arrays += [self.targets.values, self.targets.weights]
        if self.targets.task_index is not None:
            arrays.append(self.targets.task_index)
        found = 0
        for array in arrays:
            found = zlib.crc32(np.ascontiguousarray(array).data, found)
        return found
