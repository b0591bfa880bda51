"""Gradient, curvature, conjugate and torch twin of every loss belong to one function."""

import numpy as np
import pytest

from skmtl.tasks import Binary, Count, Multiclass, Regression
from skmtl.tasks._columns import read_column

# A new loss is tested by a row here: task type, labels it is fitted to.
LOSSES = {
    "squared": (Regression(), [0.5, -1.0, 2.0]),
    "absolute": (Regression(loss="absolute"), [0.5, -1.0, 2.0]),
    "huber": (Regression(loss="huber"), [0.5, -1.0, 2.0]),
    "huber, small delta": (Regression(loss="huber", delta=0.1), [0.5, -1.0, 2.0]),
    "binary": (Binary(), ["no", "yes", "no"]),
    "multiclass": (Multiclass(), ["a", "b", "c", "d"]),
    "multiclass of two": (Multiclass(), ["a", "b"]),
    "count": (Count(), [0.0, 3.0, 1.5]),
}
# The score is R2 whatever the loss, so that these are not what it compares with.
ROBUST = ("absolute", "huber", "huber, small delta")


def fitted(name):
    task, labels = LOSSES[name]
    column = read_column(np.array(labels, dtype=object), name)
    return task.fit(column, np.ones(len(labels)), name)


def draw(task, shape, seed=0):
    """Raw scores (*shape, n_outputs) and encoded labels (*shape)."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(scale=1.5, size=(*shape, task.n_outputs_))
    if task.is_classification:
        return raw, rng.integers(len(task.classes_), size=shape).astype(float)
    if isinstance(task, Count):
        return raw, rng.poisson(2.0, size=shape).astype(float)
    return raw, rng.normal(size=shape)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_is_the_slope_of_the_loss(name):
    task = fitted(name)
    raw, values = draw(task, (50,))
    _, gradient = task.loss_and_grad(raw, values)
    assert gradient.shape == raw.shape
    h = 1e-6
    for k in range(task.n_outputs_):
        step = h * np.eye(task.n_outputs_)[k]
        above, _ = task.loss_and_grad(raw + step, values)
        below, _ = task.loss_and_grad(raw - step, values)
        np.testing.assert_allclose((above - below) / (2 * h), gradient[:, k], atol=1e-7, rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_curvature_is_the_slope_of_the_gradient(name):
    task = fitted(name)
    raw, values = draw(task, (50,))
    direction = np.random.default_rng(1).normal(size=raw.shape)
    h = 1e-6
    _, above = task.loss_and_grad(raw + h * direction, values)
    _, below = task.loss_and_grad(raw - h * direction, values)
    curvature = task.curvature(raw, values, direction)
    np.testing.assert_allclose((above - below) / (2 * h), curvature, atol=1e-7, rtol=1e-6)
    assert ((direction * curvature).sum(axis=-1) >= -1e-12).all()


@pytest.mark.parametrize("name", LOSSES)
def test_fenchel_young_equality_at_the_gradient(name):
    task = fitted(name)
    raw, values = draw(task, (200,))
    loss, gradient = task.loss_and_grad(raw, values)
    inner = (raw * gradient).sum(axis=-1)
    np.testing.assert_allclose(loss + task.conjugate(gradient, values), inner, atol=1e-10)


@pytest.mark.parametrize("name", LOSSES)
def test_fenchel_young_inequality(name):
    task = fitted(name)
    raw, values = draw(task, (300,))
    loss, _ = task.loss_and_grad(raw, values)
    other, _ = draw(task, (300,), seed=1)
    _, inside = task.loss_and_grad(other, values)
    anywhere = np.random.default_rng(2).normal(size=raw.shape)
    for dual in (inside, 0.5 * inside, anywhere, np.zeros_like(raw)):
        gap = loss + task.conjugate(dual, values) - (raw * dual).sum(axis=-1)
        assert (gap >= -1e-10).all()
    assert np.isfinite(task.conjugate(inside, values)).all()


@pytest.mark.parametrize(
    "name, dual, value",
    [
        ("absolute", [1.1], 0.0),
        ("huber", [-1.4], 0.0),
        ("binary", [0.1], 1.0),
        ("binary", [-0.1], 0.0),
        ("multiclass", [0.1, 0.1, 0.1, 0.1], 0.0),
        ("multiclass", [0.5, -0.5, 0.0, 0.0], 0.0),
        ("count", [-2.0], 1.0),
    ],
)
def test_conjugate_is_infinite_outside_its_domain(name, dual, value):
    assert fitted(name).conjugate(np.array([dual]), np.array([value])) == np.inf


@pytest.mark.parametrize("name", LOSSES)
def test_elementwise_over_any_shape(name):
    task = fitted(name)
    raw, values = draw(task, (5, 3))
    flat = raw.reshape(15, -1), values.reshape(15)
    loss, gradient = task.loss_and_grad(raw, values)
    flat_loss, flat_gradient = task.loss_and_grad(*flat)
    assert (loss.ravel() == flat_loss).all()
    assert (gradient.reshape(15, -1) == flat_gradient).all()
    direction = raw[::-1].copy()
    curvature = task.curvature(raw, values, direction)
    expected = task.curvature(*flat, direction.reshape(15, -1))
    assert (curvature.reshape(15, -1) == expected).all()
    conjugate = task.conjugate(gradient, values)
    assert (conjugate.ravel() == task.conjugate(flat_gradient, flat[1])).all()


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "count"])
def test_extreme_scores_stay_finite(name):
    task = fitted(name)
    _, values = draw(task, (20,))
    for scale in (-1e4, 1e4):
        raw = np.zeros((20, task.n_outputs_))
        raw[:, 0] = scale
        with np.errstate(all="raise", under="ignore"):
            loss, gradient = task.loss_and_grad(raw, values)
        assert np.isfinite(loss).all()
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype, rtol", [("float64", 1e-12), ("float32", 1e-5)])
def test_torch_twin(name, dtype, rtol):
    torch = pytest.importorskip("torch")
    task = fitted(name)
    raw, values = draw(task, (40, 3))
    loss, gradient = task.loss_and_grad(raw, values)
    tensor = torch.tensor(raw, dtype=getattr(torch, dtype), requires_grad=True)
    twin = task.torch_loss(tensor, torch.tensor(values, dtype=tensor.dtype))
    assert twin.dtype == tensor.dtype
    np.testing.assert_allclose(twin.detach().numpy(), loss, rtol=rtol, atol=rtol)
    twin.sum().backward()
    np.testing.assert_allclose(tensor.grad.numpy(), gradient, rtol=rtol, atol=rtol)


def test_loss_key_tells_losses_apart():
    keys = [fitted(name).loss_key for name in LOSSES]
    assert len(set(keys)) == len(keys)
    assert fitted("binary").loss_key == Binary().loss_key
    wide = Regression(delta=3.0)
    assert wide.loss_key == Regression().loss_key  # delta is Huber's alone


@pytest.mark.parametrize("name", [name for name in LOSSES if name not in ROBUST])
def test_prior_is_the_best_constant(name):
    task = fitted(name)
    _, values = draw(task, (30,))
    weight = np.random.default_rng(3).uniform(0.5, 2.0, size=30)
    prior = np.asarray(task.prior(values, weight))
    best = weight @ task.deviance(np.broadcast_to(prior, (30, *prior.shape)), values)
    rng = np.random.default_rng(4)
    for _ in range(20):
        other = np.abs(prior * (1 + 0.1 * rng.normal(size=prior.shape)))
        if task.is_classification:
            other = other / other.sum()
        worse = weight @ task.deviance(np.broadcast_to(other, (30, *prior.shape)), values)
        assert worse >= best - 1e-12
