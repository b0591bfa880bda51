"""Small problems and pieces of the training, put together by hand."""

import pickle

import numpy as np
import pytest
import torch

from skmtl.neural._data import Rows
from skmtl.neural.architectures import ARCHITECTURES
from skmtl.neural.balancing import Equal
from skmtl.neural.gradients._objective import Objective
from skmtl.neural.networks._network import build, describe, task_keys
from skmtl.neural.training._step import Step
from skmtl.tasks._read_targets import read_targets

CPU = torch.device("cpu")
MIXED = ["regression", "binary", "multiclass", "count"]
# Parameters with which an epoch is the same however many are to follow, nothing is drawn in it, and
# the network is all there is.
PLAIN = {
    "dropout": 0.0,
    "solver": "adam",
    "learning_rate": "constant",
    "linear_skip": False,
    "feature_scaling": None,
    "numeric_embedding": None,
}


def load(path):
    """What a checkpoint has written."""
    with open(path, "rb") as file:
        return pickle.load(file)


@pytest.fixture(params=sorted(ARCHITECTURES))
def architecture(request):
    """Each registered architecture, by its alias: a new one is tested by being registered."""
    return request.param


@pytest.fixture
def mixed_data():
    """X (60, 4); a score, a yes/no, one of three classes and a count, a third missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4))
    Y = np.column_stack(
        [
            X[:, 0] + 0.1 * rng.normal(size=60),
            X[:, 1] > 0,
            np.digitize(X[:, 2], [-0.5, 0.5]),
            rng.poisson(np.exp(0.5 * X[:, 3])),
        ]
    )
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y


class Parts:
    """Everything below the estimator, for wide or long labels."""

    def __init__(
        self,
        X,
        y,
        tasks="auto",
        *,
        architecture="hard_sharing",
        task_column=None,
        sample_weight=None,
        seeds=(0,),
        **shape,
    ):
        options = {"hidden_layer_sizes": (6, 5), "activation": "tanh", "dropout": 0.0, **shape}
        options.setdefault("head_hidden_layer_sizes", ())
        self.X = X
        self.targets = read_targets(
            y,
            declared=tasks,
            task_column=task_column,
            sample_weight=sample_weight,
            standardize=True,
        )
        self.tasks = self.targets.tasks
        self.description = describe(
            ARCHITECTURES[architecture](), X.shape[1], self.tasks, **options
        )
        self.seeds = seeds
        self.module = build(self.description, X.dtype, CPU, len(seeds))
        keys = task_keys(self.tasks.names)
        self.module.initialize(seeds, keys, options["activation"])
        self.objective = Objective(self.tasks, CPU)
        self.rows = self.make_rows(X, self.targets)

    def make_rows(self, X, targets):
        weights = targets.label_weights() * len(X)
        return Rows(X, targets.values, weights, targets.task_index, self.tasks.n_tasks, CPU)

    def step(self, task_weight=None, balancing=None):
        omega = np.ones(self.tasks.n_tasks) if task_weight is None else np.asarray(task_weight)
        balancing = balancing or Equal()
        return Step(
            self.module,
            self.objective,
            balancing,
            torch.from_numpy(omega).to(self.rows.values.dtype),
        )

    def losses(self, module=None):
        """Task losses over all rows, (n_models, n_tasks)."""
        batch = self.rows.all(len(self.seeds))
        return self.objective((module or self.module)(batch.X, batch.task_index), batch)

    def raw(self):
        """Raw scores of all rows, (n_models, n, n_outputs), numpy."""
        batch = self.rows.all(len(self.seeds))
        return self.module(batch.X, batch.task_index).detach().numpy()


@pytest.fixture
def parts():
    return Parts
