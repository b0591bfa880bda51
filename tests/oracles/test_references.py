"""One task without a penalty: what lifelines, statsmodels and scikit-survival find."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from skmtl import MultiTaskLinear
from skmtl.tasks import Ordinal, Survival, censored

# Written by references.py, which names versions and command.
GIVEN = json.loads(Path(__file__).with_name("references.json").read_text())
X = np.array(GIVEN["data"]["X"])
Y = {name: np.array(column) for name, column in GIVEN["data"].items() if name != "X"}
FOUND = GIVEN["found"]


@pytest.mark.parametrize("name", FOUND["accelerated"])
def test_accelerated_failure_times(name):
    """lifelines' WeibullAFTFitter, LogNormalAFTFitter and LogLogisticAFTFitter."""
    known = FOUND["accelerated"][name]
    model = MultiTaskLinear("l2", alpha=0, tasks=Survival(name), tol=1e-10)
    model.fit(X, censored(Y["time"], Y["seen"]))
    assert_allclose(model.coef_[0], known["coef"], atol=1e-4)
    assert_allclose(model.intercept_[0], known["intercept"], atol=1e-4)
    assert_allclose(model.tasks_[0].sigma_, known["sigma"], atol=1e-4)
    assert_allclose(model.predict(X[:3]), known["median"], rtol=1e-4)
    assert_allclose(model.predict_survival(X[:3], [1.0, 3.0]), known["survival"], atol=1e-4)


def test_ordered_classes():
    """statsmodels' OrderedModel. (mord's LogisticAT has another loss, of all thresholds.)"""
    known = FOUND["ordered"]
    model = MultiTaskLinear("l2", alpha=0, tasks=Ordinal(), tol=1e-10).fit(X, Y["grade"])
    assert_allclose(model.coef_[0], known["coef"], atol=1e-4)
    thresholds = model.tasks_[0].thresholds_ - model.intercept_
    assert_allclose(thresholds, known["thresholds"], atol=1e-4)


@pytest.mark.parametrize("name", ["time", "tied"])
def test_concordance(name):
    """scikit-survival's concordance_index_censored, with ties of predictions and of times."""
    y = censored(Y[name], Y["seen"])
    predicted = np.exp((X @ [1.0, -0.3, 0.1]).round(0))
    score = Survival().score(predicted, y, np.ones(len(y)))
    assert_allclose(0.5 * (1.0 + score), FOUND["concordance"][name], atol=1e-12)
