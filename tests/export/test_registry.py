"""Every estimator says the same as a torch module and as an ONNX graph."""

import numpy as np
import pytest
import torch
from torch import nn

from skmtl import MultiTaskMLP
from skmtl.export import to_onnx, to_torch
from skmtl.neural.architectures import ARCHITECTURES, Custom, HardSharing

from ..registry import EVERY, TWINS, kind_of
from .agreement import assert_agree, run

BATCHES = 1, 1000


def wide(kind, rng, n=80):
    """Scores, yes and no, several classes; some labels are missing."""
    X = rng.normal(size=(n, 4))
    score, other = 100.0 * X[:, 0] + X[:, 1], X[:, 2] - X[:, 3] + 0.3 * rng.normal(size=n)
    if kind == "regression":
        Y = np.column_stack([score, X[:, 1], other])
    elif kind == "classification":
        Y = np.column_stack([score > 0, other > 0, X[:, 3] < 0.3]).astype(float)
    else:
        Y = np.column_stack([score, other > 0, X[:, 3] < 0.3]).astype(float)
    Y[rng.random(Y.shape) < 0.2] = np.nan
    return X, Y


def long(kind, rng, n=80):
    """Tasks are 0, 10 and 20, in the third column; labels are numbers, or text."""
    X, task = rng.normal(size=(n, 4)), np.arange(n) % 3
    X[:, 2] = 10.0 * task
    score = X[:, 0] + 0.5 * task * X[:, 1] + 0.3 * rng.normal(size=n)
    return X, np.where(score > 0, "yes", "no") if kind == "classification" else 50.0 * score + 3.0


def rows(X, n, form):
    """New rows; in long form of an unknown task as well."""
    found = np.random.default_rng(1).normal(size=(n, X.shape[1]))
    if form == "long":
        found[:, 2] = 10.0 * (np.arange(n) % 4)
    return found


CASES = [
    (name, form)
    for name in sorted(EVERY)
    for form in ("wide", "long")
    if form == "wide" or name not in TWINS
]


def fitted(name, form):
    rng = np.random.default_rng(0)
    X, y = (wide if form == "wide" else long)(kind_of(name), rng)
    settings = {} if form == "wide" else {"task_feature": 2, "unknown_task": "shared"}
    return EVERY[name](**settings).fit(X, y), X


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "form"), CASES)
def test_every_estimator(name, form):
    estimator, X = fitted(name, form)
    module, model = to_torch(estimator), to_onnx(estimator)
    for n in BATCHES:
        new = rows(X, n, form)
        assert_agree(run(model, new), module.outputs, estimator, new)
        answers = {key: found.numpy() for key, found in module(module.read(new)).items()}
        assert_agree(answers, module.outputs, estimator, new)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", ["wide", "long"])
@pytest.mark.parametrize("alias", sorted(ARCHITECTURES))
def test_every_architecture(alias, form):
    X, y = (wide if form == "wide" else long)("any", np.random.default_rng(0))
    settings = {} if form == "wide" else {"task_feature": 2, "unknown_task": "shared"}
    estimator = MultiTaskMLP(
        (6, 6), architecture=alias, max_iter=3, random_state=0, **settings
    ).fit(X, y)
    module, model = to_torch(estimator), to_onnx(estimator)
    for n in BATCHES:
        new = rows(X, n, form)
        assert_agree(run(model, new), module.outputs, estimator, new)


@pytest.mark.parametrize(
    ("name", "form"),
    [("mlp", "wide"), ("mlp", "long"), ("kernel-ridge-cv", "wide"), ("stacking", "long")],
)
@pytest.mark.filterwarnings("ignore")
def test_torch_export(name, form):
    estimator, X = fitted(name, form)
    module = to_torch(estimator)
    sizes = {"X": {0: torch.export.Dim("n", max=2**31)}}
    inputs = (module.read(X),)
    program = torch.export.export(module, inputs, dynamic_shapes=sizes, strict=False).module()
    for n in BATCHES:
        new = rows(X, n, form)
        answers = {key: found.numpy() for key, found in program(module.read(new)).items()}
        assert_agree(answers, module.outputs, estimator, new)


class Branches(nn.Module):
    """A network of the user's."""

    def __init__(self, n_features, outputs_per_task):
        super().__init__()
        self.first = nn.Linear(n_features, 8)
        self.heads = nn.ModuleList(nn.Linear(8, n) for n in outputs_per_task)

    def forward(self, X):
        return torch.cat([head(torch.relu(self.first(X))) for head in self.heads], dim=-1)


class Pixels(nn.Module):
    """A trunk that reads pictures."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(27, 5))

    def forward(self, X):
        return self.layers(X)


@pytest.mark.filterwarnings("ignore")
def test_a_network_of_the_user():
    X, y = wide("any", np.random.default_rng(0))
    settings = {"architecture": Custom(Branches), "max_iter": 2, "random_state": 0}
    estimator = MultiTaskMLP(**settings).fit(X, y)
    module, model = to_torch(estimator), to_onnx(estimator)
    for rows in (X, X[:1]):
        assert_agree(run(model, rows), module.outputs, estimator, rows)


@pytest.mark.filterwarnings("ignore")
def test_a_trunk_that_reads_pictures():
    _, y = wide("any", np.random.default_rng(0))
    X = np.random.default_rng(0).normal(size=(80, 1, 5, 5))
    settings = {"architecture": HardSharing(trunk=Pixels), "max_iter": 2, "random_state": 0}
    estimator = MultiTaskMLP(**settings).fit(X, y)
    module, model = to_torch(estimator), to_onnx(estimator, dtype="float32")
    assert_agree(run(model, X), module.outputs, estimator, X)
    with pytest.raises(ValueError, match="single precision alone; set dtype='float32'"):
        to_onnx(estimator)
