"""A path ends once held-out scores are flat, over all folds together."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_iris, make_classification
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskLinearClassifierCV, MultiTaskLinearCV
from skmtl.linear.cross_validation import _stopping
from skmtl.linear.cross_validation._held_out import FoldScores
from skmtl.linear.cross_validation._stopping import DECADE, STEPS, path_end
from skmtl.linear.penalties import L2

ALPHAS = np.geomspace(1e2, 1e-5, 141)
DEPTH = np.log10(ALPHAS[0] / ALPHAS)
"""Decades below the largest alpha."""


def scores_of(mean, explained=None):
    """Scores (n_folds, n_alphas) as those of folds."""
    mean = np.atleast_2d(mean)
    explained = mean if explained is None else np.atleast_2d(explained)
    return [FoldScores(s, s, e, s[:, None]) for s, e in zip(mean, explained, strict=True)]


def curves(seed):
    """Scores (folds, alphas) that rise to a best, then fall, or stay, with noise of the folds."""
    rng = np.random.default_rng(seed)
    best, width = rng.uniform(0.5, 4.0), rng.uniform(0.5, 2.0)
    fall = np.where(best > DEPTH, 1.0, rng.choice([0.0, 1.0]))
    rise = np.exp(-fall * ((DEPTH - best) / width) ** 2)
    return rise + 0.01 * rng.normal(size=(5, 1))


@pytest.mark.parametrize("seed", range(20))
def test_the_best_alpha_is_tried(seed):
    scores = curves(seed)
    end = path_end(ALPHAS, scores_of(scores))
    assert end is not None
    best = int(np.argmax(scores.mean(axis=0)))
    assert best < end
    # A decade is enough, from the best or what is as good.
    good = int(np.argmax(scores.mean(axis=0) >= scores.mean(axis=0).max() - 1e-3))
    assert ALPHAS[end - 1] * DECADE <= ALPHAS[good] * (1 + 1e-6)
    assert end - 1 - good >= STEPS


@pytest.mark.parametrize("seed", range(5))
def test_the_end_is_the_first_one(seed):
    scores = curves(seed)
    end = path_end(ALPHAS, scores_of(scores))
    for n_tried in range(1, len(ALPHAS) + 1):
        found = path_end(ALPHAS, scores_of(scores[:, :n_tried]))
        assert found == (end if n_tried >= end else None)


@pytest.mark.parametrize("seed", range(5))
def test_units_of_the_score_play_no_part(seed):
    scores = curves(seed)
    end = path_end(ALPHAS, scores_of(scores))
    assert path_end(1e6 * ALPHAS, scores_of(scores)) == end
    assert path_end(ALPHAS, scores_of(1e6 * scores - 3e5)) == end
    assert path_end(ALPHAS, scores_of(1e-6 * scores)) == end


def test_a_path_goes_on_while_something_rises():
    flat, rising = np.zeros((3, 141)), np.tile(DEPTH, (3, 1))
    assert path_end(ALPHAS, scores_of(rising)) is None
    assert path_end(ALPHAS, scores_of(flat, rising)) is None
    assert path_end(ALPHAS, scores_of(rising, -rising)) is None
    # From the first alpha on nothing happens.
    assert path_end(ALPHAS, scores_of(flat)) == 21
    # What converges has its limit, but for a small part of all.
    limit = 1.0 - 1.0 / (1.0 + 10**DEPTH)
    end = path_end(ALPHAS, scores_of(limit))
    assert limit[-1] - limit[end - 1] < 1e-4 * (limit[-1] - limit[0])


def test_few_alphas_are_tried_all():
    few = np.geomspace(1.0, 1e-9, STEPS)
    assert path_end(few, scores_of(-np.arange(STEPS, dtype=float))) is None
    close = np.geomspace(1.0, 0.11, 100)
    assert path_end(close, scores_of(-np.arange(100.0))) is None


def test_folds_without_a_score_do_not_count():
    scores = curves(0)
    with_nothing = np.vstack([scores, np.full(141, np.nan)])
    assert path_end(ALPHAS, scores_of(with_nothing)) == path_end(ALPHAS, scores_of(scores))
    assert path_end(ALPHAS, scores_of(np.full((2, 141), np.nan))) is None


# -- in a search ----------------------------------------------------------------------------


def classification(seed, **options):
    X, y = make_classification(random_state=seed, **options)
    return StandardScaler().fit_transform(X), y


DATA = {
    "iris": lambda: load_iris(return_X_y=True),
    "cancer": lambda: load_breast_cancer(return_X_y=True),
    "noisy": lambda: classification(0, n_samples=150, n_features=10, flip_y=0.3),
    "wide": lambda: classification(1, n_samples=60, n_features=80),
}


@pytest.mark.parametrize("data", DATA)
def test_what_is_left_out_would_not_have_been_chosen(data, monkeypatch):
    X, y = DATA[data]()
    X = StandardScaler().fit_transform(X)
    model = MultiTaskLinearClassifierCV("l2", cv=4)
    short = model.fit(X, y)
    alpha, alphas, scores = short.alpha_, short.alphas_, short.score_path_
    assert len(alphas) < 100
    assert scores.shape == (1, len(alphas), 4)
    monkeypatch.setattr(_stopping, "FLAT", -1.0)
    full = model.fit(X, y)
    assert len(full.alphas_) == 100
    np.testing.assert_array_equal(full.alphas_[: len(alphas)], alphas)
    np.testing.assert_array_equal(full.score_path_[:, : len(alphas)], scores)
    assert full.alpha_ == alpha


def test_alphas_that_are_given_are_tried_all(mixed_data):
    X, Y = mixed_data
    alphas = np.geomspace(1e4, 1e-2, 60)
    model = MultiTaskLinearCV("l2", tasks="count", alphas=alphas, cv=2).fit(X, Y[:, 3])
    np.testing.assert_array_equal(model.alphas_, alphas)
    assert np.isfinite(model.score_path_).all()


def test_combinations_may_end_at_different_alphas(mixed_data):
    X, Y = mixed_data
    grid = {"penalty__weight": [1.0, 30.0], "fit_intercept": [True, False]}
    model = MultiTaskLinearClassifierCV(L2(), grid=grid, cv=3, alphas=60).fit(X, Y[:, 1])
    tried = ~np.isnan(model.score_path_).any(axis=2)
    assert model.alphas_.shape == tried.shape == (4, tried.sum(axis=1).max())
    assert (np.diff(tried.astype(int), axis=1) <= 0).all()
    for row, params in enumerate(model.params_):
        alone = MultiTaskLinearClassifierCV(L2(), cv=3, alphas=60).set_params(**params)
        alone.fit(X, Y[:, 1])
        np.testing.assert_array_equal(alone.alphas_, model.alphas_[row][tried[row]])
        np.testing.assert_array_equal(alone.score_path_[0], model.score_path_[row][tried[row]])


@pytest.mark.parametrize("penalty", ["l2", "l21"])
def test_jobs_end_at_the_same_alpha(penalty, mixed_data):
    X, Y = mixed_data
    options = {"cv": 3, "grid": {"fit_intercept": [True, False]}, "tol": 1e-3}
    one = MultiTaskLinearClassifierCV(penalty, **options).fit(X, Y[:, 1:3])
    two = MultiTaskLinearClassifierCV(penalty, n_jobs=2, **options).fit(X, Y[:, 1:3])
    for name in ("alphas_", "score_path_", "task_score_path_", "coef_"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    assert one.alphas_.shape[1] < 100
