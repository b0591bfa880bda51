"""Numerics that balancing methods share."""

import numpy as np
import pytest
import torch
from scipy.optimize import nnls

from skmtl.neural.balancing._adam_vector import AdamVector
from skmtl.neural.balancing._cosines import cosines_of, positive_definite, pseudo_solve
from skmtl.neural.balancing._dual_cone import project_on_dual_cone
from skmtl.neural.balancing._nash_solver import bargain
from skmtl.neural.balancing._nonnegative import (
    _conjugate_gradients,
    _eliminate,
    nonnegative_minima,
)
from skmtl.neural.balancing._task_random import TaskRandom


def gradients(n_tasks, size, seed=0):
    return np.random.default_rng(seed).normal(size=(n_tasks, size))


@pytest.mark.parametrize(
    "shape", [(3, 5), (21, 40), (60, 80), (60, 50), (60, 10), (80, 500), (60, 2000)]
)
def test_nonnegative_minima_are_optimal(shape):
    _, cosines = cosines_of(gradients(*shape) @ gradients(*shape).T)
    matrix = positive_definite(cosines)
    linear = np.vstack([-cosines, cosines[:2], np.zeros((1, len(cosines)))])
    minima = nonnegative_minima(matrix, linear)
    slope = minima @ matrix - linear
    assert (minima >= 0).all()
    assert slope.min() >= -1e-9
    assert np.abs(minima * slope).max() <= 1e-9


# Few variables are eliminated; of many, conjugate gradients solve what is not near to singular.
@pytest.mark.parametrize("shape", [(50, 70), (70, 400), (70, 75)])
def test_nonnegative_minima_agree_with_one_program_at_a_time(shape):
    J = gradients(*shape)
    matrix = positive_definite(cosines_of(J @ J.T)[1])
    linear = gradients(30, len(J), 1)
    factor = np.linalg.cholesky(matrix).T
    expected = [nnls(factor, np.linalg.solve(factor.T, row))[0] for row in linear]
    np.testing.assert_allclose(nonnegative_minima(matrix, linear), expected, atol=1e-8)


def test_two_ways_to_stationary_points_over_some_entries():
    J = gradients(60, 2000)
    matrix = cosines_of(J @ J.T)[1]
    linear = gradients(40, 60, 1)
    # Rows of all sizes, some of them in one block of systems.
    positive = np.random.default_rng(2).random((40, 60)) < np.linspace(0, 1, 40)[:, None]
    expected = np.zeros_like(linear)
    for found, row, on in zip(expected, linear, positive, strict=True):
        found[on] = np.linalg.solve(matrix[np.ix_(on, on)], row[on])
    np.testing.assert_allclose(_eliminate(matrix, linear, positive), expected, atol=1e-12)
    for start in (np.zeros_like(linear), gradients(40, 60, 3)):
        found, missed = _conjugate_gradients(matrix, linear, positive, start)
        np.testing.assert_allclose(found, expected, atol=1e-10)
        assert not missed.any()


def test_conjugate_gradients_say_where_they_have_not_arrived():
    J = gradients(70, 72)
    matrix = positive_definite(cosines_of(J @ J.T)[1])
    linear = gradients(5, 70, 1)
    positive = np.ones(linear.shape, dtype=bool)
    positive[0, 1:] = False
    found, missed = _conjugate_gradients(matrix, linear, positive, np.zeros_like(linear))
    assert missed.tolist() == [False, True, True, True, True]
    assert found[0, 0] == pytest.approx(linear[0, 0] / matrix[0, 0])


def test_projections_satisfy_moreau():
    J = gradients(8, 6)
    u = gradients(4, 8, 2)
    d = project_on_dual_cone(J @ J.T, u) @ J
    residual = d - u @ J
    assert (d @ J.T >= -1e-9).all()
    np.testing.assert_allclose((d * residual).sum(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(project_on_dual_cone(J @ J.T, 1e9 * u) @ J, 1e9 * d, rtol=1e-6)


def test_cosines_have_no_units():
    J = gradients(5, 9)
    J[3] = 0
    scale = np.array([1e-150, 1e-8, 1.0, 1.0, 1e150])[:, None]
    norms, cosines = cosines_of((scale * J) @ (scale * J).T)
    np.testing.assert_allclose(norms, np.linalg.norm(scale * J, axis=1))
    np.testing.assert_allclose(cosines, cosines_of(J @ J.T)[1], atol=1e-15)
    assert not cosines[3].any()


def test_cosines_are_between_opposite_and_equal():
    for seed in range(50):
        J = gradients(2, 3, seed) * np.array([[1.0], [3.0]])
        _, cosines = cosines_of(np.vstack([J, -J]) @ np.vstack([J, -J]).T)
        assert np.abs(cosines).max() <= 1.0
        np.testing.assert_allclose(cosines[:2, 2:].diagonal(), -1.0)


def test_positive_definite_has_a_factor():
    # In float32 a Gramian of dependent rows has eigenvalues below 0.
    J = gradients(40, 5).astype(np.float32)
    matrix = positive_definite(cosines_of((J @ J.T).astype(float))[1])
    np.linalg.cholesky(matrix)


def test_pseudo_solve_has_the_least_norm():
    J = gradients(6, 3)
    target = J @ J.T @ np.arange(6.0)
    expected = np.linalg.pinv(J @ J.T, rcond=1e-10) @ target
    np.testing.assert_allclose(pseudo_solve(J @ J.T, target), expected, rtol=1e-6)


@pytest.mark.parametrize("power", [0.2, 0.5, 1.0, 3.0, 5.0])
@pytest.mark.parametrize("shape", [(1, 3), (2, 5), (10, 30), (60, 128)])
def test_bargain_solves_its_equation(power, shape):
    J = gradients(*shape)
    cosines = cosines_of(J @ J.T)[1]
    scale = np.random.default_rng(1).random(shape[0]) + 0.1
    a = bargain(cosines, scale, power)
    np.testing.assert_allclose(cosines @ a, scale * a**-power, rtol=1e-9)


def test_bargain_is_bounded_where_gradients_cancel():
    a = bargain(np.array([[1.0, -1.0], [-1.0, 1.0]]), np.ones(2), 1.0)
    assert np.isfinite(a).all()
    np.testing.assert_allclose(a[0], a[1])


def test_draws_belong_to_keys():
    keys = np.array([7, 3, 9, 1])
    order = np.array([2, 0, 3, 1])
    one, other = TaskRandom([4, 5], keys), TaskRandom([4, 5], keys[order])
    np.testing.assert_array_equal(other.for_tasks(1), one.for_tasks(1)[order])
    np.testing.assert_array_equal(other.for_pairs(0), one.for_pairs(0)[np.ix_(order, order)])
    assert not np.array_equal(one.for_tasks(0), one.for_tasks(1))


def test_learned_is_adam_where_observed():
    parameter = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    adam = torch.optim.Adam([parameter], lr=0.1)
    learned = AdamVector(parameter.detach(), 0.1)
    everyone = torch.ones(2, 3, dtype=torch.bool)
    for step in range(5):
        parameter.grad = torch.from_numpy(gradients(2, 3, step))
        adam.step()
        learned.step(parameter.grad, everyone)
    np.testing.assert_allclose(learned.values, parameter.detach())
    before = learned.values
    some = torch.tensor([[True, False, True]] * 2)
    learned.step(torch.ones(2, 3, dtype=torch.float64), some)
    assert (learned.values[:, 1] == before[:, 1]).all()
    assert (learned.values[:, ::2] != before[:, ::2]).all()


def test_cosines_of_a_noisy_gramian_are_cosines():
    # Rounding may leave the square of a zero gradient below 0, and a cosine beyond -1.
    noisy = np.array([[1.0, -1.0000001, 0.0], [-1.0000001, 1.0, 0.0], [0.0, 0.0, -1e-9]])
    norms, cosines = cosines_of(noisy)
    np.testing.assert_array_equal(norms, [1.0, 1.0, 0.0])
    np.testing.assert_array_equal(cosines, [[1.0, -1.0, 0.0], [-1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
