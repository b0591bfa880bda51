"""Variances between those of single tasks and that of all."""

import numpy as np
from numpy.testing import assert_allclose

from skmtl.linear.bayesian._moderated import moderated


def test_finds_the_distribution_that_variances_were_drawn_from():
    rng = np.random.default_rng(0)
    freedom = rng.integers(3, 20, size=20_000).astype(float)
    variances = 6.0 * 2.0 / rng.chisquare(6.0, size=freedom.size)
    errors = variances * rng.chisquare(freedom)
    found, total = moderated(errors, freedom)
    assert_allclose(total - freedom, 6.0, rtol=0.05)
    assert_allclose(found, (6.0 * 2.0 + errors) / (6.0 + freedom), rtol=0.03)
    # Better than either extreme.
    error = np.mean(np.log(found / variances) ** 2)
    for other in (errors / freedom, np.full_like(found, errors.sum() / freedom.sum())):
        assert error < np.mean(np.log(other / variances) ** 2)


def test_one_variance_where_chance_explains_all():
    rng = np.random.default_rng(3)
    freedom = np.full(200, 8.0)
    kept = [moderated(rng.chisquare(freedom), freedom) for _ in range(20)]
    assert sum(found is None for found in kept) >= 5
    assert all(found[1].min() > 40 for found in kept if found is not None)


def test_tasks_without_freedom_have_that_of_others():
    rng = np.random.default_rng(0)
    freedom = np.r_[np.full(50, 10.0), 0.0, -0.5]
    errors = np.r_[10.0 ** rng.normal(size=50) * rng.chisquare(np.full(50, 10.0)), 0.0, 0.0]
    found, total = moderated(errors, freedom)
    assert np.isfinite(found).all()
    assert (found > 0).all()
    assert_allclose(total[-2:], (total - freedom)[0])


def test_few_tasks_have_one():
    assert moderated(np.array([1.0, 100.0]), np.array([5.0, 5.0])) is None
