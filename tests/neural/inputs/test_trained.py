"""Embeddings that are trained with the network: waves of numbers, tables of categories."""

import pickle
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from skmtl import MultiTaskMLPRegressor
from skmtl.neural.architectures import ARCHITECTURES, NetworkSpec
from skmtl.neural.architectures._build import build_network
from skmtl.neural.architectures._parameters import Shared
from skmtl.neural.gradients._manual_gradients import ManualGradients
from skmtl.neural.inputs import Periodic, TrainedEmbedding
from skmtl.neural.inputs._parts import Codes
from skmtl.testing._module import (
    assert_gradients_are_right,
    assert_long_is_wide,
    assert_tasks_are_apart,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

# Two numbers, an indicator, and the number of one of four categories.
EMBEDDING = {"n_numbers": 2, "numeric": Periodic(3), "tables": (4,), "width": 2}
rng = np.random.default_rng(0)
X = np.column_stack([rng.normal(size=(9, 2)), rng.random(9) > 0.5, np.arange(9) % 4])
X = torch.from_numpy(X)[None]


def made(alias, outputs=(1, 3, 2), seeds=(0,)):
    """A module in float64, no parameter where it started."""
    shape = {"activation": "tanh", "linear_skip": True, "embedding": EMBEDDING}
    spec = NetworkSpec(4, outputs, (6,), n_models=len(seeds), **shape)
    module = build_network(ARCHITECTURES[alias](), spec).double().eval()
    module.initialize(seeds, range(len(outputs)), "tanh")
    with torch.no_grad():
        for p in module.parameters():
            shift = np.random.default_rng(0).normal(size=p.shape[1:])
            p.add_(0.3 * torch.from_numpy(shift))
    return module


@pytest.mark.parametrize("alias", sorted(ARCHITECTURES))
def test_gradients_and_what_is_shared(alias):
    module = made(alias)
    assert_gradients_are_right(module, X)
    assert_tasks_are_apart(module, (1, 3, 2), X)
    shared = {id(p) for p in module.shared_parameters()}
    assert {id(p) for p in module.embedding.parameters()} <= shared
    assert_long_is_wide(made(alias, (2, 2, 2), (0, 1)), 3, X=X.repeat(2, 1, 1))


@pytest.mark.parametrize("alias", sorted(ARCHITECTURES))
def test_models_side_by_side_are_the_same_models_alone(alias):
    together, alone = made(alias, seeds=(3, 4)), [made(alias, seeds=(seed,)) for seed in (3, 4)]
    expected = torch.cat([one(X) for one in alone]).detach()
    np.testing.assert_allclose(together(X.repeat(2, 1, 1)).detach(), expected, rtol=1e-12)


def test_waves_by_hand():
    layer = Periodic(1).layer(1, 2)
    with torch.no_grad():
        layer.frequencies[:] = torch.tensor([[[[0.25], [1.0]]]])
    found = layer(torch.tensor([[[1.0, 0.125]]])).detach().numpy()
    half = np.sqrt(0.5)
    np.testing.assert_allclose(found, [[[1.0, half, 0.0, half]]], atol=1e-6)


def test_waves_learn_waves():
    x = np.random.default_rng(0).uniform(-2, 2, size=(600, 1))
    y = np.sin(9 * x)
    options = {"max_iter": 60, "learning_rate_init": 0.01, "random_state": 0, "linear_skip": True}
    waves = Periodic(scale=1.0)
    model = MultiTaskMLPRegressor((16,), numeric_embedding=waves, **options).fit(x[:500], y[:500])
    assert model.score(x[500:], y[500:]) > 0.9


def cities(n=600, n_cities=60, seed=0):
    rng = np.random.default_rng(seed)
    city = rng.integers(n_cities, size=n)
    value = np.random.default_rng(1).normal(size=n_cities)
    table = pd.DataFrame({"x": rng.normal(size=n), "city": pd.Categorical(city)})
    return table, np.column_stack([value[city] + 0.1 * rng.normal(size=n), table["x"]])


def network(**options):
    settings = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0}
    return MultiTaskMLPRegressor(**{**settings, **options})


def test_many_categories_have_a_table():
    table, Y = cities()
    Y[table["city"] == 7] = np.nan
    options = {"max_iter": 100, "learning_rate_init": 0.01}
    model = network(**options).fit(table, Y)
    [part] = model._fitted.inputs.parts
    assert isinstance(part, Codes)
    assert part.n_rows == 59 + 1
    assert model._fitted.parameters["embedding.tables.0.weight"].shape == (1, 60, 8)
    # No row has shown the last one.
    assert not model._fitted.parameters["embedding.tables.0.weight"][0, -1].any()
    new, Y_new = cities(seed=5)
    known = (new["city"] != 7).to_numpy()
    assert model.score(new[known], Y_new[known]) > 0.8
    # Without labels, unknown or missing: all alike.
    odd = table.assign(city=table["city"].astype(object).where(table.index > 2, 7))
    other = table.assign(city=table["city"].astype(object).where(table.index > 2, 999))
    none = table.assign(city=table["city"].astype(object).where(table.index > 2, None))
    np.testing.assert_array_equal(model.predict(odd), model.predict(none))
    np.testing.assert_array_equal(model.predict(other), model.predict(none))
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(model)).predict(new), model.predict(new)
    )


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
@pytest.mark.parametrize("form", ["wide", "long"])
def test_every_architecture(architecture, form):
    table, Y = cities(200)
    settings = {"numeric_embedding": "periodic", "linear_skip": True, "feature_scaling": "robust"}
    if form == "long":
        table, Y = table.assign(task=np.arange(200) % 3), Y[:, 0]
        settings["task_feature"] = "task"
    model = network(architecture=architecture, max_iter=2, **settings).fit(table, Y)
    assert np.isfinite(model.predict(table)).all()
    model = network(architecture=architecture, **settings)
    assert np.isfinite(model.partial_fit(table, Y).partial_fit(table, Y).predict(table)).all()


@pytest.mark.parametrize("balancing", ["pcgrad", "uncertainty"])
def test_balancing_and_warm_start(balancing):
    table, Y = cities(200)
    model = network(balancing=balancing, numeric_embedding="periodic", warm_start=True)
    model.fit(table, Y).fit(table, Y)
    assert np.isfinite(model.predict(table)).all()
    with pytest.raises(ValueError, match=r"numeric_embedding was Periodic\(\) and is None"):
        model.set_params(numeric_embedding=None).fit(table, Y)


class Doubled(TrainedEmbedding):
    alias = "doubled"

    def layer(self, n_models, n_numbers):
        from skmtl.neural.inputs._periodic_layer import PeriodicLayer

        return PeriodicLayer(n_models, n_numbers, 1, 2.0)


class Scaled(TrainedEmbedding):
    """By autograd, for nothing is written out."""

    alias = "scaled"

    def layer(self, n_models, n_numbers):
        return ScaledLayer(n_models, n_numbers)


class ScaledLayer(Shared):
    def __init__(self, n_models, n_numbers):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(n_models, 1, n_numbers))
        self.n_outputs = n_numbers

    def initialize(self, model, rng, gain):
        pass

    def forward(self, Z):
        return self.weight * Z


@pytest.mark.parametrize(
    ("embedding", "name", "is_written_out"),
    [(Doubled(), "frequencies", True), (Scaled(), "weight", False)],
)
def test_one_of_the_users_own(embedding, name, is_written_out):
    table, Y = cities(100)
    model = network(numeric_embedding=embedding).fit(table, Y)
    model.predict(table)
    found = model._fitted.parameters[f"embedding.numeric.{name}"]
    assert (
        found
        != network(numeric_embedding=embedding, max_iter=1)
        .fit(table, Y)
        ._fitted.parameters[f"embedding.numeric.{name}"]
    ).any()
    module = model._fitted.built["module"]
    assert ManualGradients.knows(module, SimpleNamespace(is_long=False)) == is_written_out


@pytest.mark.parametrize("hidden_layer_sizes", [(), (8,)])
def test_a_network_without_layers_learns_them_too(hidden_layer_sizes):
    table, Y = cities()
    model = network(hidden_layer_sizes=hidden_layer_sizes, max_iter=100).fit(table, Y)
    assert model.score(table, Y) > 0.8
