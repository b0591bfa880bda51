"""Warnings point at the user's line, however deep they arise."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import IndependentTasks, MultiTaskLinear, MultiTaskMLP
from skmtl.model_selection import MultiTaskKFold
from skmtl.tasks import LabelWarning


@pytest.mark.parametrize(
    ("model", "category"),
    [
        (MultiTaskMLP(max_iter=1, learning_rate="constant"), ConvergenceWarning),
        (MultiTaskLinear(alpha=1e-3, tol=1e-12, max_iter=1), ConvergenceWarning),
        (MultiTaskLinear(), LabelWarning),
        (IndependentTasks(), LabelWarning),
    ],
)
def test_the_line_of_the_call(model, category):
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2))
    if category is LabelWarning:
        Y[:, 1] = np.nan
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y)
    assert [w.filename for w in caught if w.category is category] == [__file__]


def test_the_line_of_a_search():
    X = np.random.default_rng(0).normal(size=(20, 3))
    Y = np.column_stack([X[:, 0], np.where(np.arange(20) < 2, X[:, 1], np.nan)])
    pipeline = make_pipeline(StandardScaler(), MultiTaskLinear())
    grid = {"multitasklinear__alpha": [0.1]}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        GridSearchCV(pipeline, grid, cv=MultiTaskKFold(3)).fit(X, Y)
    of_labels = [w for w in caught if w.category is LabelWarning]
    assert {w.filename for w in of_labels} == {__file__}
    assert any("fewer than the 3 parts" in str(w.message) for w in of_labels)
