"""In which dtype a network is trained; mixed precision, on the CPU in place of CUDA."""

import numpy as np
import pytest
import torch
from scipy import sparse

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural.architectures import ARCHITECTURES
from skmtl.neural.balancing import PCGrad
from skmtl.neural.balancing._base import CONFLICT_SPACES
from skmtl.neural.gradients._autograd import Autograd
from skmtl.neural.gradients._manual_gradients import ManualGradients
from tests.neural.conftest import MIXED, PLAIN

every_architecture = pytest.mark.parametrize("alias", sorted(ARCHITECTURES))
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {**PLAIN, "hidden_layer_sizes": (8, 8), "batch_size": 20, "max_iter": 6, "random_state": 0}
DTYPES = {torch.bfloat16, torch.float32}


def engines(parts, mixed_data, alias, form="wide", **options):
    """The same network in float32 and in mixed precision, after a pass over the same rows."""
    X, Y = mixed_data
    X = X.astype(np.float32)
    options = {"hidden_layer_sizes": (6, 6), "head_hidden_layer_sizes": (3,), **options}
    if form == "long":
        labels = (Y[:, 2], "multiclass")
        options["task_column"] = np.arange(60) % 4
    else:
        labels = (Y, MIXED)
    for is_mixed in (False, True):
        made = parts(X, *labels, architecture=alias, **options)
        made.module.mixed_precision = is_mixed
        engine = Autograd(made.module, made.objective)
        yield engine, engine.forward(made.rows.all(1))


@every_architecture
@pytest.mark.parametrize(
    ("form", "normalization"), [("wide", None), ("long", "layer"), ("wide", "batch")]
)
def test_mixed_precision_is_nearly_float32(parts, mixed_data, alias, form, normalization):
    both = engines(parts, mixed_data, alias, form, normalization=normalization)
    (full, losses), (mixed, near) = both
    assert near.dtype == torch.float32
    assert (near != losses).any()
    torch.testing.assert_close(near, losses, rtol=0.02, atol=0.02)
    # Sums over everything, in which the rounding of single gradients averages out.
    products = torch.zeros(3)
    for one, other in zip(full.gradients(None, None), mixed.gradients(None, None), strict=True):
        if one is not None:
            assert other.dtype == torch.float32
            products += torch.stack([(one * other).sum(), one.square().sum(), other.square().sum()])
    assert products[0] / (products[1] * products[2]).sqrt() > 0.97
    assert all(p.dtype == torch.float32 for p in mixed.module.parameters())


def test_products_are_in_bfloat16(parts, mixed_data):
    seen = []
    for engine, _ in engines(parts, mixed_data, "hard_sharing"):
        engine.module.trunk.layers[1].register_forward_hook(
            lambda layer, args, out: seen.append(out.dtype)
        )
        batch = parts(*mixed_data, MIXED).rows.all(1)
        batch.X = batch.X.float()
        engine.forward(batch)
    assert seen == [torch.float32, torch.bfloat16]


@pytest.mark.parametrize("space", CONFLICT_SPACES)
def test_gramians_are_added_up_in_float32(parts, mixed_data, space):
    (full, _), (mixed, _) = engines(parts, mixed_data, "hard_sharing")
    assert all(J.dtype == torch.float32 for J in mixed.jacobian(space))
    expected, found = full.gramian(space), mixed.gramian(space)
    torch.testing.assert_close(found, expected, rtol=0.05, atol=0.05 * float(expected.max()))


def test_steps_written_out_are_in_full_precision(parts, mixed_data):
    made = parts(*mixed_data, MIXED)
    assert ManualGradients.knows(made.module, made.objective)
    made.module.mixed_precision = True
    assert not ManualGradients.knows(made.module, made.objective)


@pytest.mark.parametrize("given", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("precision", "expected"), [("auto", None), ("float32", "float32"), ("bfloat16", "float32")]
)
def test_dtypes_of_fits(mixed_data, given, precision, expected):
    X, Y = mixed_data
    X = X.astype(given)
    model = MultiTaskMLP(**SMALL, tasks=MIXED, precision=precision).fit(X, Y)
    assert {a.dtype.name for a in model._fitted.parameters.values()} == {
        expected or np.dtype(given).name
    }
    assert model.predict(X).dtype == np.float64
    part = MultiTaskMLP(**SMALL, tasks=MIXED, precision=precision).partial_fit(X, Y)
    part.partial_fit(X, Y)
    assert {a.dtype.name for a in part._fitted.parameters.values()} == {
        expected or np.dtype(given).name
    }


def test_float32_is_that_of_float32_data(mixed_data):
    X, Y = mixed_data
    short = X.astype(np.float32)
    plain = MultiTaskMLP(**SMALL, tasks=MIXED).fit(short, Y)
    asked = MultiTaskMLP(**SMALL, tasks=MIXED, precision="float32").fit(X, Y)
    np.testing.assert_array_equal(asked._raw(short, None), plain._raw(short, None))


@pytest.mark.parametrize(
    "options",
    [{}, {"balancing": PCGrad()}, {"architecture": "mmoe"}, {"normalization": "batch"}],
    ids=str,
)
def test_mixed_fits_end_up_near_float32(options):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 4))
    Y = np.column_stack([np.sin(2 * X[:, 0]), X[:, 0] * X[:, 1]])
    X = sparse.csr_array(X)
    settings = {**SMALL, "max_iter": 20, "learning_rate_init": 0.01, **options}
    full, mixed, again = (
        MultiTaskMLPRegressor(**settings, precision=precision).fit(X, Y)
        for precision in ("float32", "bfloat16", "bfloat16")
    )
    np.testing.assert_allclose(mixed.loss_curve_[0], full.loss_curve_[0], rtol=0.02)
    assert mixed.score(X, Y) == pytest.approx(full.score(X, Y), abs=0.05)
    assert (mixed.predict(X) != full.predict(X)).any()
    np.testing.assert_array_equal(again.predict(X), mixed.predict(X))


@pytest.mark.parametrize("architecture", ["hard_sharing", "mmoe"])
def test_autocast_is_neither_left_on_nor_taken_from_the_caller(mixed_data, architecture):
    X, Y = mixed_data
    X = X.astype(np.float32)
    options = {**SMALL, "tasks": MIXED, "architecture": architecture}
    plain = MultiTaskMLP(**options).fit(X, Y)
    MultiTaskMLP(**options, precision="bfloat16").fit(X, Y)
    assert not torch.is_autocast_enabled("cpu")
    with torch.autocast("cpu", torch.bfloat16):
        inside = MultiTaskMLP(**options).fit(X, Y)
        predicted = inside.predict(X)
        inside.partial_fit(X, Y)
        assert torch.is_autocast_enabled("cpu")
    np.testing.assert_array_equal(predicted, plain.predict(X))


def test_other_precisions_are_refused(mixed_data):
    with pytest.raises(ValueError, match="'precision' parameter of MultiTaskMLP must be"):
        MultiTaskMLP(precision="float16").fit(*mixed_data)
