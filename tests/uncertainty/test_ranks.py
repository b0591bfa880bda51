"""Quantiles of held-out scores: coverage counted over who is new, and the formulas in numpy."""

import numpy as np
import pytest

from skmtl.uncertainty._bands import Band
from skmtl.uncertainty._ranks import CELLS, Ranked


def flat(n, low=0.0, scale=1.0):
    ones = np.ones(n)
    return Band(low * ones, low * ones, scale * ones)


def ranked(scores, weights=None, models=None):
    scores = np.asarray(scores, dtype=float)
    weights = np.ones(len(scores)) if weights is None else np.asarray(weights, dtype=float)
    models = np.zeros(len(scores), dtype=int) if models is None else np.asarray(models)
    return Ranked(scores, weights, models)


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
@pytest.mark.parametrize("m", [1, 4, 9, 10, 19, 39])
def test_each_of_m_plus_1_scores_as_the_new_one_is_covered_as_often_as_promised(m, coverage):
    everyone = np.random.default_rng(m).normal(size=m + 1)
    covered = 0
    for i in range(m + 1):
        end = ranked(np.delete(everyone, i)).ends([flat(1)], coverage)[0, 1]
        covered += everyone[i] <= end
    assert covered == min(int(np.ceil(coverage * (m + 1) - 1e-9)), m + 1)


@pytest.mark.parametrize("seed", range(5))
def test_weighted_exchangeable_scores_are_covered(seed):
    # New is score i with probability w_i / sum(w): Tibshirani et al. 2019, lemma 3.
    rng = np.random.default_rng(seed)
    scores, weights, coverage = rng.normal(size=40), rng.lognormal(size=40), 0.8
    covered = 0.0
    for i in range(40):
        others = ranked(np.delete(scores, i), np.delete(weights, i))
        covered += weights[i] * (scores[i] <= others.ends([flat(1)], coverage, weights[i])[0, 1])
    share = covered / weights.sum()
    assert coverage - 1e-9 <= share < coverage + weights.max() / weights.sum()


def test_whole_weights_are_repeated_labels():
    rng = np.random.default_rng(0)
    scores, times = rng.normal(size=30), rng.integers(1, 4, size=30)
    models = rng.integers(0, 3, size=30)
    bands = [Band(rng.normal(size=6), rng.normal(size=6) + 3, rng.uniform(1, 2, 6)) for _ in "abc"]
    once = ranked(scores, times, models)
    often = ranked(*(np.repeat(a, times) for a in (scores, np.ones(30), models)))
    np.testing.assert_array_equal(once.ends(bands, 0.8), often.ends(bands, 0.8))
    classes = [rng.normal(size=(6, 4)) for _ in "abc"]
    assert (once.is_within(classes, 0.8) == often.is_within(classes, 0.8)).all()


def test_several_models_as_barber_et_al_write_it():
    rng = np.random.default_rng(1)
    m, n, coverage = 25, 7, 0.8
    models, scores = rng.integers(0, 4, size=m), np.abs(rng.normal(size=m))
    centres = rng.normal(size=(4, n))
    bands = [Band(c, c, np.ones(n)) for c in centres]
    found = ranked(scores, models=models).ends(bands, coverage)
    below = int(np.floor((1 - coverage) * (m + 1) + 1e-9))
    for j in range(n):
        low, high = (np.sort(centres[models, j] + s * scores) for s in (-1, 1))
        assert found[j, 0] == low[below - 1]
        assert found[j, 1] == high[m - below]


def test_one_model_in_the_name_of_several_is_one():
    rng = np.random.default_rng(2)
    scores = np.abs(rng.normal(size=30))
    band = Band(rng.normal(size=5), rng.normal(size=5) + 2, rng.uniform(1, 2, 5))
    one = ranked(scores).ends([band], 0.9)
    three = ranked(scores, models=np.arange(30) % 3).ends([band] * 3, 0.9)
    np.testing.assert_allclose(three, one, rtol=1e-14)


def test_batches_change_nothing(monkeypatch):
    rng = np.random.default_rng(3)
    scores, models = np.abs(rng.normal(size=30)), np.arange(30) % 2
    bands = [Band(c, c, np.ones(50)) for c in rng.normal(size=(2, 50))]
    whole = ranked(scores, models=models).ends(bands, 0.9)
    monkeypatch.setattr("skmtl.uncertainty._ranks.CELLS", 31)
    assert CELLS != 31
    assert (ranked(scores, models=models).ends(bands, 0.9) == whole).all()


@pytest.mark.parametrize("models", [[0] * 8, [0, 1] * 4])
def test_too_few_labels_have_no_end(models):
    few = ranked(np.ones(8), models=models)
    assert np.isposinf(few.ends([flat(2)] * 2, 0.9)[:, 1]).all()
    assert np.isneginf(few.ends([flat(2)] * 2, 0.9)[:, 0]).all()
    nine = ranked(np.ones(9), models=[*models, 0])
    np.testing.assert_array_equal(nine.ends([flat(2)] * 2, 0.9), [[-1.0, 1.0]] * 2)
    assert few.is_within([np.full((1, 2), 9.0)] * 2, 0.9).all()
    assert not nine.is_within([np.full((1, 2), 9.0)] * 2, 0.9).any()
    assert np.isposinf(ranked([]).ends([flat(1)], 0.5)[0, 1])


def test_a_heavy_new_label_needs_more():
    ranks = ranked(np.arange(1.0, 20.0))
    light, heavy = ranks.ends([flat(2)], 0.9, np.array([1.0, 3.0]))[:, 1]
    assert light == 18.0
    assert heavy == np.inf
