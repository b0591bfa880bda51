"""What architectures compute: gradients, limits where they become each other, penalties, memory."""

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from skmtl import MultiTaskMLP
from skmtl.neural.architectures import (
    ARCHITECTURES,
    CrossStitch,
    HardSharing,
    Independent,
    LowRankHeads,
    NetworkSpec,
    Sluice,
    SoftSharing,
    TaskEmbedding,
    TraceNormSharing,
)
from skmtl.neural.architectures._ensemble import Ensemble
from skmtl.neural.architectures._rows_by_task import RowsByTask
from skmtl.neural.architectures._trace_norm_sharing import trace_norm
from skmtl.neural.networks._network import build, task_keys
from tests.neural.conftest import CPU, MIXED, PLAIN

every_architecture = pytest.mark.parametrize("alias", sorted(ARCHITECTURES))
# An epoch limit is what these fits are to reach.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def network(architecture, outputs=(1, 2, 1), heads=(), sizes=(6, 6), n_features=5):
    made = architecture.build(NetworkSpec(n_features, outputs, sizes, heads, activation="tanh"))
    made.double().eval().initialize([0], range(len(outputs)))
    return made


def shaken(module):
    """No parameter where it started: zeros and equal networks hide mistakes."""
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for p in module.parameters():
            p += 0.3 * torch.from_numpy(rng.normal(size=p.shape))
    return module


def problem(parts, mixed_data, alias, form, heads=()):
    """A small problem with a module of this architecture."""
    X, Y = mixed_data
    if form == "long":
        options = {"tasks": "multiclass", "task_column": np.arange(60) % 4}
        made = parts(X, Y[:, 2], head_hidden_layer_sizes=heads, **options)
    else:
        made = parts(X, Y, MIXED, head_hidden_layer_sizes=heads)
    made.description.update(architecture=ARCHITECTURES[alias](), hidden_layer_sizes=(6, 6))
    made.module = build(made.description, X.dtype, CPU)
    made.module.initialize([0], task_keys(made.tasks.names), "tanh")
    shaken(made.module)
    return made


@every_architecture
def test_unobserved_labels_have_exactly_no_gradient(parts, mixed_data, alias):
    made = problem(parts, (mixed_data[0], _without(mixed_data[1], 3)), alias, "wide")
    batch = made.rows.batch(torch.arange(2, 60)[None])
    loss = made.objective(made.module(batch.X), batch)[0, 3]
    parameters = list(made.module.parameters())
    for gradient in torch.autograd.grad(loss, parameters, materialize_grads=True):
        assert (gradient == 0).all()


def _without(Y, task):
    """Labels of this task in the first two rows only."""
    Y = Y.copy()
    Y[2:, task], Y[:2, task] = np.nan, [1.0, 2.0]
    return Y


def mixed_frame(n=80):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    y = pd.DataFrame({"a": X[:, 0] * X[:, 1], "b": X[:, 1] > 0, "c": np.sin(X[:, 2])})
    return X, y


def fitted(architecture, X, y, **options):
    settings = {**PLAIN, "activation": "relu", "alpha": 1e-4, "learning_rate_init": 0.01}
    settings |= {"max_iter": 8, "batch_size": 32, "random_state": 0, **options}
    return MultiTaskMLP((8, 6), architecture=architecture, **settings).fit(X, y)


@pytest.mark.parametrize("heads", [(), (3,)])
def test_independent_networks_are_single_task_fits(heads):
    X, y = mixed_frame()
    options = {"head_hidden_layer_sizes": heads}
    together = fitted("independent", X, y, **options)
    for t, name in enumerate(y):
        alone = fitted("hard_sharing", X, y[[name]], **options)
        np.testing.assert_allclose(together._raw(X, None)[:, [t]], alone._raw(X, None), rtol=1e-8)


@pytest.mark.parametrize("limit", [SoftSharing(strength=0), TraceNormSharing(strength=0)])
def test_without_strength_networks_are_independent(limit):
    X, y = mixed_frame()
    expected = fitted("independent", X, y).predict(X)
    np.testing.assert_array_equal(fitted(limit, X, y).predict(X), expected)


def same_start(first, second, rtol=1e-12, **shape):
    X = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 9, 5)))
    raws = [network(architecture, **shape)(X).detach() for architecture in (first, second)]
    np.testing.assert_allclose(*raws, rtol=rtol)


@pytest.mark.parametrize("heads", [(), (4,)])
@pytest.mark.parametrize(
    "architecture, equal_to",
    [
        (CrossStitch(stitch=1), Independent()),
        (Sluice(stitch=1, last_layer=1, orthogonality=0), Independent()),
        (Sluice(n_subspaces=1, last_layer=1), CrossStitch()),
        (SoftSharing(), HardSharing()),
        (TraceNormSharing(), HardSharing()),
        (TaskEmbedding(), HardSharing()),
    ],
)
def test_starts_as(architecture, equal_to, heads):
    same_start(architecture, equal_to, heads=heads)


@pytest.mark.parametrize(
    "alias",
    [
        "independent",
        "soft_sharing",
        "trace_norm_sharing",
        "cross_stitch",
        "sluice",
        "task_embedding",
    ],
)
def test_without_hidden_layers_tasks_are_linear(alias):
    X = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 9, 5)))
    made = shaken(network(ARCHITECTURES[alias](), sizes=()))
    middle = made((X[:, :1] + X[:, 1:2]) / 2)
    ends = made(X[:, :2]).mean(1, keepdim=True)
    np.testing.assert_allclose(middle.detach(), ends.detach(), rtol=1e-10)


def test_strong_soft_sharing_is_one_network():
    X, y = mixed_frame()
    apart = {}
    for strength in (0.0, 1e4):
        state = fitted(SoftSharing(strength=strength), X, y)._fitted.parameters
        weight = state["trunks.layers.0.weight"][0]
        apart[strength] = np.abs(weight - weight.mean(axis=0)).max()
    assert apart[1e4] < 1e-2 * apart[0.0]


def test_a_full_rank_is_hard_sharing():
    X = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 9, 5)))
    hard = shaken(network(HardSharing()))
    low = shaken(network(LowRankHeads(rank=8)))
    with torch.no_grad():
        low.trunk[0].load_state_dict(hard.trunk.state_dict())
        low.trunk[1].weight.copy_(torch.eye(6, 8))
        low.heads.first.weight[..., :6].copy_(hard.heads.first.weight)
        low.heads.first.bias.copy_(hard.heads.first.bias)
    np.testing.assert_allclose(low(X).detach(), hard(X).detach(), rtol=1e-12)


def test_cross_stitch_by_hand():
    made = shaken(network(CrossStitch()))
    X = np.random.default_rng(0).normal(size=(9, 5))
    state = {name: p.detach().numpy()[0] for name, p in made.named_parameters()}
    units = [X] * 3
    for i in range(2):
        weight, bias = (state[f"trunks.layers.{i}.{kind}"] for kind in ("weight", "bias"))
        own = [np.tanh(units[t] @ weight[t] + bias[t]) for t in range(3)]
        alpha = state[f"stitches.{i}.stitch"]
        units = [sum(alpha[t, s] * own[s] for s in range(3)) for t in range(3)]
    V, c = state["heads.layers.0.weight"], state["heads.layers.0.bias"]
    expected = [(units[t] @ V[t].T + c[t])[:, : (1, 2, 1)[t]] for t in range(3)]
    raw = made(torch.from_numpy(X)[None])[0].detach()
    np.testing.assert_allclose(raw, np.column_stack(expected), rtol=1e-12)


def test_sluice_mixes_subspaces_and_layers_by_hand():
    made = shaken(network(Sluice()))
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 3, 9, 6)))
    stitch = made.stitches[0]
    alpha = stitch.stitch[0].detach().numpy()
    parts = x[0].numpy().reshape(3, 9, 2, 3)
    expected = np.einsum("tisj,snjk->tnik", alpha.reshape(3, 2, 3, 2), parts).reshape(3, 9, 6)
    np.testing.assert_allclose(stitch(x)[0].detach(), expected, rtol=1e-12)
    beta = made.mixture.mixture[0].detach().numpy()
    expected = beta[:, 0, None, None] * x[0].numpy() + beta[:, 1, None, None] * 2 * x[0].numpy()
    mixed = made.mix([x, x, 2 * x])[0].detach()
    np.testing.assert_allclose(mixed, expected, rtol=1e-12)


def weights_of(module):
    return [w.detach().numpy()[0] for w in module.trunks.weights()]


def test_penalties_by_hand():
    theta = [
        p.detach().numpy()[0].reshape(3, -1)
        for p in shaken(network(SoftSharing())).trunks.parameters()
    ]
    theta = np.concatenate(theta, axis=1)
    a = np.array([[0, 2.0, 0.5], [2, 0, 0], [0.5, 0, 0]])
    distances = np.square(theta[:, None] - theta).sum(axis=2)
    mean = np.square(theta - theta.mean(axis=0)).sum()
    for to, expected in [("mean", mean), ("pairwise", 3 * mean), (a, (a * distances).sum() / 2)]:
        made = shaken(network(SoftSharing(strength=0.2, to=to)))
        np.testing.assert_allclose(made.penalty().detach(), [0.1 * expected], rtol=1e-12)
    made = shaken(network(Sluice(orthogonality=0.1)))
    overlaps = [np.square(w[:, :, :3].swapaxes(1, 2) @ w[:, :, 3:]).sum() for w in weights_of(made)]
    np.testing.assert_allclose(made.penalty().detach(), [0.1 * sum(overlaps)], rtol=1e-12)


@pytest.mark.parametrize("unfold, axes", [("last_axis", [0]), ("tucker", [0, 1, 2])])
def test_trace_norm_is_the_sum_of_singular_values(unfold, axes):
    made = shaken(network(TraceNormSharing(strength=0.5, unfold=unfold)))
    expected = sum(
        np.linalg.norm(np.moveaxis(w, axis, 0).reshape(w.shape[axis], -1), ord="nuc")
        for w in weights_of(made)
        for axis in axes
    )
    np.testing.assert_allclose(made.penalty().detach(), [0.5 * expected], rtol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_trace_norm_has_a_gradient_where_singular_values_are_zero_or_equal(dtype):
    for W in (torch.zeros(1, 3, 8), torch.ones(1, 3, 8), torch.eye(3, 8)[None]):
        W = W.to(dtype).requires_grad_()
        (gradient,) = torch.autograd.grad(trace_norm(W).sum(), W)
        assert gradient.isfinite().all()


def test_a_strong_trace_norm_lowers_the_rank():
    X, y = mixed_frame(400)
    ratios = []
    for strength in (0.0, 0.1):
        state = fitted(TraceNormSharing(strength=strength), X, y, max_iter=20)._fitted.parameters
        values = np.linalg.svd(state["trunks.layers.1.weight"][0].reshape(3, -1), compute_uv=False)
        ratios.append(values[1] / values[0])
    assert ratios[1] < 0.3 * ratios[0]


@pytest.mark.parametrize("counts", [[5, 5], [1, 1, 97, 0, 1], [0, 200], list(range(12))])
def test_rows_by_task_never_doubles_anything(counts):
    rng = np.random.default_rng(0)
    index = torch.from_numpy(rng.permutation(np.repeat(np.arange(len(counts)), counts)))[None]
    rows = RowsByTask(index, len(counts))
    assert len(rows.owners) < 2 * np.count_nonzero(counts) + 1
    assert len(rows.rows) <= 2 * sum(counts)
    x = torch.from_numpy(rng.normal(size=(1, sum(counts), 3)))
    weight = torch.from_numpy(rng.normal(size=(1, len(counts), 3, 2)))
    bias = torch.from_numpy(rng.normal(size=(1, len(counts), 1, 2)))
    expected = (x[0, :, None] @ weight[0, index[0]] + bias[0, index[0]])[:, 0]
    np.testing.assert_allclose(rows.affine(x, weight, bias)[0], expected, rtol=1e-12)


class Largest(TorchDispatchMode):
    """Size of the largest tensor that is computed, views of parameters aside."""

    def __init__(self, module):
        super().__init__()
        self.known = {p.untyped_storage().data_ptr() for p in module.parameters()}
        self.size = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, (tuple, list)) else [out]:
            if torch.is_tensor(tensor):
                # A broadcast tensor takes the memory of its storage, not of its shape.
                storage = tensor.untyped_storage()
                if storage.data_ptr() not in self.known:
                    self.size = max(self.size, storage.nbytes() // tensor.element_size())
        return out


@pytest.mark.parametrize("architecture", [TaskEmbedding(), LowRankHeads(rank=4)])
def test_rows_in_long_form_cost_no_memory_for_other_tasks(architecture):
    n_rows, n_tasks, width = 50, 2000, 8
    made = network(architecture, outputs=(1,) * n_tasks, sizes=(width, width))
    X = torch.zeros(1, n_rows, 5, dtype=torch.float64)
    index = torch.arange(n_rows)[None] * 7
    with Largest(made) as largest:
        made(X, index)
    assert largest.size <= n_rows * 16


@pytest.mark.parametrize(
    "architecture, message",
    [
        (SoftSharing(strength=-1.0), "'strength' parameter of SoftSharing.*Got -1.0"),
        (SoftSharing(to="median"), "'to' parameter of SoftSharing.*'median'"),
        (SoftSharing(to=np.eye(2)), r"to has shape \(2, 2\); there are 3 tasks"),
        (SoftSharing(to=-np.ones((3, 3))), "must be symmetric with finite entries >= 0"),
        (TraceNormSharing(unfold="laf"), "'unfold' parameter of TraceNormSharing.*'laf'"),
        (CrossStitch(stitch=2), "'stitch' parameter of CrossStitch.*Got 2"),
        (Sluice(last_layer=-1), "'last_layer' parameter of Sluice.*Got -1"),
        (Sluice(n_subspaces=4), r"\(6, 6\): Sluice splits layers into n_subspaces=4 parts"),
        (TaskEmbedding(embedding_size=0), "'embedding_size' parameter of TaskEmbedding.*Got 0"),
        (LowRankHeads(rank=0), "'rank' parameter of LowRankHeads.*Got 0"),
    ],
)
def test_parameters_are_checked(architecture, message):
    with pytest.raises(ValueError, match=message):
        network(architecture)


def test_layers_of_a_sluice_network_have_one_size():
    with pytest.raises(ValueError, match=r"\(8, 6\): Sluice adds up the layers unit by unit"):
        network(Sluice(), sizes=(8, 6))


@pytest.mark.parametrize("heads", [(), (4,), (4, 3)])
def test_members_of_an_ensemble_by_hand(heads):
    made = shaken(network(Ensemble(n_members=3), heads=heads))
    X = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 9, 5)))
    members = made.train()(X).unflatten(1, (3, 9))
    for k in range(3):
        x = X[0]
        for layer in made.trunk.layers:
            scaled = layer.scale_out[0, k] * ((layer.scale_in[0, k] * x) @ layer.weight[0])
            x = torch.tanh(scaled + layer.bias[0, k])
        alone = network(HardSharing(), heads=heads, sizes=(), n_features=6)
        with torch.no_grad():
            for own, source in zip(alone.parameters(), made.heads.parameters(), strict=True):
                own.copy_(source.reshape(own.shape[0], 3, *_rest(own.shape))[:, k].view(own.shape))
        np.testing.assert_allclose(members[0, k].detach(), alone(x[None])[0].detach(), atol=1e-12)
    np.testing.assert_allclose(made.eval()(X).detach(), members.mean(1).detach(), rtol=1e-12)


def _rest(shape):
    """A bias (1, 1, n) holds its units last, everything else right after the models."""
    return shape[2:] if shape[1] == 1 and len(shape) == 3 else shape[1:]


def test_an_ensemble_in_long_form_picks_the_heads_of_the_row():
    made = shaken(network(Ensemble(n_members=3), outputs=(1, 1, 1), heads=(4,)))
    X = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 9, 5)))
    index = torch.arange(9)[None] % 3
    for mode, repeats in ((made.eval, 1), (made.train, 3)):
        mode()
        expected = made(X).gather(2, index.repeat(1, repeats)[..., None])
        np.testing.assert_allclose(made(X, index).detach(), expected.detach(), rtol=1e-12)
