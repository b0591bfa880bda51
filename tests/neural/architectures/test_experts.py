"""MMoE and PLE: mixtures by hand, limit cases, gates that sum to one and select."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skmtl.neural.architectures import PLE, HardSharing, MMoE
from skmtl.neural.architectures._gates import (
    DSelectGate,
    Gate,
    entropy,
    folded,
    smooth_step,
    spelled,
)
from skmtl.neural.architectures._layers import FirstTaskLayer
from skmtl.neural.architectures._units import Dropout
from skmtl.testing._module import (
    assert_gradients_are_right,
    assert_long_is_wide,
    assert_tasks_are_apart,
)
from tests.neural.checks import X, make, same_scores

DSELECT = {"gate": "dselect", "k": 2, "entropy_weight": 0.1}
MEMBERS = {
    "mmoe": MMoE(3),
    "mmoe dselect": MMoE(4, **DSELECT),
    "mmoe dselect of five": MMoE(5, **DSELECT),
    "cgc": PLE(2, 2),
    "cgc dselect": PLE(2, 2, **DSELECT),
    "cgc of tasks alone": PLE(0, 2),
    "ple": PLE(2, 2, 2),
    "ple of shared experts": PLE(2, 0, 2),
    "ple of tasks alone": PLE(0, 1, 2),
    "ple of three levels": PLE(1, 1, 3),
    "ple dselect": PLE(1, 2, 2, **DSELECT),
}
members = pytest.mark.parametrize("name", MEMBERS)


def member(name, outputs=(1, 3, 2), sizes=(7, 6, 4), **shape):
    sizes = sizes if name == "ple of three levels" else sizes[:2]
    return make(MEMBERS[name], outputs, hidden_layer_sizes=sizes, **shape)


def undecided(module):
    """Put the selectors of DSelect-k where the smooth step is steep, but not settled."""
    for gate in module.modules():
        if isinstance(gate, DSelectGate):
            with torch.no_grad():
                gate.digits.weight.mul_(10)
    return module


@members
def test_gradients(name):
    small = {"n_features": 2, "sizes": (3, 2, 2)}
    x, index = X[:, :3, :2], torch.tensor([[0, 1, 1]])
    assert_gradients_are_right(undecided(member(name, (1, 2), **small)), x)
    assert_gradients_are_right(undecided(member(name, (2, 2), **small)), x, index)


@members
@pytest.mark.parametrize("heads", [(), (4,)])
def test_tasks_are_apart(name, heads):
    outputs = (1, 3, 2)
    made = undecided(member(name, outputs, head_hidden_layer_sizes=heads))
    assert_tasks_are_apart(made, outputs, X)


@members
@pytest.mark.parametrize("heads", [(), (4,)])
def test_long_is_wide(name, heads):
    made = undecided(member(name, (2, 2, 2), seeds=(0, 1), head_hidden_layer_sizes=heads))
    assert_long_is_wide(made, 3, X=torch.cat([X, X + 1]))


@members
def test_a_constant_task_changes_nothing(name):
    same_scores(member(name, (1, 0, 2)), member(name, (1, 2), keys=(0, 2)))


@pytest.mark.parametrize("gate", ["softmax", "dselect"])
@pytest.mark.parametrize("heads", [(), (4,)])
@pytest.mark.parametrize(
    "architecture", [MMoE(1), PLE(1, 0), PLE(1, 0, 2)], ids=["mmoe", "cgc", "ple"]
)
def test_one_shared_expert_is_hard_sharing(architecture, heads, gate):
    shape = {"seeds": (0, 5), "head_hidden_layer_sizes": heads}
    architecture.set_params(gate=gate)
    same_scores(make(architecture, **shape), make(HardSharing(), **shape), X=torch.cat([X, X]))


def affine(module, x, *members):
    weight, bias = module.weight.detach().numpy()[0], module.bias.detach().numpy()[0]
    return x @ weight[members] + bias[members]


def network(experts, x, e):
    for layer in experts.layers:
        x = np.tanh(affine(layer, x, e))
    return x


def scores(layer, x, t, n_each):
    """Of task t, from a layer that holds the tasks side by side or one after the other."""
    weight, bias = layer.weight.detach().numpy()[0], layer.bias.detach().numpy()[0]
    if weight.ndim == 3:
        return x @ weight[t].T + bias[t]
    rows = slice(t * n_each, (t + 1) * n_each)
    return x @ weight[rows].T + bias[0, rows]


def softmax(z):
    z = np.exp(z - z.max(-1, keepdims=True))
    return z / z.sum(-1, keepdims=True)


def test_mmoe_by_hand():
    made = make(MMoE(3), (2, 2))
    x = X[0].numpy()
    experts = np.stack([network(made.experts, x, e) for e in range(3)], 1)
    expected = []
    for t in range(2):
        gate = softmax(scores(made.gate.scores, x, t, 3))
        mixed = (gate[:, :, None] * experts).sum(1)
        expected.append(scores(made.heads.layers[0], mixed, t, 2))
    np.testing.assert_allclose(made(X)[0].detach(), np.hstack(expected), rtol=1e-12)


def test_ple_by_hand():
    """Two tasks, two shared experts and two each, on two levels: eqs. 1-6, expert by expert."""
    made = make(PLE(2, 2, 2), (2, 2))
    x = [X[0].numpy()] * 2
    shared = X[0].numpy()
    for level in made.levels:
        of_all = [network(level.shared, shared, e) for e in range(2)]
        own = [[network(level.own, x[t], 2 * t + j) for j in range(2)] for t in range(2)]
        mixed = []
        for t in range(2):
            gate = softmax(scores(level.gate.scores, x[t], t, 4))
            mixed.append(sum(g[:, None] * f for g, f in zip(gate.T, own[t] + of_all, strict=True)))
        if level.shared_gate is not None:
            parts = level.shared_gate.scores
            z = [scores(parts.own, shared, t, 2) for t in range(2)] + [affine(parts.shared, shared)]
            gate = softmax(np.hstack(z))
            every = own[0] + own[1] + of_all
            shared = sum(g[:, None] * f for g, f in zip(gate.T, every, strict=True))
        x = mixed
    expected = [scores(made.heads.layers[0], x[t], t, 2) for t in range(2)]
    np.testing.assert_allclose(made(X)[0].detach(), np.hstack(expected), rtol=1e-12)


@members
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_gates_sum_to_one(name, dropout):
    architecture = clone(MEMBERS[name]).set_params(gate_dropout=dropout)
    made = undecided(make(architecture, hidden_layer_sizes=(7, 6, 4)))
    found = []
    for module in made.modules():
        if isinstance(module, Gate):
            module.register_forward_hook(lambda _, __, weights: found.append(weights.detach()))
        if isinstance(module, Dropout):
            module.seed([0], torch.device("cpu"))
    made(X)
    for weights in found:
        assert (weights >= 0).all()
        np.testing.assert_allclose(weights.sum(-1), 1, rtol=1e-6)
    has_choice = any(weights.shape[-1] > 1 for weights in found)
    assert any((weights == 0).any() for weights in found) == (has_choice and dropout > 0)


def test_smooth_step():
    t = torch.tensor([-9.0, -0.5, -0.25, 0.0, 0.25, 0.5, 9.0], dtype=torch.float64)
    golden = [0, 0, 0.15625, 0.5, 0.84375, 1, 1]
    np.testing.assert_allclose(smooth_step(t, 1.0), golden, atol=1e-15)
    # -2 / gamma^3 t^3 + 3 / (2 gamma) t + 1 / 2 with gamma = 3 at t = 1.
    np.testing.assert_allclose(smooth_step(torch.tensor(1.0), 3.0), -2 / 27 + 1 / 2 + 1 / 2)


def test_selectors_spell_experts():
    ones = torch.tensor([0.25, 0.9, 1.0], dtype=torch.float64)
    golden = [0, 0, 0, 0, 0.075, 0.025, 0.675, 0.225]
    np.testing.assert_allclose(spelled(ones), golden, atol=1e-15)
    np.testing.assert_allclose(folded(spelled(ones), 6), [0.675, 0.225, 0, 0, 0.075, 0.025])
    assert folded(spelled(ones), 8) is not None
    h = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75) + 0.9 * np.log(0.9) + 0.1 * np.log(0.1))
    np.testing.assert_allclose(entropy(ones), h, atol=2e-5)


def test_dselect_by_hand():
    gate = DSelectGate(lambda n: FirstTaskLayer(1, 1, [n]), 4, 0.0, 2, 1.0, 0.5).double()
    with torch.no_grad():
        gate.scores.bias[0, 0] = torch.tensor([np.log(3.0), 0.0])
        gate.digits.bias[0, 0] = torch.tensor([0.25, -0.25, 0.5, -0.5])
    p = 0.84375
    first = np.array([(1 - p) * p, p * p, (1 - p) * (1 - p), p * (1 - p)])
    second = np.array([0, 1, 0, 0])
    weights = gate(torch.zeros(1, 3, 1, dtype=torch.float64)).detach()
    np.testing.assert_allclose(weights[0, :, 0], [0.75 * first + 0.25 * second] * 3)
    h = -2 * (p * np.log(p) + (1 - p) * np.log(1 - p))
    np.testing.assert_allclose(gate.penalty().detach(), [0.5 * h], rtol=1e-3)
    gate.eval()
    gate(torch.zeros(1, 3, 1, dtype=torch.float64))
    assert gate.penalty() is None


def test_the_entropy_of_settled_selectors_has_no_slope():
    z = torch.tensor([-0.5, 0.5, 2.0], requires_grad=True)
    entropy(smooth_step(z, 1.0)).backward()
    assert torch.equal(z.grad, torch.zeros(3))


@pytest.mark.parametrize("n_experts", [6, 8])
def test_dselect_settles_on_k_experts(n_experts):
    """The target is a mixture of experts 1 and 4, with weights that depend on the row."""
    rng = np.random.default_rng(0)
    x = torch.from_numpy(rng.normal(size=(1, 200, 2)))
    experts = torch.from_numpy(rng.normal(size=(n_experts, 20)))
    share = torch.sigmoid(x[0, :, :1])
    target = share * experts[1] + (1 - share) * experts[4]
    gate = DSelectGate(lambda n: FirstTaskLayer(1, 2, [n]), n_experts, 0.0, 2, 1.0, 0.01)
    gate.digits.initialize(0, [np.random.default_rng(3)], 6.0)
    gate.double()
    optimizer = torch.optim.Adam(gate.parameters(), lr=0.05)
    for _ in range(500):
        optimizer.zero_grad()
        loss = (gate(x)[0, :, 0] @ experts - target).square().mean() + gate.penalty().sum()
        loss.backward()
        optimizer.step()
    weights = gate(x).detach()[0, :, 0]
    assert ((weights > 0).sum(1) <= 2).all()
    assert set(weights.mean(0).topk(2).indices.tolist()) == {1, 4}


@pytest.mark.parametrize(
    ("architecture", "message"),
    [
        (MMoE(0), "'n_experts' parameter of MMoE .* Got 0"),
        (MMoE(gate="top-k"), "'gate' parameter of MMoE .* Got 'top-k'"),
        (MMoE(k=0), "'k' parameter of MMoE .* Got 0"),
        (MMoE(gamma=0), "'gamma' parameter of MMoE .* Got 0"),
        (PLE(n_levels=0), "'n_levels' parameter of PLE .* Got 0"),
        (PLE(n_levels=3), r"n_levels=3: .* hidden_layer_sizes=\(7, 6\) has 2"),
        (PLE(0, 0), "n_shared_experts=0 and n_task_experts=0"),
    ],
)
def test_parameters_are_checked(architecture, message):
    with pytest.raises(ValueError, match=message):
        make(architecture)
