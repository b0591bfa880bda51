"""Scikit-learn's `SelectFromModel` takes the features that a penalty selects, given a threshold."""

import numpy as np
import pytest
from sklearn.feature_selection import SelectFromModel

from skmtl import (
    MultiTaskLasso,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearRegressorCV,
)
from skmtl.linear.penalties import L2, L21


@pytest.mark.parametrize(
    "penalty", ["l21", "l1", "l1inf", "elastic_net", "sparse_group", "dirty", L21() + 0.1 * L2()]
)
@pytest.mark.parametrize("kind", ["regression", "classes", "cv", "lasso"])
def test_features_are_selected_by_scikit_learn_with_a_threshold(penalty, kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 12))
    # One feature matters much more than the others.
    Y = X[:, :4] @ (rng.normal(size=(4, 3)) * [[10.0], [1.0], [1.0], [1.0]])
    Y = Y + 0.1 * rng.normal(size=Y.shape)
    model = {
        "regression": MultiTaskLinear(penalty, alpha=0.3),
        "classes": MultiTaskLinearClassifier(penalty, alpha=0.05),
        "cv": MultiTaskLinearRegressorCV(penalty, alphas=[0.3, 0.1], cv=3),
        "lasso": MultiTaskLasso(alpha=0.3),
    }[kind]
    selector = SelectFromModel(model, threshold=1e-5)
    chosen = selector.fit(X, (Y > 0).astype(int) if kind == "classes" else Y).get_support()
    used = np.abs(selector.estimator_.coef_).sum(axis=0) > 1e-5
    assert (chosen == used).all()
    assert chosen[0]
    assert 0 < chosen.sum() < 12
