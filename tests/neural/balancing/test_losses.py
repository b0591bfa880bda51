"""Balancing methods that go by the losses."""

import numpy as np
import pytest
import torch

from skmtl.neural.balancing import (
    BALANCING,
    DWA,
    FAMO,
    IMTLL,
    STCH,
    BalancingInfo,
    GeometricMean,
    LossBalancing,
    RandomWeights,
    Static,
    Uncertainty,
)

LOSSES = sorted(name for name, kind in BALANCING.items() if issubclass(kind, LossBalancing))
every_method = pytest.mark.parametrize("name", LOSSES)


def tensor(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def everyone(losses):
    return torch.ones_like(losses, dtype=torch.bool)


def started(method, n_tasks, seeds=(0,), keys=None, **more):
    method.start(BalancingInfo(list(seeds), range(n_tasks) if keys is None else list(keys), **more))
    return method


# What every method owes.


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (DWA(temperature=0), "'temperature' parameter of DWA .* Got 0"),
        (STCH(mu=-1.0), "'mu' parameter of STCH .* Got -1.0"),
        (STCH(warm_up=1.5), "'warm_up' parameter of STCH .* Got 1.5"),
        (FAMO(gamma=-1), "'gamma' parameter of FAMO .* Got -1"),
        (Uncertainty(learning_rate=0), "'learning_rate' parameter of Uncertainty .* Got 0"),
        (IMTLL(learning_rate="fast"), "'learning_rate' parameter of IMTLL .* Got 'fast'"),
        (Static([1.0, 2.0]), r"Static\(weight=\[1.0, 2.0\]\); expected 3 numbers >= 0"),
        (Static([1.0, -2.0, 0.0]), "expected 3 numbers >= 0"),
        (
            Static([0, 0, 0], normalize=True),
            r"Static\(weight=\[0, 0, 0\], normalize=True\): all are 0",
        ),
    ],
)
def test_parameters_are_checked(method, message):
    with pytest.raises(ValueError, match=message):
        method.start(BalancingInfo([0], range(3)))


def test_one_method_asks_for_a_second_forward_pass():
    assert [name for name in LOSSES if BALANCING[name].follows_up] == ["famo"]


# What single methods promise.


def test_static():
    losses = tensor([1.0, 2.0], [3.0, 4.0])
    method = started(Static([3, 1]), 2)
    np.testing.assert_array_equal(method.weights(losses, everyone(losses)), [[3, 1], [3, 1]])
    method = started(Static([3, 1], normalize=True), 2)
    np.testing.assert_array_equal(method.weights(losses, everyone(losses)), [[1.5, 0.5]] * 2)


def test_uncertainty_starts_with_the_forms_of_the_paper():
    losses = tensor([1.0, 1.0, 1.0])
    method = started(Uncertainty(), 3, task_types=["regression", "binary", "count"])
    np.testing.assert_array_equal(method.weights(losses, everyone(losses)), [[0.5, 1, 1]])


@pytest.mark.parametrize("method", [Uncertainty(), IMTLL()], ids=["uncertainty", "imtl_l"])
def test_learned_scales_settle_where_losses_are_one(method):
    started(method, 3, task_types=["regression", "binary", "multiclass"])
    losses = tensor([0.1, 1.0, 20.0])
    for _ in range(3000):
        weights = method.weights(losses, everyone(losses))
    # The gradient of the sum of log L, as for the geometric mean.
    expected = (0.5 if isinstance(method, Uncertainty) else 1.0) / losses
    np.testing.assert_allclose(weights, expected, rtol=1e-3)


def test_dwa():
    method = started(DWA(temperature=2.0), 2)
    for losses in (tensor([4.0, 1.0]), tensor([2.0, 1.0])):
        np.testing.assert_array_equal(method.weights(losses, everyone(losses)), [[1, 1]])
        method.end_epoch(losses)
    expected = 2 * torch.softmax(tensor([0.5, 1.0]) / 2.0, dim=1)
    weights = method.weights(losses, everyone(losses))
    np.testing.assert_allclose(weights, expected)
    assert weights.sum() == pytest.approx(2)
    # Equal rates make equal weights.
    method.end_epoch(losses * 0.5)
    np.testing.assert_allclose(method.weights(losses, everyone(losses)), [[1, 1]])


def test_random_weights_are_fair_on_average():
    losses = torch.ones(1, 4, dtype=torch.float64)
    method = started(RandomWeights(), 4)
    drawn = np.array([method.weights(losses, everyone(losses))[0].numpy() for _ in range(4000)])
    np.testing.assert_allclose(drawn.sum(axis=1), 1)
    np.testing.assert_allclose(drawn.mean(axis=0), 0.25, atol=0.02)


def test_random_weights_are_for_tasks_with_labels():
    losses, observed = torch.ones(1, 3, dtype=torch.float64), torch.tensor([[True, True, False]])
    weights = started(RandomWeights(), 3).weights(losses, observed)
    assert weights[0, :2].sum() == pytest.approx(1)


def test_geometric_mean_is_a_gradient():
    losses = tensor([0.3, 2.0, 5.0]).requires_grad_()
    (expected,) = torch.autograd.grad(losses.log().mean().exp(), losses)
    losses = losses.detach()
    weights = GeometricMean().weights(losses, everyone(losses))
    np.testing.assert_allclose(weights, expected)
    scaled = GeometricMean().weights(losses * tensor([1.0, 8.0, 1.0]), everyone(losses))
    np.testing.assert_allclose(scaled, 2 * weights / tensor([1.0, 8.0, 1.0]))


def test_geometric_mean_is_over_tasks_with_labels():
    losses, one = tensor([0.5, 3.0, 7.0]), torch.tensor([[True, False, False]])
    assert GeometricMean().weights(losses, one)[0, 0] == pytest.approx(1.0)
    both = GeometricMean().weights(losses, torch.tensor([[True, True, False]]))
    mean = np.sqrt(0.5 * 3.0)
    np.testing.assert_allclose(both[0, :2], [mean / (2 * 0.5), mean / (2 * 3.0)])


def test_stch_is_a_gradient_after_warm_up():
    method = started(STCH(mu=0.7, warm_up=2), 3)
    losses, nadir = tensor([0.3, 2.0, 5.0]), tensor([1.0, 4.0, 2.0])
    for epoch in (9 * nadir, nadir):
        np.testing.assert_allclose(method.weights(losses, everyone(losses)), 1 / losses)
        method.end_epoch(epoch)
    method.end_epoch(losses)
    losses.requires_grad_()
    value = 3 * 0.7 * torch.logsumexp(torch.log(losses / nadir) / 0.7, dim=1)
    (expected,) = torch.autograd.grad(value.sum(), losses)
    losses = losses.detach()
    np.testing.assert_allclose(method.weights(losses, everyone(losses)), expected)


@pytest.mark.parametrize(("mu", "expected"), [(1e-3, [0, 0, 3]), (1e6, [1, 1, 1])])
def test_stch_is_between_maximum_and_mean(mu, expected):
    losses = tensor([0.3, 2.0, 5.0])
    method = started(STCH(mu=mu, warm_up=0), 3)
    weights = method.weights(losses, everyone(losses))
    np.testing.assert_allclose(weights * losses, [expected], atol=1e-4)


def test_famo_rests_where_losses_fall_alike():
    losses = tensor([0.3, 2.0, 5.0])
    method = started(FAMO(), 3)
    for _ in range(5):
        weights = method.weights(losses, everyone(losses))
        expected = (1 / losses) / (1 / losses).sum()
        np.testing.assert_allclose(weights, expected, rtol=1e-6)
        method.follow_up(0.8 * losses, everyone(losses))


def test_famo_turns_to_the_task_that_lags_behind():
    losses = tensor([1.0, 1.0])
    method = started(FAMO(learning_rate=0.1), 2)
    for _ in range(20):
        weights = method.weights(losses, everyone(losses))
        method.follow_up(losses * tensor([0.5, 0.99]), everyone(losses))
    assert weights[0, 1] > 0.8
    assert weights.sum() == pytest.approx(1)


SCALARIZERS = {
    "geometric_mean": ("GeometricMean", lambda kind, n: kind()),
    "uncertainty": ("UW", lambda kind, n: kind(n)),
    "imtl_l": ("IMTLL", lambda kind, n: kind(n)),
    "famo": ("FAMO", lambda kind, n: kind(n)),
}


@pytest.mark.parametrize("name", sorted(SCALARIZERS))
def test_torchjd_agrees(name):
    scalarization = pytest.importorskip("torchjd.scalarization")
    kind, make = SCALARIZERS[name]
    theirs = make(getattr(scalarization, kind), 3).double()
    losses = tensor([0.3, 2.0, 5.0])
    free = losses[0].clone().requires_grad_()
    (expected,) = torch.autograd.grad(theirs(free), free)
    weights = started(BALANCING[name](), 3).weights(losses, everyone(losses))
    np.testing.assert_allclose(weights[0], expected, rtol=1e-6)
