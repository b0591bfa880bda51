"""Extrapolation of a fixed-point iteration."""

import numpy as np
import pytest

from skmtl.linear.solvers._anderson import Anderson
from skmtl.linear.solvers.compiled._anderson import extrapolation_weights


def rotation(angle, shrink):
    return shrink * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


def run(iterates, z, step, n_steps):
    for _ in range(n_steps):
        z = step(z)
        iterates.remember(z)
    return z


@pytest.mark.parametrize("shape", [(3,), (1, 3, 1)])
def test_a_linear_map_is_solved_in_as_many_steps_as_it_has_eigenvalues(shape):
    fixed, rates = np.array([1.0, -2.0, 5.0]), np.array([0.9, 0.6, -0.5])

    def step(z):
        return (fixed + rates * (z.ravel() - fixed)).reshape(shape)

    start = np.zeros(shape)
    iterates = Anderson(start)
    run(iterates, start, step, 4)
    best = iterates.extrapolate()
    assert best.shape == shape
    np.testing.assert_allclose(best.ravel(), fixed, rtol=1e-3)
    assert iterates.undo(step(best) - best) is None


def test_a_slow_rotation_is_extrapolated():
    A = rotation(0.3, 0.999)
    iterates = Anderson(np.ones(2))
    z = run(iterates, np.ones(2), lambda z: A @ z, 3)
    assert np.linalg.norm(iterates.extrapolate()) <= 1e-4 * np.linalg.norm(z)


def test_what_leads_away_is_undone_once():
    iterates = Anderson(np.ones(2))
    latest = run(iterates, np.ones(2), lambda z: 0.5 * z, 3)
    iterates.extrapolate()
    np.testing.assert_array_equal(iterates.undo(np.full(2, 10.0)), latest)
    assert iterates.undo(np.full(2, 10.0)) is None


def test_nothing_to_extrapolate_where_nothing_moves():
    iterates = Anderson(np.ones(2))
    run(iterates, np.ones(2), lambda z: z, 3)
    np.testing.assert_array_equal(iterates.extrapolate(), np.ones(2))
    assert iterates.undo(np.zeros(2)) is None


@pytest.mark.parametrize("scale", [1e-300, 1e-162, 1e-154, 1e154, 1e290])
def test_moves_whose_squares_leave_the_range_are_extrapolated_all_the_same(scale):
    fixed, rates = np.array([1.0, -2.0, 5.0]), np.array([0.9, 0.6, -0.5])

    def step(z):
        return fixed + rates * (z - fixed)

    def extrapolated(scale):
        iterates = Anderson(np.zeros(3))
        z = np.zeros(3)
        for _ in range(4):
            z = step(z)
            iterates.remember(z * scale)
        return iterates, iterates.extrapolate() / scale

    iterates, best = extrapolated(scale)
    np.testing.assert_allclose(best, extrapolated(1.0)[1], rtol=1e-9)
    assert iterates.undo(np.full(3, 10.0 * scale)) is not None


@pytest.mark.parametrize("scale", [1e-300, 1e-162, 1e-154, 1e154, 1e290])
def test_compiled_weights_do_not_depend_on_the_scale(scale):
    rng = np.random.default_rng(0)
    past = rng.normal(size=(6, 20)).cumsum(axis=0)
    np.testing.assert_allclose(
        extrapolation_weights(past * scale),
        extrapolation_weights(past),
        rtol=1e-9,
    )
    parallel = np.outer(np.arange(6.0), rng.normal(size=20))
    assert np.isfinite(extrapolation_weights(parallel * scale)).all()
