"""The data of a fit, its network and its randomness."""

from __future__ import annotations

import zlib
from functools import cached_property

import numpy as np
from scipy import sparse

from skmtl.neural.architectures._layers import Dropout
from skmtl.neural.gradients._objective import Objective
from skmtl.neural.training._data import Rows
from skmtl.neural.training._environment import read_device
from skmtl.neural.training._members import part_for, restrict
from skmtl.neural.training._network import build, describe, set_state, task_keys
from skmtl.neural.training._settings import read_sizes, resolve
from skmtl.tasks._by_name import put_in_order

# What is drawn from the seed of a fit, apart from the initial weights.
BATCHES, DROPOUT, SPLIT, BALANCING = 2, 3, 4, 5


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
    members : ndarray of int or None, default=None
        The tasks that the network is made for; None for all of them.

    Attributes
    ----------
    tasks, targets : TaskSet, Targets
        Of the tasks of the network, and of the rows with labels.
    given : Targets
        Of all tasks, same rows.
    """

    def __init__(self, estimator, X, targets, seed, members=None):
        self.estimator = estimator
        self.seed = seed
        self.members = members
        self.device = read_device(estimator.device)
        given, targets = targets, restrict(targets, members)
        # A row without labels must not even take a place in a batch.
        labelled = targets.row_is_observed
        if not labelled.all():
            X, targets, given = X[labelled], targets.take(labelled), given.take(labelled)
        self.given, self.tasks = given, targets.tasks
        if estimator.precision != "auto":
            X = X.astype(np.float32, copy=False)
        self.X, self.targets = X, targets
        self.task_weight = self._task_weight()
        self.description = describe(
            self.part("architecture"),
            X.shape[1] if X.ndim == 2 else X.shape[1:],
            self.tasks,
            hidden_layer_sizes=read_sizes("hidden_layer_sizes", estimator.hidden_layer_sizes),
            head_hidden_layer_sizes=read_sizes(
                "head_hidden_layer_sizes", estimator.head_hidden_layer_sizes
            ),
            activation=estimator.activation,
            dropout=float(estimator.dropout),
            normalization=estimator.normalization,
        )

    def part(self, parameter):
        """A fresh architecture or balancing method, for the tasks of the network."""
        found = resolve(parameter, getattr(self.estimator, parameter))
        names = self.given.tasks.names.tolist()
        return part_for(put_in_order(found, names), self.members, len(names))

    def _task_weight(self):
        """Weights of the tasks of the network, checked for all."""
        task_weight = self.estimator.task_weight
        weight = self.given.task_weights(task_weight)
        if self.members is None:
            return weight
        if task_weight is None or isinstance(task_weight, str):
            return self.targets.task_weights(task_weight)
        weight = weight[self.members]
        # As vanishing weights: those above 0 may belong to tasks that there is nothing to learn of.
        return self.targets.task_weights(weight if weight.any() else None)

    def rng(self, purpose, *more):
        """A generator for one purpose, so that no draw moves another."""
        return np.random.default_rng([self.seed, purpose, *more])

    def module(self, state, *more):
        """The network, freshly initialised or in the given state."""
        module = build(self.description, self.X.dtype, self.device, tasks=self.tasks)
        module.mixed_precision = self.estimator.precision == "bfloat16"
        if state is None:
            keys = task_keys(self.tasks.names)
            module.initialize([self.seed], keys, self.description["activation"])
        else:
            set_state(module, state)
        rng = self.rng(DROPOUT, *more)
        for layer in module.modules():
            if isinstance(layer, Dropout):
                layer.seed([int(rng.integers(2**62))], self.device)
        return module

    @cached_property
    def objective(self):
        """Losses of the tasks."""
        return Objective(self.tasks, self.device)

    def rows(self, members=None, share=None):
        """Some of the rows, or all, as tensors.

        ``share`` is what a unit of weight of each task counts in the mean over these rows; by
        default one over the task's total weight there.
        """
        X, targets = self.X, self.targets
        if members is not None:
            X, targets = X[members], targets.take(members)
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

    def batch_size(self, rows):
        """Rows of a step."""
        size = self.estimator.batch_size
        return min(200 if size == "auto" else size, rows.n_rows)

    def steps_of_an_epoch(self, rows):
        """Number of steps in one pass over the rows."""
        return -(-rows.n_rows // self.batch_size(rows))

    @cached_property
    def fingerprint(self):
        """A number that tells whether all rows and labels are the same."""
        X = self.X.tocsr() if sparse.issparse(self.X) else self.X
        parts = [X.data, X.indices, X.indptr] if sparse.issparse(X) else [X]
        parts += [self.targets.values, self.targets.weights]
        if self.targets.task_index is not None:
            parts.append(self.targets.task_index)
        found = 0
        for part in parts:
            found = zlib.crc32(np.ascontiguousarray(part), found)
        return found
