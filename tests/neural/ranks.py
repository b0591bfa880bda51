"""Fits that two processes share, run by torchrun: see test_ranks.py.

Every case is called by both processes, and returns what it found: arrays that have to be the same
in both, or a text.
"""

import json
import os
import pickle
import signal
import sys
import tempfile
import threading
import time
import traceback
import warnings
from datetime import timedelta
from functools import partial

import numpy as np
import torch
from scipy import sparse
from torch import nn

from skmtl import MultiTaskMLP, MultiTaskMLPCV
from skmtl.model_selection import StackedGridSearchCV
from skmtl.neural import Checkpoint, _ranks, in_one_process
from skmtl.neural.architectures import ARCHITECTURES, Custom, HardSharing
from skmtl.neural.balancing import BALANCING
from skmtl.neural.gradients._manual_gradients import ManualGradients
from skmtl.neural.training._callbacks import HAS_CALLBACKS
from skmtl.sources import ArraySource

# Methods that go by losses, products of gradients, or gradients, with or without a memory.
KINDS = ("famo", "dwa", "uncertainty", "pcgrad", "gradnorm", "graddrop", "db_mtl")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(75, 4))
Y = np.column_stack([X[:, 0] * X[:, 1], X[:, 2] > 0, X[:, 1] - X[:, 3]]).astype(float)
Y[RNG.random(Y.shape) < 0.3] = np.nan
# Most batches have no label of the last task in the rows of one process.
Y[:70, 2] = np.nan
TASK = np.arange(75) % 3
LONG = np.column_stack([X, TASK])
TASKS = ["regression", "binary", "regression"]
SMALL = {
    "hidden_layer_sizes": (6, 6),
    "max_iter": 2,
    "batch_size": 25,
    "dropout": 0.3,
    "random_state": 0,
}
WIDE = {**SMALL, "tasks": TASKS}
N_STEPS = 3
IN_HEADS = {"conflict_space": "representation"}


def numbers(model):
    """Everything that a fit has learnt."""
    found = [np.ravel(model.predict(LONG if model.task_feature is not None else X))]
    if hasattr(model, "_fitted"):
        found += [np.ravel(array) for array in model._fitted.parameters.values()]
        found += [np.ravel(model.loss_curve_), [model.n_iter_, model.best_loss_]]
    return np.concatenate(found).astype(float)


def compared(make, fit=None, numbers=numbers):
    """A case: both ways to fit give the same."""

    def case(rank):
        fitted = fit or (lambda model: model.fit(X, Y))
        shared = numbers(fitted(make()))
        if rank:
            return shared
        with in_one_process():
            return shared, numbers(fitted(make()))

    return case


def wide(**options):
    return compared(lambda: MultiTaskMLP(**{**WIDE, **options}))


def fit_long(model):
    return model.fit(LONG, Y[:, 0].copy())


def fit_stream(model):
    for _ in range(2):
        for rows in (slice(40), slice(40, 43), slice(43, None)):
            model.partial_fit(X[rows], Y[rows], classes={1: [0.0, 1.0]})
    return model


def fit_twice(model):
    return model.fit(X, Y).set_params(max_iter=2).fit(X, Y)


def fit_weighted(model):
    return model.fit(X, Y, sample_weight=np.arange(75.0) % 4)


def fit_times(model):
    return model.fit(X, np.column_stack([np.exp(X[:, 0]), X[:, 1]]))


def two_layers(n_features, outputs_per_task):
    return nn.Sequential(nn.Linear(n_features, 5), nn.Tanh(), nn.Linear(5, sum(outputs_per_task)))


def trunk(make):
    def factory(n_features):
        return nn.Sequential(nn.Linear(n_features, 5), make(), nn.Tanh())

    return HardSharing(trunk=factory)


def own_dropout(rank):
    """Drawn by each process for its rows, so that it is that of one process in law only."""
    return numbers(MultiTaskMLP(**WIDE, architecture=trunk(nn.Dropout)).fit(X, Y))


def rows_seen(rank):
    """Each process looks at its share of the rows alone."""
    seen, forward = [], ManualGradients.forward

    def counted(self, batch):
        seen.append(batch.X.shape[1])
        return forward(self, batch)

    ManualGradients.forward = counted
    try:
        MultiTaskMLP(**{**WIDE, "max_iter": 1}).fit(X, Y)
    finally:
        ManualGradients.forward = forward
    return str(seen)


def fit_search(make):
    search = StackedGridSearchCV(make(), {"alpha": [0.0, 0.1]}, cv=2)
    return search.fit(X, Y)


def of_search(search):
    return np.concatenate([search.cv_results_["mean_test_score"], numbers(search.best_estimator_)])


def fitted_blend():
    grid = {"dropout": [0.0, 0.3], "max_iter": [3], "batch_size": [16]}
    return MultiTaskMLPCV(hidden_layer_sizes=(6,), grid=grid, cv=2, random_state=0)


def raised(rank, fit):
    """Type and text of what a fit raises."""
    try:
        fit()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return "nothing"


def other_rows(rank):
    return raised(rank, lambda: MultiTaskMLP(**WIDE).fit(X + rank, Y))


def other_parameters(rank):
    return raised(rank, lambda: MultiTaskMLP(**{**WIDE, "alpha": 0.1 * (1 + rank)}).fit(X, Y))


def other_calls(rank):
    model = MultiTaskMLP(**WIDE)
    return raised(rank, lambda: model.partial_fit(X, Y) if rank else model.fit(X, Y))


def bad_rows(rank):
    return raised(rank, lambda: MultiTaskMLP(**WIDE).fit(X + (np.inf if rank else 0), Y))


class Trouble(nn.Module):
    """A layer in which one process comes to grief in its fourth epoch."""

    def __init__(self, trouble):
        super().__init__()
        self.trouble, self.n_calls = trouble, 0

    def forward(self, x):
        if self.training:
            self.n_calls += 1
            if self.n_calls == 3 * N_STEPS + 2 and torch.distributed.get_rank() == 1:
                self.trouble()
        return x


def in_trouble(trouble):
    def factory(n_features, outputs):
        return nn.Sequential(Trouble(trouble), two_layers(n_features, outputs))

    options = {**WIDE, "architecture": Custom(factory, shared="1"), "max_iter": 9}
    return MultiTaskMLP(**{**options, "learning_rate": "constant", "linear_skip": False})


def bad_rows_of_a_blend(rank):
    return raised(rank, lambda: fitted_blend().fit(X + (np.inf if rank else 0), Y))


def failing_step(rank):
    def trouble():
        raise ZeroDivisionError("by chance")

    return raised(rank, lambda: in_trouble(trouble).fit(X, Y))


def interrupted(rank):
    """The best complete epoch is kept, the same everywhere."""
    model = in_trouble(lambda: os.kill(os.getpid(), signal.SIGINT))
    before = signal.getsignal(signal.SIGINT)
    assert raised(rank, lambda: model.fit(X, Y)).startswith("KeyboardInterrupt")
    assert model.interrupted_ and signal.getsignal(signal.SIGINT) is before
    assert model.n_iter_ == 3
    return numbers(model)


class Callback:
    def __init__(self, do):
        self.do = do

    def setup(self, estimator, context):
        pass

    teardown = on_fit_task_begin = setup

    def on_fit_task_end(self, estimator, context):
        return context.task_name == "epoch" and context.task_id == 1 and self.do()


def resumed(rank):
    """A fit that goes on from a file, which each process has of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/model.pkl"
        options = {**WIDE, "learning_rate": "constant", "early_stopping": True}
        MultiTaskMLP(**options).set_callbacks(Checkpoint(path)).fit(X, Y)
        with open(path, "rb") as file:
            model = pickle.load(file)
        shared = numbers(model.set_params(warm_start=True, max_iter=4).fit(X, Y))
    with in_one_process():
        alone = numbers(MultiTaskMLP(**{**options, "max_iter": 4}).fit(X, Y))
    return shared if rank else (shared, alone)


def stopped_by_one(rank):
    model = MultiTaskMLP(**{**WIDE, "max_iter": 9})
    if not rank:
        model.set_callbacks(Callback(lambda: True))
    return [model.fit(X, Y).n_iter_]


def failing_callback(rank):
    model = MultiTaskMLP(**WIDE)
    if rank:
        model.set_callbacks(Callback(lambda: 1 / 0))
    return raised(rank, lambda: model.fit(X, Y))


def drawn_seed(rank):
    """The same in both processes, another in each fit."""
    models = [MultiTaskMLP(**{**WIDE, "random_state": None}).fit(X, Y) for _ in range(2)]
    first, second = map(numbers, models)
    assert (first != second).any()
    return first


def only_one(rank):
    """Nobody waits for a process that does something else."""
    with in_one_process():
        if rank:
            MultiTaskMLP(**WIDE).fit(X, Y)
    return "done"


def in_a_thread(rank):
    """Fits in threads come in no order that processes could have in common."""
    found = []
    if rank:
        thread = threading.Thread(target=lambda: found.append(MultiTaskMLP(**WIDE).fit(X, Y)))
        thread.start()
        thread.join()
    assert len(found) == rank
    return "done"


def waiting(rank):
    """The process that comes first says for what it waits."""
    _ranks.PATIENCE = 0.2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if rank:
            time.sleep(2.0)
        MultiTaskMLP(**WIDE).fit(X, Y)
    return " ".join(str(w.message) for w in caught if "Waiting" in str(w.message)) or "nothing"


CASES = {
    **{name: wide(architecture=name, head_hidden_layer_sizes=(3,)) for name in ARCHITECTURES},
    **{f"balancing {name}": wide(balancing=name) for name in KINDS},
    "balancing what heads read": wide(balancing=BALANCING["graddrop"](**IN_HEADS)),
    "balancing what heads read by products": wide(balancing=BALANCING["mgda"](**IN_HEADS)),
    "balancing one weight in three": wide(balancing=BALANCING["pcgrad"](update_weights_every=3)),
    "plain": wide(),
    "sgd": wide(solver="sgd", max_grad_norm=0.1),
    "all rows in a step": wide(batch_size=75),
    "fewer rows than processes": wide(batch_size=2, max_iter=1),
    "early stopping": wide(early_stopping=True, max_iter=20, n_iter_no_change=2),
    "early stopping by a split": wide(early_stopping=True, validation_fraction=0.4),
    "auto": compared(lambda: MultiTaskMLP((6,), random_state=0), lambda m: m.fit(X, Y[:, :2])),
    "batch normalisation": wide(normalization="batch"),
    "trained embeddings": wide(numeric_embedding="periodic"),
    "gates": wide(architecture=ARCHITECTURES["mmoe"](3, gate="dselect", gate_dropout=0.3)),
    "a module of the user's": wide(architecture=Custom(two_layers), linear_skip=False),
    "a trunk of the user's that sees rows": wide(architecture=trunk(partial(nn.BatchNorm1d, 5))),
    "a trunk of the user's that draws": own_dropout,
    "long": compared(lambda: MultiTaskMLP(**SMALL, task_feature=4, tasks="regression"), fit_long),
    "sparse": compared(lambda: MultiTaskMLP(**WIDE), lambda m: m.fit(sparse.csr_array(X), Y)),
    "from a source": compared(
        lambda: MultiTaskMLP(**WIDE), lambda m: m.fit(ArraySource(X.astype("float32"), Y))
    ),
    "sample weights": compared(lambda: MultiTaskMLP(**WIDE), fit_weighted),
    "partial_fit": compared(lambda: MultiTaskMLP(**WIDE), fit_stream),
    "warm start": compared(lambda: MultiTaskMLP(**WIDE, warm_start=True), fit_twice),
    "times": compared(lambda: MultiTaskMLP(**SMALL, tasks=["cox", "regression"]), fit_times),
    "blend": compared(fitted_blend),
    "stacked search": compared(
        lambda: MultiTaskMLP(**WIDE), lambda m: fit_search(lambda: m), of_search
    ),
    "drawn seed": drawn_seed,
    "interrupted": interrupted,
}
"""What has to be the same alone and shared, or at least in both processes."""

SAID = {
    "rows seen": rows_seen,
    "other rows": other_rows,
    "other parameters": other_parameters,
    "other calls": other_calls,
    "bad rows": bad_rows,
    "bad rows of a blend": bad_rows_of_a_blend,
    "failing step": failing_step,
    "only one": only_one,
    "in a thread": in_a_thread,
    "waiting": waiting,
}
"""What both processes say of a case."""

if HAS_CALLBACKS:
    CASES |= {"resumed": resumed, "stopped by one": stopped_by_one}
    SAID |= {"failing callback": failing_callback}


def main(path):
    """Run all cases in the order in which they are above, and write what each process found."""
    warnings.simplefilter("ignore")
    torch.distributed.init_process_group("gloo", timeout=timedelta(seconds=60))
    rank, found = torch.distributed.get_rank(), {}
    for name, case in {**CASES, **SAID}.items():
        try:
            result = case(rank)
        except Exception:
            result = traceback.format_exc()
        found[name] = result if isinstance(result, str) else np.array(result).tolist()
    # The group is the user's, and still there.
    torch.distributed.barrier()
    with open(f"{path}.{rank}", "w") as file:
        json.dump(found, file)
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main(sys.argv[1])
