"""Scores of decisions from counts are those of scikit-learn of rows."""

import numpy as np
import pytest
from sklearn.metrics import fbeta_score, get_scorer, make_scorer

from skmtl.metrics._views import TaskView
from skmtl.tasks import Binary
from skmtl.uncertainty._decision_scores import Counts, is_fast, score_of, score_of_costs

CLASSES = [np.array([0, 1]), np.array(["no", "yes"], dtype=object), np.array([1, 2])]


def draw(classes, n=50, seed=0):
    rng = np.random.default_rng(seed)
    codes, decided = rng.integers(0, 2, (2, n))
    weights = rng.uniform(0.5, 2, n)
    cells = np.bincount(2 * codes + decided, weights, 4)[:, None]
    view = TaskView("t", "t", Binary, {}, classes, np.ones(2), classes)
    return classes[codes], classes[decided], weights, Counts(*cells), view


@pytest.mark.parametrize("classes", CLASSES, ids=str)
@pytest.mark.parametrize(
    "name",
    ["f1", "jaccard", "accuracy", "balanced_accuracy", "matthews_corrcoef", "precision", "recall"],
)
def test_metrics(name, classes):
    labels, decided, weights, counts, view = draw(classes)
    scorer = get_scorer(name)
    assert is_fast(scorer) == (name not in ("precision", "recall"))
    settings = dict(scorer._kwargs)
    if "average" in settings or name == "f1":
        # What scikit-learn takes for positive where it can be 1.
        settings["pos_label"] = 1 if 1 in classes.tolist() else classes[1]
    expected = scorer._score_func(labels, decided, sample_weight=weights, **settings)
    assert score_of(scorer, view)(counts)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("scorer", "sign"),
    [
        (make_scorer(fbeta_score, beta=2.0), 1),
        (make_scorer(lambda y, p: float(np.mean(y != p)), greater_is_better=False), -1),
    ],
)
def test_any_metric(scorer, sign):
    labels, decided, _, _, view = draw(CLASSES[0])
    cells = np.bincount(2 * labels + decided, minlength=4)[:, None].astype(float)
    expected = sign * scorer._score_func(labels, decided, **scorer._kwargs)
    assert score_of(scorer, view)(Counts(*cells))[0] == pytest.approx(expected)


def test_costs_are_over_those_of_the_best_constant():
    costs = np.array([[0.0, 1.0], [5.0, 1.0]])
    labels, decided, weights, counts, _ = draw(CLASSES[0])
    total = (weights * costs[labels, decided]).sum()
    constant = min((weights * costs[labels, j]).sum() for j in (0, 1))
    assert score_of_costs(costs)(counts)[0] == pytest.approx(-total / constant)
