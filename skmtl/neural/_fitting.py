"""From an estimator's parameters and data to a trained network."""

from __future__ import annotations

import numpy as np
import torch

from skmtl.neural._adam import Adam
from skmtl.neural._data import Rows
from skmtl.neural._environment import gradients, limited_threads, memory_hint, read_device
from skmtl.neural._network import build, describe, set_state, task_keys
from skmtl.neural._objective import Objective
from skmtl.neural._observer import Observer
from skmtl.neural._progress import Progress
from skmtl.neural._results import check_finite_epoch, warn_of_end, write_results
from skmtl.neural._settings import check_same_network, draw_seed, read_sizes, resolve
from skmtl.neural._split import validation_split
from skmtl.neural._step import Step
from skmtl.neural._training import train
from skmtl.neural.architectures._layers import Dropout

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
    """

    def __init__(self, estimator, X, targets, seed):
        self.estimator = estimator
        self.tasks = targets.tasks
        self.seed = seed
        self.device = read_device(estimator.device)
        # A row without labels must not even take a place in a batch.
        labelled = targets.row_is_observed
        if not labelled.all():
            X, targets = X[labelled], targets.take(labelled)
        self.X, self.targets = X, targets
        self.task_weight = self.targets.task_weights(estimator.task_weight)
        self.description = describe(
            resolve("architecture", estimator.architecture),
            X.shape[1],
            self.tasks,
            hidden_layer_sizes=read_sizes("hidden_layer_sizes", estimator.hidden_layer_sizes),
            head_hidden_layer_sizes=read_sizes(
                "head_hidden_layer_sizes", estimator.head_hidden_layer_sizes
            ),
            activation=estimator.activation,
            dropout=float(estimator.dropout),
        )

    def rng(self, purpose, *more):
        """A generator for one purpose, so that no draw moves another."""
        return np.random.default_rng([self.seed, purpose, *more])

    def module(self, state, *more):
        """The network, freshly initialised or in the given state."""
        module = build(self.description, self.X.dtype, self.device)
        if state is None:
            keys = task_keys(self.tasks.names)
            module.initialize([self.seed], keys, self.description["activation"])
        else:
            set_state(module, state)
        for layer in module.modules():
            if isinstance(layer, Dropout):
                layer.seed([int(self.rng(DROPOUT, *more).integers(2**62))], self.device)
        return module

    def rows(self, members=None, share=None):
        """Some of the rows, or all, as tensors.

        ``share`` is what a unit of weight of each task counts in the mean over these rows; by
        default one over the task's total weight there.
        """
        X, targets = self.X, self.targets
        if members is not None:
            X, targets = X[members], targets.take(members)
        if share is None:
            weights = targets.cell_weights()
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

    def train(self, module, rows, rng, *, max_iter, state=None, validation=None, observer=None):
        """Train the network; returns the books and the optimizer."""
        estimator = self.estimator
        batch_size = 200 if estimator.batch_size == "auto" else estimator.batch_size
        batch_size = min(batch_size, rows.n_rows)
        optimizer = Adam(
            module, learning_rate=estimator.learning_rate_init, alpha=estimator.alpha, state=state
        )
        balancing = resolve("balancing", estimator.balancing)
        balancing.start([int(self.rng(BALANCING).integers(2**62))], task_keys(self.tasks.names))
        omega = torch.from_numpy(self.task_weight).to(rows.labels)
        step = Step(module, Objective(self.tasks, self.device), balancing, omega)
        progress = Progress(
            module,
            1,
            self.counts(rows if validation is None else validation),
            tol=estimator.tol,
            n_iter_no_change=estimator.n_iter_no_change,
        )
        work = batch_size * sum(p.numel() for p in module.parameters())
        with limited_threads(estimator.n_threads, work), memory_hint(batch_size):
            train(
                module,
                rows,
                step,
                optimizer,
                progress,
                rngs=[rng],
                batch_size=batch_size,
                max_iter=max_iter,
                validation=validation,
                observer=observer,
            )
        return progress, optimizer

    def counts(self, judged):
        """Weights of the tasks in the mean loss that decides on stopping."""
        can_learn = np.array(self.description["outputs_per_task"]) > 0
        counts = self.task_weight * (judged.task_has_label & can_learn)
        return counts if counts.any() else judged.task_has_label.astype(float)


@gradients()
def fit_network(estimator, X, targets):
    """Train until convergence and set the fitted attributes."""
    fit = Fit(estimator, X, targets, draw_seed(estimator.random_state))
    state = getattr(estimator, "_state", None) if estimator.warm_start else None
    if state is not None:
        check_same_network(estimator._description, fit.description)
    members = held_out = validation = None
    if estimator.early_stopping:
        members, held_out = validation_split(
            fit.targets, estimator.validation_fraction, fit.rng(SPLIT)
        )
        validation = fit.rows(held_out)
    rows = fit.rows(members)
    module = fit.module(state)
    estimator._description = fit.description
    observer = Observer(estimator, module)
    progress, _ = fit.train(
        module,
        rows,
        fit.rng(BATCHES),
        max_iter=estimator.max_iter,
        validation=validation,
        observer=observer,
    )
    check_finite_epoch(fit, progress)
    write_results(fit, module, progress, rows, held_out)
    estimator.__dict__.pop("_stream", None)
    warn_of_end(fit, progress, has_stopped=observer.has_stopped)
    observer.end()


@gradients()
def partial_fit_network(estimator, X, targets):
    """One pass over the given rows, and what the next call needs to go on.

    A label counts by how many labels its task has had so far, for how many it will have is
    not known; in a single pass over all rows that is the objective of `fit`.
    """
    is_first = not hasattr(estimator, "_state")
    stream = getattr(estimator, "_stream", None) or {
        "seed": draw_seed(estimator.random_state),
        "calls": 0,
        "rows": 0,
        "weight": np.zeros(targets.tasks.n_tasks),
        "optimizer": None,
    }
    fit = Fit(estimator, X, targets, stream["seed"])
    if not len(fit.targets.values):
        return
    if not is_first:
        check_same_network(estimator._description, fit.description)
    n_rows = stream["rows"] + len(fit.targets.values)
    weight = stream["weight"] + fit.targets.sum_by_task(fit.targets.weights)
    share = np.divide(n_rows, weight, out=np.zeros_like(weight), where=weight > 0)
    rows = fit.rows(share=share / len(fit.targets.values))
    module = fit.module(None if is_first else estimator._state, stream["calls"])
    estimator._description = fit.description
    progress, optimizer = fit.train(
        module, rows, fit.rng(BATCHES, stream["calls"]), max_iter=1, state=stream["optimizer"]
    )
    check_finite_epoch(fit, progress)
    write_results(fit, module, progress, rows, goes_on=not is_first)
    estimator._stream = {
        **stream,
        "calls": stream["calls"] + 1,
        "rows": n_rows,
        "weight": weight,
        "optimizer": optimizer.state(),
    }
