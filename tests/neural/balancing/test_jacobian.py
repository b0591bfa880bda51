"""Balancing methods that go by gradients, entry by entry."""

import numpy as np
import pytest
import torch

from skmtl.neural.balancing import (
    BALANCING,
    DBMTL,
    BalancingInfo,
    ExcessMTL,
    GradDrop,
    JacobianBalancing,
)

JACOBIAN = sorted(name for name, kind in BALANCING.items() if issubclass(kind, JacobianBalancing))
every_method = pytest.mark.parametrize("name", JACOBIAN)


def normal(n_tasks, size, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n_tasks, size)))


def started(method, n_tasks, seeds=(0,), keys=None):
    method.start(BalancingInfo(list(seeds), range(n_tasks) if keys is None else list(keys)))
    return method


def everyone(n_tasks):
    return torch.ones(n_tasks, dtype=torch.bool)


def directions(method, n_tasks, *, model=0, order=slice(None), scale=1.0, observed=None):
    """Directions of a made-up training."""
    observed = everyone(n_tasks) if observed is None else torch.tensor(observed)
    found = []
    for step in range(4):
        J, losses = normal(n_tasks, 30, step), torch.arange(1.0, n_tasks + 1, dtype=torch.float64)
        J, losses = J * observed[:, None] * scale, losses * observed
        found.append(method.direction(model, J[order], losses[order], observed[order]).numpy())
    return np.array(found)


# What every method owes.


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (GradDrop(leak=1.5), "'leak' parameter of GradDrop .* Got 1.5"),
        (GradDrop(conflict_space="all"), "'conflict_space' parameter of GradDrop .* Got 'all'"),
        (DBMTL(beta=1.0), "'beta' parameter of DBMTL .* Got 1.0"),
        (DBMTL(conflict_space="representation"), "'conflict_space' .* Got 'representation'"),
        (ExcessMTL(learning_rate=-1.0), "'learning_rate' parameter of ExcessMTL .* Got -1.0"),
    ],
)
def test_parameters_are_checked(method, message):
    with pytest.raises(ValueError, match=message):
        method.start(BalancingInfo([0], range(3)))


class First(JacobianBalancing):
    """Without constraints of its own."""

    def direction(self, model, jacobian, losses, observed):
        return jacobian[0]


def test_a_method_of_ones_own_compares_gradients_where_the_others_do():
    for space in ("shared", "representation"):
        started(First(conflict_space=space), 2)
    with pytest.raises(ValueError, match=r"'conflict_space' parameter of First .* Got ''"):
        started(First(conflict_space=""), 2)


# What single methods promise.


def test_graddrop_keeps_what_agrees():
    J = normal(4, 200).abs() * torch.sign(normal(1, 200, 1))
    d = started(GradDrop(), 4).direction(0, J, torch.ones(4), everyone(4))
    np.testing.assert_allclose(d, J.sum(dim=0))


def test_graddrop_with_full_leak_is_the_sum():
    J = normal(4, 200)
    d = started(GradDrop(leak=1.0), 4).direction(0, J, torch.ones(4), everyone(4))
    np.testing.assert_allclose(d, J.sum(dim=0))


@pytest.mark.parametrize("leak", [0.0, 0.3])
def test_graddrop_picks_signs_by_their_share(leak):
    up, down = 3.0, -1.0
    J = torch.tensor([[up], [down]], dtype=torch.float64).expand(2, 20_000)
    d = started(GradDrop(leak=leak), 2).direction(0, J, torch.ones(2), everyone(2)).numpy()
    kept = [leak * (up + down) + (1 - leak) * sign for sign in (down, up)]
    np.testing.assert_allclose(np.unique(d.round(9)), kept)
    # P = (1 + (3 - 1) / (3 + 1)) / 2
    assert np.mean(d > d.mean()) == pytest.approx(0.75, abs=0.02)


def test_db_mtl_gives_all_gradients_one_length():
    J, losses = normal(3, 8) * torch.tensor([[1e-3], [1.0], [50.0]]), torch.tensor([2.0, 0.1, 7.0])
    method = started(DBMTL(beta=0.0), 3)
    d = method.direction(0, J, losses.double(), everyone(3))
    rows = J / losses[:, None]
    longest = rows.norm(dim=1).max()
    np.testing.assert_allclose(d, (longest * rows / rows.norm(dim=1, keepdim=True)).sum(dim=0))


def test_db_mtl_does_not_hear_the_scale_of_a_loss():
    scale = torch.tensor([1e-3, 1.0, 100.0], dtype=torch.float64)
    one, other = started(DBMTL(), 3), started(DBMTL(), 3)
    for step in range(4):
        J, losses = normal(3, 8, step), torch.tensor([2.0, 0.1, 7.0], dtype=torch.float64)
        d = one.direction(0, J, losses, everyone(3))
        scaled = other.direction(0, J * scale[:, None], losses * scale, everyone(3))
        np.testing.assert_allclose(scaled, d)


def test_db_mtl_averages():
    method, average = started(DBMTL(beta=0.5), 1), 0
    for k in range(1, 5):
        J = normal(1, 8, k)
        d = method.direction(0, J, 2 * J.new_ones(1), everyone(1))
        kept = 0.5 / np.sqrt(k)
        average = kept * average + (1 - kept) * J[0] / 2
        np.testing.assert_allclose(d, average)


def test_db_mtl_waits_for_a_task_without_labels():
    method, alone = started(DBMTL(), 2), started(DBMTL(), 1)
    for step, observed in enumerate([[True, True], [True, False]]):
        J = normal(2, 8, step) * torch.tensor(observed)[:, None]
        d = method.direction(0, J, J.new_ones(2), torch.tensor(observed))
        expected = alone.direction(0, J[:1], J.new_ones(1), everyone(1))
    # It keeps its average, which is no part of this step.
    np.testing.assert_allclose(d, expected)


def excess_reference(jacobians, learning_rate):
    """Equations 6, 7 and 9 of the paper, step by step."""
    squares, weights, first = 0, np.ones(len(jacobians[0])), None
    for J in jacobians:
        squares = squares + J**2
        excess = (J**2 / np.sqrt(squares)).sum(axis=1)
        if first is None:
            first = excess
        else:
            weights = weights * np.exp(learning_rate * excess / first)
            weights = weights / weights.sum() * len(weights)
        yield weights @ J


def test_excess_mtl_follows_the_paper():
    jacobians = [normal(3, 30, step).numpy() for step in range(4)]
    found = directions(started(ExcessMTL(learning_rate=0.3), 3), 3)
    np.testing.assert_allclose(found, list(excess_reference(jacobians, 0.3)))


def test_excess_mtl_does_not_hear_the_scale_of_a_loss():
    scale = torch.tensor([[1e-6], [1.0], [1e6]], dtype=torch.float64)
    weights = []
    for factor in (torch.ones_like(scale), scale):
        method = started(ExcessMTL(learning_rate=0.3), 3)
        for step in range(3):
            J = torch.block_diag(*normal(3, 4, step).split(1)) * factor
            d = method.direction(0, J, torch.ones(3), everyone(3))
        weights.append(d.view(3, 4) / J.sum(dim=0).view(3, 4))
    np.testing.assert_allclose(weights[0], weights[1])
