"""Effective ranks between one and the rank, whatever the scale and the axes."""

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskLinearRegressor, MultiTaskMLP
from skmtl.datasets import make_multitask_regression
from skmtl.inspection import effective_rank

KINDS = ["entropy", "stable"]


@pytest.mark.parametrize("kind", KINDS)
def test_equal_singular_values_are_counted(kind):
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(7, 7)))[0]
    for rank in range(1, 8):
        assert effective_rank(3 * Q[:, :rank] @ Q[:rank], kind=kind) == pytest.approx(rank)


def test_formulas():
    coef = np.diag([4.0, 2.0, 2.0])
    # Shares 1/2, 1/4, 1/4: an entropy of 1.5 bits.
    assert effective_rank(coef) == pytest.approx(2**1.5)
    assert effective_rank(coef, kind="stable") == pytest.approx(24 / 16)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("center", [True, False])
def test_scale_and_axes_do_not_matter(kind, center):
    rng = np.random.default_rng(0)
    coef = rng.normal(size=(5, 8))
    Q = np.linalg.qr(rng.normal(size=(8, 8)))[0]
    options = {"kind": kind, "center": center}
    rank = effective_rank(coef, **options)
    assert 1 < rank < 5
    assert effective_rank(-1e-200 * coef @ Q, **options) == pytest.approx(rank)
    assert effective_rank(coef[::-1], **options) == pytest.approx(rank)


@pytest.mark.parametrize("kind", KINDS)
def test_centred_rank_counts_differences(kind):
    rng = np.random.default_rng(0)
    shared, direction = rng.normal(size=6), rng.normal(size=6)
    coef = shared + np.outer([1.0, -2.0, 0.5, 3.0], direction)
    assert effective_rank(coef, kind=kind) > 1.01
    assert effective_rank(coef, kind=kind, center=True) == pytest.approx(1.0)
    assert effective_rank(np.tile(shared, (4, 1)), kind=kind) == pytest.approx(1.0)


def test_zero():
    assert effective_rank(np.zeros((3, 4))) == 0.0


def test_estimators():
    X, y = make_multitask_regression(n_tasks=4, rank=1, noise=0.5, random_state=0)
    model = MultiTaskLinearRegressor("trace_norm", alpha=0.05).fit(X, y)
    rank = effective_rank(model.coef_)
    search = GridSearchCV(MultiTaskLinearRegressor("trace_norm"), {"alpha": [0.05]}, cv=KFold(2))
    pipeline = make_pipeline(StandardScaler(with_mean=False, with_std=False), search)
    for estimator in (model, search.fit(X, y), pipeline.fit(X, y)):
        assert effective_rank(estimator) == pytest.approx(rank)
    single = MultiTaskLinearRegressor("l2").fit(X, y[:, 0])
    assert effective_rank(single) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("coef", "options", "match"),
    [
        (MultiTaskLinearRegressor(), {}, "MultiTaskLinearRegressor has no coef_"),
        (MultiTaskMLP(), {}, "MultiTaskMLP has no coef_"),
        ([[1.0, np.nan]], {}, "contains NaN"),
        ([1.0, 2.0], {}, "Expected 2D array"),
        ([[1.0]], {"kind": "nuclear"}, "'kind' parameter of effective_rank"),
    ],
)
def test_errors(coef, options, match):
    with pytest.raises(ValueError, match=match):
        effective_rank(coef, **options)
