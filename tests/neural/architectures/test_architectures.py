"""Modules: heads, padding, long form, models side by side, and where they start."""

import numpy as np
import pytest
import torch
from scipy.special import ndtr

from skmtl.neural.architectures import ARCHITECTURES, HardSharing, NetworkSpec
from skmtl.neural.architectures._units import ACTIVATIONS, Dropout
from skmtl.neural.networks._network import task_keys

every_head = pytest.mark.parametrize("heads", [(), (4,), (4, 3)])
X = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 9, 5)))
# Layers that are added up unit by unit must have one size.
SIZES = {"sluice": (6, 6)}


def module(alias, outputs, heads=(), seeds=(0,), keys=None, **options):
    sizes = SIZES.get(alias, (7, 6))
    spec = NetworkSpec(5, outputs, sizes, heads, n_models=len(seeds), **options)
    made = ARCHITECTURES[alias]().build(spec)
    made.double().eval().initialize(seeds, range(len(outputs)) if keys is None else keys)
    return made


def by_hand(module, x, t, outputs):
    """Task t of a hard-sharing network of one model, layer by layer."""
    state = {name: p.detach().numpy()[0] for name, p in module.named_parameters()}
    for i in range(2):
        x = np.maximum(x @ state[f"trunk.layers.{i}.weight"] + state[f"trunk.layers.{i}.bias"], 0)
    first, bias = state["heads.first.weight"], state["heads.first.bias"][0]
    n_rest = sum(name.startswith("heads.rest") for name in state) // 2
    start = sum(outputs[:t]) if not n_rest else t * (len(bias) // len(outputs))
    stop = start + outputs[t] if not n_rest else start + len(bias) // len(outputs)
    x = x @ first[start:stop].T + bias[start:stop]
    for i in range(n_rest):
        weight, bias = state[f"heads.rest.{i}.weight"][t], state[f"heads.rest.{i}.bias"][t]
        x = np.maximum(x, 0) @ weight.T + bias
    return x[:, : outputs[t]]


@every_head
@pytest.mark.parametrize("outputs", [[1, 1, 1], [1, 3, 0, 2]])
def test_hard_sharing_by_hand(heads, outputs):
    made = module("hard_sharing", outputs, heads)
    raw = made(X).detach().numpy()[0]
    assert raw.shape == (9, sum(outputs))
    expected = [by_hand(made, X[0].numpy(), t, outputs) for t in range(len(outputs))]
    np.testing.assert_allclose(raw, np.column_stack(expected), rtol=1e-12)


def test_a_task_named_by_a_whole_float_is_that_number():
    assert task_keys(np.array([0.0, 7.0])) == task_keys(np.array([0, 7]))
    assert len(set(task_keys(np.array(["7", 7, 7.5, "a", ""], dtype=object)))) == 5


def test_padding_stays_zero():
    made = module("hard_sharing", [1, 3], (4,))
    weight = made.heads.rest[0].weight
    assert (weight[0, 0, 1:] == 0).all()
    made(X).square().sum().backward()
    assert (weight.grad[0, 0, 1:] == 0).all()
    assert (weight.grad[0, 1] != 0).any()


def test_initial_weights_fill_glorots_bound():
    made = HardSharing().build(NetworkSpec(50, [1], (100,)))
    made.initialize([0], [0], "relu")
    bound = np.sqrt(6 / 150)
    largest = float(made.trunk.layers[0].weight.detach().abs().max())
    assert 0.99 * bound < largest <= bound
    made.initialize([0], [0], "logistic")
    largest = float(made.trunk.layers[0].weight.detach().abs().max())
    assert 0.99 < largest / np.sqrt(2 / 150) <= 1


def test_activations():
    x = torch.tensor([-1.0, 0.5])
    expected = {
        "identity": [-1.0, 0.5],
        "logistic": 1 / (1 + np.exp([1.0, -0.5])),
        "tanh": np.tanh([-1.0, 0.5]),
        "relu": [0.0, 0.5],
        "silu": [-1.0, 0.5] / (1 + np.exp([1.0, -0.5])),
        "gelu": [-1.0, 0.5] * ndtr([-1.0, 0.5]),
    }
    assert set(ACTIVATIONS) == set(expected)
    for name, activation in ACTIVATIONS.items():
        np.testing.assert_allclose(activation(x), expected[name], rtol=1e-6)


def test_dropout_draws_from_its_own_generators():
    layer, ones = Dropout(0.25), torch.ones(2, 4000, 5)
    layer.seed([1, 2], torch.device("cpu"))
    state = torch.get_rng_state()
    dropped = layer(ones)
    assert torch.equal(torch.get_rng_state(), state)
    np.testing.assert_allclose(dropped.unique(), [0.0, 1 / 0.75], rtol=1e-6)
    assert abs(float((dropped == 0).float().mean()) - 0.25) < 0.01
    alone = Dropout(0.25)
    alone.seed([2], torch.device("cpu"))
    assert torch.equal(alone(ones[:1])[0], dropped[1])
    layer.eval()
    assert layer(ones) is ones
