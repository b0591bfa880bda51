"""Normalised hidden layers, in every architecture: numbers, gradients, statistics, fits."""

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural.architectures import (
    ARCHITECTURES,
    PLE,
    Cascade,
    HardSharing,
    Independent,
    MMoE,
    TaskEmbedding,
)
from skmtl.neural.architectures._normalization import EPSILON, BatchNormalization, Normalization
from skmtl.neural.gradients._autograd import Autograd
from skmtl.neural.gradients._manual_gradients import ManualGradients
from skmtl.neural.optimizers import OPTIMIZERS
from skmtl.neural.training._callbacks import HAS_CALLBACKS
from skmtl.testing._module import assert_long_is_wide
from tests.neural.checks import make
from tests.neural.conftest import MIXED, PLAIN

KINDS = ["layer", "batch"]
every_architecture = pytest.mark.parametrize("alias", sorted(ARCHITECTURES))
both = pytest.mark.parametrize("kind", KINDS)
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
rng = np.random.default_rng(0)
X = torch.from_numpy(rng.normal(size=(1, 12, 5)))
MORE = torch.from_numpy(rng.normal(size=(3, 12, 5)))


def network(architecture, kind, outputs=(2, 2, 2), heads=(4,), **options):
    if isinstance(architecture, str):
        architecture = ARCHITECTURES[architecture]()
    options = {"hidden_layer_sizes": (6, 6), "head_hidden_layer_sizes": heads, **options}
    return make(architecture, outputs, normalization=kind, **options)


def layers_of(module, kind=Normalization):
    return [layer for layer in module.modules() if isinstance(layer, kind)]


def statistics(module):
    return {name: b.clone() for name, b in module.named_buffers() if "normalization" in name}


def shaken(module):
    """Parameters and statistics that are nowhere special."""
    draw = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in module.parameters():
            p += 0.3 * torch.randn(p.shape, generator=draw, dtype=p.dtype)
        for layer in layers_of(module, BatchNormalization):
            layer.running_mean += torch.randn(layer.running_mean.shape, generator=draw)
            layer.running_variance *= 1 + torch.rand(layer.running_mean.shape, generator=draw)
    return module


def index_of(n_models=1, n_rows=12, n_tasks=3):
    draw = torch.Generator().manual_seed(1)
    return torch.randint(n_tasks, (n_models, n_rows), generator=draw)


# Numbers.


@both
def test_a_trunk_is_that_of_torch(kind):
    ours = network("hard_sharing", kind, heads=(), activation="relu", seeds=(3,))
    theirs = torch.nn.Sequential()
    for layer in ours.trunk.layers:
        n_inputs, n_units = layer.weight.shape[1:]
        linear = torch.nn.Linear(n_inputs, n_units)
        with torch.no_grad():
            linear.weight.copy_(layer.weight[0].T)
            linear.bias.copy_(layer.bias[0, 0])
        norm = {"layer": torch.nn.LayerNorm, "batch": torch.nn.BatchNorm1d}[kind](n_units)
        theirs.extend([linear, norm, torch.nn.ReLU()])
    theirs.double()
    for step in range(1, 16):
        x = torch.from_numpy(np.random.default_rng(step).normal(step, step, size=(8, 5)))
        for layer in theirs:
            # torch starts at 0 and 1, which ours forgets with the first batch.
            layer.momentum = max(0.1, 1 / step)
        torch.testing.assert_close(ours.trunk(x[None])[0], theirs(x))
    ours.eval(), theirs.eval()
    torch.testing.assert_close(ours.trunk(x[None])[0], theirs(x))


@pytest.mark.parametrize("form", ["wide", "long"])
@both
def test_each_head_has_its_own(kind, form):
    module = shaken(network("hard_sharing", kind))
    first, (layer, *_) = module.heads.first, layers_of(module.heads)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(1, 12, 6)))
    index = index_of()
    found = first(x, None if form == "wide" else index)[0]
    for t in range(3):
        rows = slice(None) if form == "wide" else index[0] == t
        own = slice(4 * t, 4 * t + 4)
        units = x[0, rows] @ first.weight[0, own].T + first.bias[0, 0, own]
        dim = 1 if kind == "layer" else 0
        variance, mean = torch.var_mean(units, dim, correction=0, keepdim=True)
        expected = (units - mean) / (variance + EPSILON).sqrt()
        expected = layer.scale[0, t] * expected + layer.shift[0, t]
        torch.testing.assert_close(found[rows, own] if form == "wide" else found[rows], expected)


@every_architecture
def test_batch_statistics_folded_into_the_weights_are_a_plain_network(alias):
    module, plain = network(alias, "batch").eval(), network(alias, None).eval()
    shaken(module)
    state = module.state_dict()
    with torch.no_grad():
        for name, p in plain.named_parameters():
            p.copy_(state[name])
        for name, layer in plain.named_modules():
            if f"{name}.normalization.scale" not in state:
                continue
            part = {
                key: state[f"{name}.normalization.{key}"]
                for key in ("scale", "shift", "running_mean", "running_variance")
            }
            factor = part["scale"] / (part["running_variance"] + EPSILON).sqrt()
            offset = part["shift"] - factor * part["running_mean"]
            _fold(layer, factor, offset)
    torch.testing.assert_close(plain(X), module(X))


def _fold(layer, factor, offset):
    """``factor`` and ``offset`` (n_models, n_groups, 1, width) of the units into a layer."""
    if hasattr(layer, "scale_out"):
        layer.scale_out *= factor
        layer.bias.copy_(layer.bias * factor + offset)
        return
    shape = layer.weight.shape
    # Heads hold their units before their inputs.
    shape = (*shape[:-1], 1) if hasattr(layer, "outputs") else (*shape[:-2], 1, -1)
    layer.weight *= factor.reshape(shape)
    layer.bias.copy_((layer.bias * factor.view_as(layer.bias)) + offset.view_as(layer.bias))


@every_architecture
@both
def test_the_size_of_weights_does_not_matter(alias, kind):
    module = network(alias, kind)
    expected = module(X)
    with torch.no_grad():
        for layer in module.modules():
            if getattr(layer, "normalization", None) is not None:
                layer.weight *= 1e3
                layer.bias *= 1e3
    # But for what keeps a variance from being zero.
    torch.testing.assert_close(module(X), expected, rtol=1e-2, atol=1e-3)


@every_architecture
@both
def test_models_side_by_side_are_models_alone(alias, kind):
    together = network(alias, kind, seeds=(5, 6, 7))
    alone = [network(alias, kind, seeds=(seed,)) for seed in (5, 6, 7)]
    for index in (None, index_of(3)):
        raw = together(MORE, index)
        for k, module in enumerate(alone):
            one = None if index is None else index[k : k + 1]
            torch.testing.assert_close(raw[k], module(MORE[k : k + 1], one)[0])
    for k, module in enumerate(alone):
        for name, array in module.state_dict().items():
            torch.testing.assert_close(together.state_dict()[name][k], array[0])


@every_architecture
@both
def test_long_form_predicts_what_wide_form_does(alias, kind):
    assert_long_is_wide(shaken(network(alias, kind)).eval(), 3, X=X)


@pytest.mark.parametrize(
    "limit",
    [MMoE(n_experts=1), PLE(1, 0), Cascade(), TaskEmbedding(), Independent()],
    ids=lambda limit: limit.alias,
)
@both
def test_limits_are_hard_sharing(limit, kind):
    # Independent networks start equal.
    hard, module = network(HardSharing(), kind), network(limit, kind)
    torch.testing.assert_close(module(X), hard(X))
    torch.testing.assert_close(module.eval()(X), hard.eval()(X))


# Gradients.


@every_architecture
@pytest.mark.parametrize("form", ["wide", "long"])
@both
def test_gradients_agree_with_finite_differences(alias, form, kind):
    module = shaken(network(alias, kind))
    index = None if form == "wide" else index_of()

    def total():
        penalty = module.penalty()
        return module(X, index).sin().sum() + (0 if penalty is None else penalty.sum())

    parameters = list(module.parameters())
    gradients = torch.autograd.grad(total(), parameters, materialize_grads=True)
    draw, h = torch.Generator().manual_seed(0), 1e-6
    for parameter, gradient in zip(parameters, gradients, strict=True):
        direction = torch.randn(parameter.shape, generator=draw, dtype=parameter.dtype)
        with torch.no_grad():
            found = []
            for step in (h, -2 * h, h):
                parameter += step * direction
                found.append(float(total()))
        slope = (found[0] - found[1]) / (2 * h)
        assert float((gradient * direction).sum()) == pytest.approx(slope, rel=1e-4, abs=1e-6)


@every_architecture
@both
def test_scales_and_shifts_are_shared_or_of_tasks(alias, kind):
    module = network(alias, kind)
    shared = {id(p) for p in module.shared_parameters()}
    own = {id(p) for p in module.task_parameters()}
    assert shared | own == {id(p) for p in module.parameters()}
    for layer in module.modules():
        if getattr(layer, "normalization", None) is not None:
            ids = {id(p) for p in layer.parameters()}
            assert ids <= shared or ids <= own
    # What is closest to the outputs is more than a scale and a shift.
    last = module.last_shared_parameters()
    names = {name for name, p in module.named_parameters() if any(p is one for one in last)}
    assert not names or any(name.endswith("weight") for name in names)


@both
@pytest.mark.parametrize("space", ["shared", "last_shared", "representation"])
def test_gradients_of_tasks(parts, mixed_data, kind, space):
    """With batch statistics rows interact: the Jacobian is still that of the losses."""
    made = parts(*mixed_data, MIXED, normalization=kind, head_hidden_layer_sizes=(3,))
    shaken(made.module)
    engine, batch = Autograd(made.module, made.objective), made.rows.all(1)
    engine.forward(batch)
    tensors, jacobian = engine._tensors(space), engine.jacobian(space)
    gramian = engine.gramian(space)
    torch.testing.assert_close(gramian, sum(J @ J.mT for J in jacobian))
    draw, h = torch.Generator().manual_seed(0), 1e-6
    directions = [torch.randn(t.shape, generator=draw, dtype=t.dtype) for t in tensors]
    expected = sum(J[0] @ d.flatten() for J, d in zip(jacobian, directions, strict=True))
    found = []
    for step in (h, -2 * h):
        with torch.no_grad():
            for tensor, direction in zip(tensors, directions, strict=True):
                tensor += step * direction
            if space == "representation":
                raw = made.module.read_out(tensors[0])
                found.append(made.objective(raw, batch))
            else:
                found.append(made.losses())
    torch.testing.assert_close((found[0] - found[1])[0] / (2 * h), expected, rtol=1e-4, atol=1e-7)


@both
def test_a_direction_goes_back_through_the_trunk(parts, mixed_data, kind):
    made = parts(*mixed_data, MIXED, normalization=kind)
    engine = Autograd(made.module, made.objective)
    engine.forward(made.rows.all(1))
    total = [J.sum(1) for J in engine.jacobian("representation")]
    found = engine.gradients_along(None, total, "representation")
    engine.forward(made.rows.all(1))
    for along, plain in zip(found, engine.gradients(None, None), strict=True):
        torch.testing.assert_close(along, plain)


@both
def test_steps_written_out_are_for_plain_layers(parts, mixed_data, kind):
    plain, made = (parts(*mixed_data, MIXED, normalization=k) for k in (None, kind))
    assert ManualGradients.knows(plain.module, plain.objective)
    assert not ManualGradients.knows(made.module, made.objective)


@every_architecture
@both
def test_no_penalty_on_scales_and_shifts(alias, kind):
    module = network(alias, kind)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    optimizer = OPTIMIZERS["sgd"](module, learning_rate=0.1, alpha=1.0, momentum=0, nesterov=False)
    optimizer.step([torch.zeros_like(p) for p in module.parameters()])
    moved = {name for name, p in module.named_parameters() if (p != before[name]).any()}
    assert moved
    assert not any("normalization" in name for name in moved)


# Statistics.


@every_architecture
@pytest.mark.parametrize("form", ["wide", "long"])
def test_a_single_row_is_read_as_in_prediction(alias, form):
    module = shaken(network(alias, "batch"))
    row, index = X[:, :1], None if form == "wide" else torch.ones(1, 1, dtype=torch.int64)
    before = statistics(module)
    learnt = module(row, index)
    gradients = torch.autograd.grad(learnt.sum(), list(module.parameters()), allow_unused=True)
    assert all(g is None or g.isfinite().all() for g in gradients)
    for name, buffer in statistics(module).items():
        assert torch.equal(buffer, before[name]), name
    # An ensemble learns as many times as it has members.
    learnt = learnt.mean(1, keepdim=True)
    torch.testing.assert_close(learnt, module.eval()(row, index))


@every_architecture
def test_predictions_leave_the_statistics_alone(alias):
    module = shaken(network(alias, "batch")).eval()
    before = statistics(module)
    assert before
    assert torch.isfinite(module(X)).all()
    assert torch.isfinite(module(X, index_of())).all()
    for name, buffer in statistics(module).items():
        assert torch.equal(buffer, before[name]), name


@pytest.mark.parametrize("alias", ["independent", "soft_sharing", "trace_norm_sharing"])
@both
def test_in_long_form_a_task_sees_its_own_rows(alias, kind):
    module, index = shaken(network(alias, kind)), index_of()
    together = module(X, index)
    for t in range(3):
        rows = index[0] == t
        torch.testing.assert_close(together[:, rows], module(X[:, rows], index[:, rows]))


@pytest.mark.parametrize(
    "architecture", [HardSharing(), Cascade({2: [1]}), Cascade({2: [1]}, detach=True)], ids=str
)
def test_in_long_form_no_other_row_counts_for_a_head(architecture):
    module = network(architecture, "batch")
    module(X, torch.zeros(1, 12, dtype=torch.int64))
    heads = layers_of(module.heads)
    seen = torch.cat([layer.n_batches.flatten() for layer in heads]).tolist()
    # Task 0 has all the rows; the outputs of task 1, which task 2 reads, are computed for all.
    expected = [1, 0, 0] if isinstance(architecture, HardSharing) else [1, 1, 0]
    assert sorted(seen, reverse=True) == expected


def test_constant_units_are_no_trouble():
    module = network("hard_sharing", "batch")
    raw = module(torch.ones_like(X))
    gradients = torch.autograd.grad(raw.sum(), list(module.parameters()))
    assert raw.isfinite().all()
    assert all(gradient.isfinite().all() for gradient in gradients)


@every_architecture
def test_a_hidden_layer_of_one_unit_would_be_constant(alias):
    options = {"normalization": "layer", "head_hidden_layer_sizes": (1,)}
    with pytest.raises(ValueError, match="'layer' makes a hidden layer of one unit constant"):
        make(ARCHITECTURES[alias](), (1, 1), hidden_layer_sizes=(6, 6), **options)
    network(alias, "batch", heads=(1,))


# Fits.


def estimator(alias="hard_sharing", kind="batch", estimator=MultiTaskMLP, **options):
    settings = {**PLAIN, "max_iter": 4, "batch_size": 16, "random_state": 0}
    settings |= {"head_hidden_layer_sizes": (3,), "normalization": kind}
    return estimator((6, 6), architecture=alias, **{**settings, **options})


@every_architecture
@both
def test_fits_of_mixed_tasks(mixed_data, alias, kind):
    X, Y = mixed_data
    # 49 = 3 * 16 + 1: the last batch of an epoch has one row.
    X, Y = X[:49], Y[:49]
    Y[:, 0] = np.where(np.isnan(Y).all(axis=1), 0.0, Y[:, 0])
    model = estimator(alias, kind, tasks=MIXED, max_iter=15).fit(X, Y)
    assert (model.loss_curve_[-1] < model.loss_curve_[0]).all()
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy._raw(X, None), model._raw(X, None))
    # One row at a time, or all at once: nothing of a batch is left in predictions.
    one = np.concatenate([model._raw(row[None], None) for row in X[:8]])
    np.testing.assert_allclose(one, model._raw(X, None)[:8], rtol=1e-9, atol=1e-12)
    # What an unobserved label says changes nothing.
    filled = np.where(np.isnan(Y), 1.0, Y)
    weight = (~np.isnan(Y)).astype(float)
    model = estimator(alias, kind, tasks=MIXED, max_iter=3)
    same = clone(model).fit(X, filled, sample_weight=weight)
    np.testing.assert_array_equal(same._raw(X, None), model.fit(X, Y)._raw(X, None))


@every_architecture
@both
def test_fits_in_long_form(alias, kind):
    draw = np.random.default_rng(0)
    # The last task has one row.
    task = np.r_[draw.integers(3, size=48), 3]
    X = np.column_stack([draw.normal(size=(49, 3)), task])
    y = X[:, 0] * (1 + task)
    model = estimator(alias, kind, MultiTaskMLPRegressor, task_feature=3, max_iter=15).fit(X, y)
    assert np.isfinite(model.predict(X)).all()
    assert model.loss_curve_[-1][:3].mean() < model.loss_curve_[0][:3].mean()


@pytest.mark.parametrize("n_rows", [1, 2])
@every_architecture
def test_fits_of_next_to_no_rows(alias, n_rows):
    X, Y = np.arange(1.0, 3.0)[:n_rows, None] * [1, 2, 3], np.eye(2)[:n_rows]
    model = estimator(alias, max_iter=2, tasks="regression").fit(X, Y)
    assert np.isfinite(model.predict(X)).all()


@both
def test_the_best_epoch_is_restored_with_its_statistics(mixed_data, kind):
    options = {"tasks": MIXED, "kind": kind, "early_stopping": True, "n_iter_no_change": 5}
    options |= {"learning_rate_init": 0.1, "validation_fraction": 0.3}
    model = estimator(**options, max_iter=100).fit(*mixed_data)
    best = int(np.argmin(model.history_["validation_loss"].mean(axis=1)))
    assert best + 1 < model.n_iter_
    until = estimator(**options, max_iter=best + 1).fit(*mixed_data)
    for name, array in model._fitted.parameters.items():
        np.testing.assert_array_equal(until._fitted.parameters[name], array, err_msg=name)


@pytest.mark.skipif(not HAS_CALLBACKS, reason="needs scikit-learn 1.9")
@both
def test_a_fit_goes_on_from_a_file(mixed_data, kind, tmp_path):
    # Its module is skipped as a whole where there are no callbacks.
    from tests.neural.training.test_checkpoint import assert_same, crashed

    X, Y = mixed_data
    options = {"kind": kind, "tasks": MIXED, "max_iter": 9, "dropout": 0.2, "early_stopping": True}
    whole = estimator(**options).fit(X, Y)
    half = crashed(estimator(**options), X, Y, tmp_path / "model.pkl")
    rest = half.set_params(warm_start=True).fit(X, Y)
    assert_same(rest.set_params(warm_start=False), whole, X)


@both
def test_partial_fit_goes_on(mixed_data, kind):
    X, Y = mixed_data
    options = {"kind": kind, "tasks": MIXED, "max_iter": 6, "batch_size": 100}
    whole, part = estimator(**options).fit(X, Y), estimator(**options)
    for _ in range(6):
        part = pickle.loads(pickle.dumps(part.partial_fit(X, Y)))
    for name, array in whole._fitted.parameters.items():
        np.testing.assert_allclose(
            part._fitted.parameters[name], array, rtol=1e-7, atol=1e-9, err_msg=name
        )
    if kind == "batch":
        assert part._fitted.parameters["trunk.layers.0.normalization.n_batches"].item() == 6


@both
@pytest.mark.parametrize("balancing", ["pcgrad", "famo", "graddrop", "uncertainty"])
def test_balancing(mixed_data, kind, balancing):
    X, Y = mixed_data
    model = estimator(kind=kind, balancing=balancing, tasks=MIXED, max_iter=15).fit(X, Y)
    assert (model.loss_curve_[-1] < model.loss_curve_[0]).all()


def test_a_network_goes_on_with_the_same_normalization_only(mixed_data):
    X, Y = mixed_data
    model = estimator(tasks=MIXED, warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match="normalization was 'batch' and is 'layer'"):
        model.set_params(normalization="layer").fit(X, Y)
    with pytest.raises(ValueError, match="'normalization' parameter of MultiTaskMLP must be"):
        model.set_params(normalization="group").fit(X, Y)
