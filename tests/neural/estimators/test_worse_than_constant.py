"""Row 48: a network that is worse than a constant on its own training data says so."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

from skmtl import MultiTaskMLP, MultiTaskMLPClassifier, MultiTaskMLPRegressor
from tests.neural.conftest import PLAIN

USELESS = "worse than a constant on its own training data"


def problem():
    """What is learnt at once, and a coin."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4))
    return X, pd.DataFrame({"line": X[:, 0], "coin": rng.integers(2, size=200)})


def caught(model, X, y):
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        model.fit(X, y)
    return found


def below_zero(model, X, y):
    """Names of tasks with a score on their training rows below that of a constant."""
    columns = model._scored_columns(X, y)
    scores = [
        task.score(predicted, values, weight) for task, predicted, values, weight, _ in columns
    ]
    return [name for name, score in zip(model.task_names_in_, scores, strict=True) if score < 0]


# A step of no size, from which training stops.
STUCK = {**PLAIN, "learning_rate_init": 1e-30, "random_state": 0}


def test_one_warning_that_names_tasks_and_the_way_out():
    X, y = problem()
    model = MultiTaskMLP((16,), **STUCK)
    (warning,) = caught(model, 100 * X, y)
    assert warning.category is UserWarning
    assert below_zero(model, 100 * X, y) == ["line", "coin"]
    for part in (
        "2 tasks ('line', 'coin'): the network",
        USELESS,
        "max_iter",
        "learning_rate_init (now 1e-30)",
        "StandardScaler",
    ):
        assert part in str(warning.message)


def test_a_single_warning_where_training_ended_early():
    X, y = problem()
    model = MultiTaskMLP((16,), **PLAIN, learning_rate_init=1e-3, max_iter=1, random_state=0)
    (warning,) = caught(model, 100 * X, y)
    assert warning.category is ConvergenceWarning
    assert "Maximum number of epochs" in str(warning.message)
    assert USELESS in str(warning.message)


@pytest.mark.parametrize("seed", range(8))
def test_those_tasks_are_named_that_are_worse(seed):
    X, y = problem()
    y["noise"] = np.random.default_rng(seed).normal(size=200)
    model = MultiTaskMLP((4,), **PLAIN, max_iter=3, random_state=seed)
    (warning,) = caught(model, X, y)
    named = [name for name in y if repr(name) in str(warning.message)]
    assert named == below_zero(model, X, y)


@pytest.mark.parametrize("kind", [MultiTaskMLPRegressor, MultiTaskMLPClassifier])
def test_long_form(kind):
    X, y = problem()
    X = np.column_stack([X, np.arange(200) % 3])
    y = y["coin"].to_numpy() if kind is MultiTaskMLPClassifier else X[:, 0]
    far = X * [100, 100, 100, 100, 1]
    (warning,) = caught(kind((16,), task_feature=4, **STUCK), far, y)
    assert str(warning.message).startswith("The network is worse than a constant")
    assert not caught(kind((64,), task_feature=4, tol=0.1, random_state=0), X, y)


def test_not_where_it_has_learnt_something():
    X, y = problem()
    assert not caught(MultiTaskMLP((16,), tol=0.01, random_state=0), X, y)


def test_not_for_a_task_that_has_nothing_to_explain():
    X, y = problem()
    y["constant"], y["one class"], y["none"] = 3.0, True, np.nan
    found = caught(MultiTaskMLP((16,), **STUCK), 100 * X, y)
    (warning,) = [w for w in found if USELESS in str(w.message)]
    assert str(warning.message).startswith("2 tasks ('line', 'coin'):")


def test_the_loss_is_measured_and_not_that_of_training():
    # With dropout the losses of training are above a constant, those without are not.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 3))
    y = X.sum(axis=1)
    options = {**PLAIN, "dropout": 0.97, "max_iter": 10, "random_state": 0}
    model = MultiTaskMLPRegressor((50,), **options)
    found = caught(model, X, y)
    assert model.loss_curve_[-1] > 0.5
    assert model.score(X, y) > 0
    assert not [w for w in found if USELESS in str(w.message)]
