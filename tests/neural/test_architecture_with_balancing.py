"""Every way to share with ways to balance: what a scikit-learn user does with an estimator."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from skmtl import MultiTaskMLP
from skmtl.neural.architectures import ARCHITECTURES

from .conftest import MIXED

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.mark.parametrize("balancing", ["equal", "uncertainty", "pcgrad"])
@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_estimators_are_whole(architecture, balancing, mixed_data):
    X, Y = mixed_data
    model = MultiTaskMLP(
        (6, 6),
        tasks=MIXED,
        architecture=architecture,
        balancing=balancing,
        batch_size=20,
        max_iter=3,
        random_state=0,
    )
    weight = np.random.default_rng(1).uniform(0.5, 2.0, Y.shape)
    predicted = model.fit(X, Y, sample_weight=weight).predict(X)
    assert np.isfinite(predicted).all()
    # A label of weight 0 is as good as missing.
    filled = np.where(np.isnan(Y), 0.0, Y)
    again = clone(model).fit(X, filled, sample_weight=np.where(np.isnan(Y), 0.0, weight))
    np.testing.assert_array_equal(again.predict(X), predicted)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), predicted)
    grid = {"alpha": [1e-4, 1e-2], "learning_rate_init": [0.01]}
    search = GridSearchCV(model, grid, cv=KFold(2), error_score="raise").fit(X, Y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("balancing", ["pcgrad", "graddrop", "dwa"])
def test_where_nothing_is_shared_there_is_nothing_to_balance(balancing, mixed_data):
    options = {"architecture": "independent", "max_iter": 3, "random_state": 0, "tasks": MIXED}
    model = MultiTaskMLP((6,), balancing=balancing, **options).fit(*mixed_data)
    equal = MultiTaskMLP((6,), **options).fit(*mixed_data)
    np.testing.assert_array_equal(model.predict(mixed_data[0]), equal.predict(mixed_data[0]))
