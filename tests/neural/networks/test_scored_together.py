"""Scores of several networks from one product are those that each gives, bit for bit."""

import numpy as np
import pytest

from skmtl import MultiTaskMLPClassifier, MultiTaskMLPRegressor
from skmtl.neural.networks._scored_together import scored_together
from skmtl.neural.training._side_by_side import fit_all

pytestmark = pytest.mark.filterwarnings("ignore")

FAST = {"hidden_layer_sizes": (6,), "max_iter": 3, "batch_size": 16, "random_state": 0}


def data(n=90):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    Y = X[:, :3] @ rng.normal(size=(3, 3)) + 0.3 * rng.normal(size=(n, 3))
    return X, np.where(rng.random(Y.shape) < 0.2, np.nan, Y)


def fitted(kind=MultiTaskMLPRegressor, labels=lambda Y: Y, **settings):
    X, Y = data()
    models = [kind(**FAST, learning_rate_init=rate, **settings) for rate in (1e-3, 1e-2, 0.1)]
    return fit_all([(models, X, labels(Y), None)])[0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("tasks", ["regression", ["count", "regression", "regression"]])
def test_scores_are_those_of_each_alone(dtype, weighted, tasks):
    X, Y = data()
    settings = {} if tasks == "regression" else {"tasks": tasks}
    kind = MultiTaskMLPRegressor
    if settings:
        from skmtl import MultiTaskMLP as kind
    counts = [tasks[0] == "count", False, False]
    Y = np.where(counts, np.round(np.abs(Y)), Y)
    models = [kind(**FAST, learning_rate_init=rate, **settings) for rate in (1e-3, 1e-2, 0.1)]
    models = fit_all([(models, X.astype(dtype), Y, None)])[0]
    weight = np.linspace(0.0, 1.0, len(X)) if weighted else None
    expected = [model.score(X, Y, weight) for model in models]
    assert scored_together(models, X, Y, weight) == expected
    assert len(set(expected)) == 3


def test_networks_that_differ_in_more_are_asked_each():
    X, Y = data()
    first, others = fitted(), fitted(activation="relu")
    assert scored_together([first[0], others[0]], X, Y) is None
    # Fitted apart, they may have read other tasks.
    assert scored_together([first[0], fitted()[1]], X, Y) is None


def test_a_class_of_the_users_is_asked_itself():
    class Own(MultiTaskMLPRegressor):
        def score(self, X, y, sample_weight=None):
            return 7.0

    X, Y = data()
    assert scored_together(fitted(Own), X, Y) is None


def test_classes_are_asked_each():
    X, Y = data()
    models = fitted(MultiTaskMLPClassifier, lambda Y: np.nan_to_num(Y) > 0)
    assert scored_together(models, X, np.nan_to_num(Y) > 0) is None
