"""A few rows have the raw scores that torch finds for many."""

import copy
import pickle

import numpy as np
import pytest
import torch

from skmtl import MultiTaskMLP, MultiTaskMLPCV
from skmtl.neural.networks._few_rows import BY_NUMPY, FEW, FewRows
from skmtl.neural.networks._predict import module_of

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = np.column_stack([X[:, 0] * X[:, 1], X[:, 2] > 0, np.arange(60) % 3])
TASKS = ["regression", "binary", "multiclass"]


def fitted(**options):
    options = {"max_iter": 2, "random_state": 0, "tasks": TASKS, **options}
    return MultiTaskMLP(**{"hidden_layer_sizes": (6, 5), **options}).fit(X, Y)


@pytest.mark.parametrize("activation", BY_NUMPY)
def test_activations_are_those_of_torch(activation):
    z = np.linspace(-30.0, 30.0, 601)
    expected = activation(torch.from_numpy(z)).numpy()
    np.testing.assert_allclose(BY_NUMPY[activation](z), expected, rtol=1e-12, atol=1e-15)
    assert BY_NUMPY[activation](z.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"activation": "relu", "linear_skip": False},
        {"activation": "logistic", "numeric_embedding": "piecewise_linear"},
        {"activation": "tanh", "hidden_layer_sizes": (), "linear_skip": True},
        {"activation": "silu", "precision": "float32"},
        {"feature_scaling": None, "dropout": 0.5},
        {"numeric_embedding": "periodic"},
        {"normalization": "layer"},
        {"head_hidden_layer_sizes": (3,)},
        {"architecture": "mmoe"},
    ],
    ids=lambda options: "-".join(options) or "default",
)
def test_a_row_has_the_scores_of_many(options):
    model = fitted(**options)
    rtol = 1e-4 if options.get("precision") == "float32" else 1e-9
    of_all = model._raw(X, None)
    for n in (1, FEW, FEW + 1):
        np.testing.assert_allclose(model._raw(X[:n], None), of_all[:n], rtol=rtol, atol=rtol)
    is_plain = FewRows.knows(module_of(model, model._fitted))
    others = {"normalization", "head_hidden_layer_sizes", "architecture"}
    assert is_plain == (not others & options.keys() and "periodic" not in options.values())


def test_never_stale():
    model = fitted()
    model.predict(X[:1])
    for change in (
        lambda: model.partial_fit(X, Y),
        lambda: model.set_params(max_iter=3).fit(X, Y),
        lambda: model.set_params(warm_start=True).fit(X, Y),
        lambda: model.add_task(X, X[:, 0], name="new"),
    ):
        change()
        for other in (model, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            few, many = other._raw(X[:2], None), model._raw(X, None)[:2]
            np.testing.assert_allclose(few, many, rtol=1e-9, atol=1e-9)


def test_networks_of_a_search():
    grid = {"alpha": [0.1, 1.0], "max_iter": [2]}
    model = MultiTaskMLPCV(grid, cv=2, tasks=TASKS, random_state=0).fit(X, Y)
    for few, many in zip(model.predict_proba(X[:2])[1:], model.predict_proba(X)[1:], strict=True):
        np.testing.assert_allclose(few, many[:2], rtol=1e-6)
