"""Weights of members: exact in simple cases, invariant where they have to be."""

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit

from skmtl import _blending as blending
from skmtl._blending import blend_weights, mix
from skmtl.tasks._read_targets import read_targets

N_MEMBERS = 4


def members_of(Y, noise, seed=0):
    """Each member is off by noise of its own size, in every task."""
    rng = np.random.default_rng(seed)
    filled = np.where(np.isnan(Y), 0.0, Y)
    return [list((filled + size * rng.normal(size=Y.shape)).T) for size in noise]


@pytest.fixture
def problem():
    rng = np.random.default_rng(1)
    Y = rng.normal(size=(60, 3)) * [1.0, 10.0, 1e-3] + [0.0, 50.0, 1.0]
    Y[rng.random(Y.shape) < 0.3] = np.nan
    members = members_of(Y / np.nanstd(Y, axis=0), [0.5, 0.7, 1.0, 3.0])
    return Y, [
        [column * scale for column, scale in zip(m, np.nanstd(Y, axis=0), strict=True)]
        for m in members
    ]


def test_weights_are_shares(problem):
    Y, members = problem
    weights = blend_weights(members, read_targets(Y))
    assert weights.shape == (N_MEMBERS, 3)
    assert (weights >= 0).all()
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    assert (np.diff(weights.mean(axis=1)) < 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_smallest_on_the_simplex(seed):
    rng = np.random.default_rng(seed)
    A, centre, pull = rng.normal(size=(9, 4)) + 1.0, rng.dirichlet(np.ones(4)), 0.3

    def value(w):
        least = np.square(A).sum(axis=0).min()
        return np.square(A @ w).sum() + pull * least * np.square(w - centre).sum()

    found = blending._on_simplex(A, centre, pull)
    constraint = {"type": "eq", "fun": lambda w: w.sum() - 1.0}
    other = minimize(
        value, centre, bounds=[(0, 1)] * 4, constraints=constraint, options={"ftol": 1e-14}
    )
    np.testing.assert_allclose(found.sum(), 1.0)
    assert value(found) <= other.fun * (1 + 1e-12)
    np.testing.assert_allclose(found, other.x, atol=1e-5)


def test_uncorrelated_members_without_a_pull_get_their_precisions(monkeypatch):
    """w_m = (1 / s_m^2) / sum (1 / s_l^2) minimises the variance of the mean."""
    monkeypatch.setattr(blending, "TO_EQUAL", 0.0)
    monkeypatch.setattr(blending, "OF_FEW", 0.0)
    errors = np.array([[1.0, 2.0], [-1.0, 2.0], [1.0, -2.0], [-1.0, -2.0]])
    y = np.array([3.0, 5.0, 8.0, 13.0])
    weights = blend_weights([[y + e] for e in errors.T], read_targets(y))
    np.testing.assert_allclose(weights[:, 0], [0.8, 0.2])


def test_a_member_that_is_right_is_nearly_all(problem):
    Y, members = problem
    exact = [np.where(np.isnan(y), 0.0, y) for y in Y.T]
    weights = blend_weights([*members, exact], read_targets(Y))
    assert (weights[-1] > 0.9).all()


def test_equal_members_have_equal_weights(problem):
    Y, members = problem
    weights = blend_weights([members[0], members[1], members[0]], read_targets(Y))
    np.testing.assert_allclose(weights[0], weights[2], rtol=1e-6)
    np.testing.assert_allclose(blend_weights([members[1]], read_targets(Y)), 1.0)


def test_members_and_tasks_may_come_in_any_order(problem):
    Y, members = problem
    weights = blend_weights(members, read_targets(Y))
    order = np.array([2, 0, 3, 1])
    moved = blend_weights([members[m] for m in order], read_targets(Y))
    np.testing.assert_allclose(moved, weights[order], atol=1e-9)
    of_tasks = [2, 0, 1]
    moved = blend_weights([[m[t] for t in of_tasks] for m in members], read_targets(Y[:, of_tasks]))
    np.testing.assert_allclose(moved, weights[:, of_tasks], atol=1e-9)


def test_unobserved_labels_and_what_is_said_of_them_do_not_count(problem):
    Y, members = problem
    weights = blend_weights(members, read_targets(Y))
    hidden = np.isnan(Y)
    other = np.where(hidden, 1e6, Y)
    changed = [[np.where(h, np.nan, p) for h, p in zip(hidden.T, m, strict=True)] for m in members]
    found = blend_weights(changed, read_targets(other, sample_weight=1.0 * ~hidden))
    np.testing.assert_array_equal(found, weights)


def test_scale_of_targets_and_of_weights_is_no_matter(problem):
    Y, members = problem
    weights = blend_weights(members, read_targets(Y))
    factor = np.array([1e9, 1e-9, 1.0])
    scaled = [[p * f for p, f in zip(m, factor, strict=True)] for m in members]
    found = blend_weights(scaled, read_targets(Y * factor, sample_weight=np.full(Y.shape, 1e-5)))
    np.testing.assert_allclose(found, weights, atol=1e-8)


def test_weights_of_labels_count():
    y = np.arange(600.0)
    wrong_first, wrong_last = y + 3.0 * (y < 300), y + 3.0 * (y >= 300)
    weights = blend_weights(
        [[wrong_first], [wrong_last]], read_targets(y, sample_weight=1.0 + 9.0 * (y < 300))
    )
    assert weights[1, 0] > 0.8
    even = blend_weights([[wrong_first], [wrong_last]], read_targets(y))
    np.testing.assert_allclose(even, 0.5)


def two_tasks(n_labels):
    """Which member is right differs between tasks; the second task has n_labels labels."""
    rng = np.random.default_rng(0)
    Y = rng.normal(size=(200, 2))
    Y[n_labels:, 1] = np.nan
    filled, noise = np.where(np.isnan(Y), 0.0, Y), rng.normal(size=Y.shape)
    first = filled + noise * [0.1, 1.0]
    second = filled + noise[::-1] * [1.0, 0.1]
    return read_targets(Y), [list(first.T), list(second.T)]


def test_a_task_leaves_the_common_weights_as_its_labels_allow():
    shares = []
    for n_labels in (5, 40, 200):
        targets, members = two_tasks(n_labels)
        weights = blend_weights(members, targets)
        common = blend_weights(members, targets, per_task=False)
        np.testing.assert_allclose(common[:, 0], common[:, 1])
        shares.append(weights[1, 1] - common[1, 1])
    assert shares[0] == 0.0 < shares[1]
    assert shares[2] > 0.2


def test_probabilities_are_blended_by_brier_score():
    rng = np.random.default_rng(0)
    score = rng.normal(size=(2000, 2)) * 2
    y = rng.random(2000) < expit(score.sum(axis=1))
    said = expit(np.column_stack([score[:, 0], score[:, 1], score.sum(axis=1)]))
    members = [[np.column_stack([1 - p, p])] for p in said.T]
    weights = blend_weights(members, read_targets(y))
    assert weights[2, 0] > 0.8
    mixed = mix(members, weights)[0]
    np.testing.assert_allclose(mixed.sum(axis=1), 1.0)


@pytest.mark.parametrize("labels", [["a", "b", "c"], ["no", "yes"]])
def test_types_may_be_mixed(labels):
    rng = np.random.default_rng(0)
    codes = rng.integers(len(labels), size=50)
    y = {"x": rng.normal(size=50), "n": rng.poisson(3.0, 50), "c": np.array(labels)[codes]}
    certain = np.eye(len(labels))[codes]
    right = [y["x"], 1.0 * y["n"], certain]
    wrong = [-y["x"], 9.0 - y["n"], certain[::-1]]
    targets = read_targets(y, declared={"n": "count", "x": "regression"})
    weights = blend_weights([right, wrong], targets)
    assert (weights[0] > 0.9).all()
    assert [p.shape for p in mix([right, wrong], weights)] == [(50,), (50,), certain.shape]


def test_long_form_is_the_wide_one():
    rng = np.random.default_rng(0)
    Y = rng.normal(size=(200, 2))
    members = members_of(Y, [0.3, 0.5, 1.0])
    task = np.repeat(["a", "b"], 200)
    long = read_targets(Y.T.ravel(), task_column=task)
    stacked = [[np.concatenate(m)] for m in members]
    both = blend_weights(stacked, long, per_task=False)
    # The spread of both columns is one in long form.
    wide = blend_weights(members, read_targets(Y), per_task=False)
    np.testing.assert_allclose(both, wide, atol=0.02)
    weights = blend_weights(stacked, long)
    mixed = mix(stacked, weights, long.task_index)[0]
    parts = mix(members, weights)
    np.testing.assert_allclose(mixed, np.concatenate(parts))
    unknown = mix([[np.ones(1)], [np.zeros(1)], [np.zeros(1)]], weights, np.array([-1]))[0]
    np.testing.assert_allclose(unknown, weights[0].mean())


def test_a_member_that_fails_in_one_task_counts_in_the_others(problem):
    Y, members = problem
    row = np.flatnonzero(~np.isnan(Y[:, 1]))[0]
    members[0][1] = members[0][1].copy()
    members[0][1][row] = np.nan
    weights = blend_weights(members, read_targets(Y))
    assert weights[0, 1] == 0.0
    assert (weights[0, [0, 2]] > 0.1).all()
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    assert np.isfinite(mix(members, weights)[1]).all()


@pytest.mark.parametrize(
    "Y", [np.full((5, 2), 3.0), np.array([[1.0, np.nan], [2.0, np.nan]]), np.array([[1e200, 1.0]])]
)
def test_constant_unlabelled_and_single_labels(Y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        targets = read_targets(Y, declared="regression")
    members = members_of(Y, [0.1, 0.2])
    weights = blend_weights(members, targets)
    assert np.isfinite(weights).all()
    np.testing.assert_allclose(weights.sum(axis=0), 1.0)
    right = [list(np.nan_to_num(Y).T)] * 2
    np.testing.assert_allclose(blend_weights(right, targets), 0.5)


def test_an_explosion_has_no_weight(problem):
    Y, members = problem
    exploded = [1e12 * p for p in members[0]]
    weights = blend_weights([*members, exploded], read_targets(Y))
    np.testing.assert_allclose(weights[-1], 0.0, atol=1e-12)
    without = blend_weights(members, read_targets(Y))
    np.testing.assert_allclose(weights[:-1], without, atol=0.02)
