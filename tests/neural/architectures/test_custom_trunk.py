"""A trunk of the user's: what it computes, where it starts, what a fit leaves behind."""

import pickle
from functools import partial

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from skmtl import MultiTaskMLP
from skmtl.neural.architectures import HardSharing
from skmtl.neural.architectures._side_by_side import drawing_from
from skmtl.neural.architectures._units import Draws
from skmtl.neural.training._snapshot import Snapshot
from skmtl.testing._module import assert_gradients_are_right
from tests.neural.checks import make, same_scores
from tests.neural.conftest import PLAIN

SHAPE = (1, 6, 6)
IMAGES = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 7, *SHAPE)))


def convolutional():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten())


def normalising():
    return nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.3), nn.ReLU())


def lazy():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(3))


class Tied(nn.Module):
    """Two layers with one weight, a frozen one, and a buffer that is replaced in each call."""

    def __init__(self):
        super().__init__()
        self.register_buffer("n_calls", torch.zeros((), dtype=torch.int64))
        self.first, self.second = nn.Linear(5, 5), nn.Linear(5, 5)
        self.second.weight = self.first.weight
        self.frozen = nn.Linear(5, 5).requires_grad_(False)

    def forward(self, x):
        self.n_calls.add_(1)
        return self.frozen(self.second(self.first(x)).tanh())


def recurrent():
    return Last(nn.LSTM(1, 3, batch_first=True))


class Last(nn.Module):
    def __init__(self, module):
        super().__init__()
        self.module = module

    def forward(self, x):
        return self.module(x.unsqueeze(-1))[0][:, -1]


def own(factory, shape=(5,), **options):
    return make(HardSharing(trunk=factory), n_features=shape, **options)


@pytest.mark.parametrize("sizes", [(), (7,)])
def test_it_is_the_module_under_the_hidden_layers(sizes):
    made = own(convolutional, SHAPE, hidden_layer_sizes=sizes)
    module = convolutional().double()
    with torch.no_grad():
        for p, ours in zip(module.parameters(), made.trunk[0].module.parameters(), strict=True):
            p.copy_(ours[0])
    found = made.trunk[1](module(IMAGES[0])[None])
    np.testing.assert_allclose(made.represent(IMAGES).detach(), found.detach(), rtol=1e-12)
    assert found.shape[-1] == (*sizes, 32)[0]
    flat = made.represent(IMAGES.flatten(2))
    assert torch.equal(flat, made.represent(IMAGES))


@pytest.mark.parametrize(
    ("factory", "shape"), [(convolutional, SHAPE), (lazy, (5,)), (Tied, (5,)), (recurrent, (5,))]
)
def test_gradients(factory, shape):
    made = own(factory, shape, outputs=(1, 2), hidden_layer_sizes=(2,))
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 3, *shape)))
    assert_gradients_are_right(made, x)


@pytest.mark.parametrize("factory", [convolutional, lazy, Tied, recurrent])
def test_models_side_by_side_are_models_alone(factory):
    shape = SHAPE if factory is convolutional else (5,)
    x = torch.from_numpy(np.random.default_rng(1).normal(size=(1, 4, *shape)))
    together = own(factory, shape, seeds=(5, 6))(torch.cat([x, x]))
    alone = [own(factory, shape, seeds=(seed,))(x)[0] for seed in (5, 6)]
    np.testing.assert_allclose(together.detach(), torch.stack(alone).detach(), rtol=1e-12)


def test_all_its_parameters_are_shared_and_start_from_the_seed():
    state = torch.get_rng_state()
    made, again = own(convolutional, SHAPE), own(convolutional, SHAPE)
    assert torch.equal(torch.get_rng_state(), state)
    same_scores(made, again, X=IMAGES)
    other = own(convolutional, SHAPE, seeds=(1,))
    assert not torch.equal(other.trunk[0].module[0].weight, made.trunk[0].module[0].weight)
    shared = {id(p) for p in made.shared_parameters()}
    assert {id(p) for p in made.trunk.parameters()} == shared
    bound = 1 / 3
    largest = float(made.trunk[0].module[0].weight.detach().abs().max())
    assert 0.5 * bound < largest <= bound


def test_frozen_parameters_stay_and_tied_ones_stay_tied():
    made = own(Tied, hidden_layer_sizes=())
    names = {name for name, _ in made.trunk.named_parameters()}
    assert names == {f"0.module.{name}" for name in ("first.weight", "first.bias", "second.bias")}
    assert {"trunk.0.module.frozen.weight", "trunk.0.module.n_calls"} <= set(made.state_dict())
    x = torch.ones(1, 2, 5, dtype=torch.float64)
    before = int(made.trunk[0].module.n_calls)
    made(x)
    assert int(made.trunk[0].module.n_calls) == before + 1


def test_batch_normalisation_learns_for_each_model_alone():
    made = own(normalising, seeds=(0, 1), hidden_layer_sizes=())
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 50, 5)))
    made(torch.cat([x, 10 * x]))
    norm = made.trunk[0].module[1]
    assert norm.running_var.shape == (2, 4)
    hidden = 10 * x[0] @ made.trunk[0].module[0].weight[1].T + made.trunk[0].module[0].bias[1]
    expected = 0.9 + 0.1 * hidden.var(0)
    np.testing.assert_allclose(norm.running_var[1], expected.detach(), rtol=1e-10)
    learnt = norm.running_var.clone()
    made(x[:, :1].expand(2, -1, -1))
    made.eval()(torch.cat([x, x]))
    assert torch.equal(norm.running_var, learnt)


def test_a_checkpoint_has_what_normalisation_has_learnt():
    made = own(normalising)
    kept = Snapshot(made)
    made(torch.ones(1, 3, 5, dtype=torch.float64))
    norm = made.trunk[0].module[1]
    assert norm.running_mean.any()
    kept.restore()
    assert not norm.running_mean.any()


def test_randomness_is_drawn_from_the_seed_of_each_model():
    made = own(normalising, seeds=(0, 0), hidden_layer_sizes=())
    x = torch.ones(2, 30, 5, dtype=torch.float64)
    state = torch.get_rng_state()

    def run(seeds):
        for layer in made.modules():
            if isinstance(layer, Draws):
                layer.seed(seeds, torch.device("cpu"))
        return made(x).detach(), made(x).detach()

    first, second = run((1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(run((1, 2))[0], first)
    assert not torch.equal(first, second)
    assert not torch.equal(first[0], first[1])


def test_a_failing_module_leaves_the_generator_as_it_was():
    state = torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), drawing_from(torch.Generator().manual_seed(1)):
        torch.rand(3)
        raise ZeroDivisionError
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("factory", [normalising, Tied, lazy])
def test_an_estimator_with_it_repeats_clones_and_pickles(factory, early_stopping):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(61, 5)).astype(np.float32)
    y = np.column_stack([X[:, 0] + X[:, 1], X[:, 2] > 0])
    y[::3, 1] = np.nan
    model = MultiTaskMLP(
        (6,),
        architecture=HardSharing(trunk=factory),
        batch_size=20,
        max_iter=12,
        n_iter_no_change=2,
        early_stopping=early_stopping,
        random_state=0,
    )
    predicted = model.fit(X, y).predict(X)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), predicted)
    np.testing.assert_array_equal(clone(model).fit(X, y).predict(X), predicted)
    assert model.predict(X[:1]).shape == (1, 2)
    for fitted in (again, model):
        fitted.set_params(early_stopping=False).partial_fit(X, y)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


@pytest.mark.parametrize(
    ("trunk", "shape", "message"),
    [
        (nn.Flatten(), SHAPE, r"trunk=Flatten\(...\) is a module; expected a function"),
        (lambda: nn.Conv2d(1, 2, 3), SHAPE, r"\(1, 1, 6, 6\) to shape \(1, 2, 4, 4\); expected"),
        (None, SHAPE, r"shape \(1, 6, 6\): HardSharing needs a trunk"),
        (3, SHAPE, "'trunk' parameter of HardSharing"),
        (lambda: 3, SHAPE, "returned 3; expected a torch.nn.Module"),
    ],
)
def test_what_is_no_trunk_is_refused(trunk, shape, message):
    with pytest.raises(ValueError, match=message):
        own(trunk, shape)


def test_an_error_of_the_module_names_the_rows():
    with pytest.raises(RuntimeError) as caught:
        own(convolutional, (5,))
    assert "one row of shape (5,)" in caught.value.__notes__[0]


def images():
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 8))


def test_images_are_fitted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 1, 8, 8)).astype(np.float32)
    y = np.column_stack([X[:, 0, :4].mean(axis=(1, 2)), X[:, 0, :, 0].sum(axis=1) > 0])
    y[::4, 0] = np.nan
    options = {**PLAIN, "max_iter": 30, "random_state": 0}
    model = MultiTaskMLP((8,), architecture=HardSharing(trunk=images), **options).fit(X, y)
    assert model.score(X, y) > 0.8
    flat = pickle.loads(pickle.dumps(model)).predict(X)
    np.testing.assert_array_equal(flat, model.predict(X))
    with pytest.raises(ValueError, match="dim"):
        MultiTaskMLP((8,)).fit(X, y)


def keyword(n_features, width=3):
    return nn.Linear(n_features, width)


def positional(n_inputs):
    return nn.Linear(n_inputs, 3)


class Told(nn.Linear):
    def __init__(self, n_features):
        super().__init__(n_features, 3)


@pytest.mark.parametrize(
    "factory", [keyword, positional, Told, partial(nn.Linear, out_features=3), lambda w=5: lazy()]
)
def test_a_trunk_may_be_told_its_input_width(factory):
    made = own(factory, (5,), hidden_layer_sizes=())
    assert made.represent(torch.ones(1, 2, 5, dtype=torch.float64)).shape == (1, 2, 3)


def test_a_trunk_for_images_is_told_their_shape():
    def told(n_features):
        assert n_features == SHAPE
        return convolutional()

    assert own(told, SHAPE, hidden_layer_sizes=()).represent(IMAGES).shape == (1, 7, 32)
