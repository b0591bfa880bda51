"""Gradients written out are those of autograd; what methods see is what they say it is."""

import numpy as np
import pytest
import torch

from skmtl.neural.architectures._units import Dropout
from skmtl.neural.balancing import BalancingInfo, GramianBalancing, JacobianBalancing
from skmtl.neural.balancing._base import CONFLICT_SPACES
from skmtl.neural.gradients._autograd import Autograd
from skmtl.neural.gradients._manual_gradients import ManualGradients
from skmtl.neural.inputs import Periodic
from tests.neural.conftest import MIXED

OWN = [1.0, 2.0, 0.5, 1.0]
# Beside numbers: the numbers of two categories.
TABLES = {"n_numbers": 3, "numeric": None, "tables": (4, 3), "width": 2}
WAVES = {**TABLES, "n_numbers": 2, "numeric": Periodic(3, scale=1.0)}


@pytest.fixture(
    params=[
        {},
        {"seeds": (0, 1)},
        {"activation": "relu"},
        {"activation": "logistic", "dropout": 0.4},
        {"activation": "identity", "hidden_layer_sizes": (5,), "seeds": (1, 2, 3)},
        {"hidden_layer_sizes": (300, 5)},
        {"activation": "silu", "dropout": 0.4},
        {"activation": "gelu", "seeds": (0, 1)},
        {"linear_skip": True, "activation": "relu"},
        {"linear_skip": True, "activation": "silu", "hidden_layer_sizes": (5,), "seeds": (0, 1)},
        {"embedding": TABLES},
        {"embedding": WAVES, "seeds": (0, 1), "activation": "gelu", "dropout": 0.4},
        {"embedding": WAVES, "hidden_layer_sizes": (300,), "linear_skip": True, "seeds": (0, 1)},
    ],
    ids=str,
)
def engines(request, parts, mixed_data):
    """`ManualGradients` and `Autograd` after a pass over the same rows."""
    X, Y = mixed_data
    if "embedding" in request.param:
        X = np.column_stack([X, np.arange(len(X)) % 4, np.arange(len(X)) // 7 % 3])
    made = parts(X, Y, MIXED, **request.param)
    assert ManualGradients.knows(made.module, made.objective)
    # Zeros hide mistakes.
    for weight in made.module.parameters():
        if not weight.any():
            weight.data += torch.rand(weight.shape, generator=torch.manual_seed(0)).to(weight)
    found = []
    for engine in (ManualGradients, Autograd):
        for layer in made.module.modules():
            if isinstance(layer, Dropout):
                layer.seed(made.seeds, torch.device("cpu"))
        found.append(engine(made.module, made.objective))
        found[-1].losses_found = found[-1].forward(made.rows.all(len(made.seeds)))
    return found


def same(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b.detach(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("same_weights", [True, False])
def test_losses_and_gradients(same_weights, engines):
    ours, theirs = engines
    losses = ours.losses_found
    same([losses], [theirs.losses_found])
    own = torch.tensor(OWN, dtype=torch.float64)
    shared = torch.rand(losses.shape, dtype=torch.float64, generator=torch.manual_seed(0))
    shared = None if same_weights else shared
    same(ours.gradients(own, shared), theirs.gradients(own, shared))


@pytest.mark.parametrize("space", CONFLICT_SPACES)
def test_gradients_of_single_tasks(space, engines):
    ours, theirs = engines
    same(ours.jacobian(space), theirs.jacobian(space))
    same([ours.gramian(space)], [theirs.gramian(space)])


@pytest.mark.parametrize("space", ["shared", "representation"])
def test_gradients_along_a_direction(space, engines):
    ours, theirs = engines
    own = torch.tensor(OWN, dtype=torch.float64)
    generator = torch.manual_seed(1)
    directions = [
        torch.rand(len(part), part.shape[-1], dtype=torch.float64, generator=generator)
        for part in ours.jacobian(space)
    ]
    same(
        ours.gradients_along(own, directions, space), theirs.gradients_along(own, directions, space)
    )


class Noted(GramianBalancing):
    """Notes the Gramians; the weights are 1, 2, 3, ... times the number of calls."""

    alias = "noted"

    def start(self, info):
        self.seen_ = []

    def weights(self, gramian):
        self.seen_.append(gramian)
        return np.arange(1.0, len(gramian) + 1) * len(self.seen_)


@pytest.mark.parametrize("space", CONFLICT_SPACES)
@pytest.mark.parametrize("heads", [(), (4,)])
def test_a_gramian_has_the_inner_products_of_gradients(space, heads, parts, mixed_data):
    X, Y = mixed_data
    omega = np.array([1.0, 2.0, 0.5, 1.0])
    made = parts(X, Y, MIXED, head_hidden_layer_sizes=heads)
    method = Noted(conflict_space=space)
    method.start(BalancingInfo([0], range(4)))
    batch = made.rows.all()
    _, weights, found = made.step(omega, method)(batch)
    module = made.module
    z = module.represent(batch.X)
    losses = made.objective(module.read_out(z), batch)[0]
    tensors = {
        "shared": module.shared_parameters(),
        "last_shared": list(module.trunk.layers[-1].parameters()),
        "representation": [z],
    }[space]
    J = []
    for t in range(4):
        gradients = torch.autograd.grad(omega[t] * losses[t], tensors, retain_graph=True)
        J.append(torch.cat([g.ravel() for g in gradients]))
    J = torch.stack(J).numpy()
    np.testing.assert_allclose(method.seen_[0], J @ J.T, rtol=1e-9)
    np.testing.assert_allclose(weights[0], omega * [1, 2, 3, 4])
    _, _, expected = made.step(omega * [1, 2, 3, 4])(batch)
    for (name, _), g, e in zip(module.named_parameters(), found, expected, strict=True):
        if name.startswith("trunk"):
            np.testing.assert_allclose(g, e, rtol=1e-9, atol=1e-14)


def test_tasks_without_labels_or_weight_have_no_say(parts, mixed_data):
    X, Y = mixed_data
    made = parts(X, Y, MIXED)
    method = Noted()
    method.start(BalancingInfo([0], range(4)))
    rows = np.flatnonzero(np.isnan(Y[:, 1]))
    _, weights, _ = made.step([1, 1, 0, 1], method)(made.rows.batch(torch.from_numpy(rows[None])))
    assert method.seen_[0].shape == (2, 2)
    assert weights[0].tolist() == [1, 0, 0, 2]


def test_weights_are_kept_for_some_steps(parts, mixed_data):
    made = parts(*mixed_data, MIXED)
    method = Noted(update_weights_every=3)
    method.start(BalancingInfo([0], range(4)))
    step = made.step(None, method)
    found = [step(made.rows.all())[1][0, 0].item() for _ in range(7)]
    assert found == [1, 1, 1, 2, 2, 2, 3]


class Opposite(JacobianBalancing):
    """Against the sum of the gradients."""

    alias = "opposite"

    def direction(self, model, jacobian, losses, observed):
        return -jacobian.sum(0)


@pytest.mark.parametrize("space", ["shared", "representation"])
@pytest.mark.parametrize("heads", [(), (4,)])
def test_a_direction_takes_the_place_of_the_gradient(space, heads, parts, mixed_data):
    made = parts(*mixed_data, MIXED, head_hidden_layer_sizes=heads, seeds=(0, 1))
    batch = made.rows.all(2)
    _, weights, found = made.step(None, Opposite(conflict_space=space))(batch)
    _, _, expected = made.step()(batch)
    assert weights is None
    for (name, _), g, e in zip(made.module.named_parameters(), found, expected, strict=True):
        sign = -1.0 if name.startswith("trunk") else 1.0
        np.testing.assert_allclose(g, sign * e, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (Noted(conflict_space="heads"), r"conflict_space='heads'; expected one of \['shared'"),
        (Opposite(conflict_space="last_shared"), "Opposite.* without a direction"),
    ],
)
def test_spaces_are_checked(method, message, parts, mixed_data):
    with pytest.raises(ValueError, match=message):
        parts(*mixed_data, MIXED).step(None, method)
