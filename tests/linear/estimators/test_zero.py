"""A fit that leaves every coefficient at 0 says so, and what to do."""

import pickle
import warnings

import numpy as np
import pytest
from sklearn.linear_model import MultiTaskLasso as TheirLasso
from sklearn.model_selection import GridSearchCV, cross_val_score

from skmtl import (
    IndependentTasks,
    MultiTaskElasticNet,
    MultiTaskElasticNetCV,
    MultiTaskLasso,
    MultiTaskLassoCV,
    MultiTaskLinear,
    MultiTaskLinearClassifier,
    MultiTaskLinearClassifierCV,
    MultiTaskLinearCV,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    stack_tasks,
)
from skmtl.linear import ZeroCoefficientsWarning

FOR_ANY = {
    "linear": MultiTaskLinear,
    "regressor": MultiTaskLinearRegressor,
    "classifier": MultiTaskLinearClassifier,
    "lasso": MultiTaskLasso,
    "elastic-net": MultiTaskElasticNet,
}
CHOOSERS = {
    "linear": MultiTaskLinearCV,
    "regressor": MultiTaskLinearRegressorCV,
    "classifier": MultiTaskLinearClassifierCV,
    "lasso": MultiTaskLassoCV,
    "elastic-net": MultiTaskElasticNetCV,
}
every_model = pytest.mark.parametrize("name", sorted(FOR_ANY))


@pytest.fixture
def data():
    """X and Y of standard deviation 1, of which Y is mostly noise."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    Y = 0.5 * X[:, :2] @ rng.normal(size=(2, 3)) + rng.normal(size=(60, 3))
    return (X - X.mean(axis=0)) / X.std(axis=0), (Y - Y.mean(axis=0)) / Y.std(axis=0)


def labels_of(name, Y):
    return (Y > 0).astype(int) if name == "classifier" else Y


def messages_of(model, X, Y):
    """Messages of a fit that speak of zeros."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, Y)
    return [str(w.message) for w in caught if issubclass(w.category, ZeroCoefficientsWarning)]


@every_model
@pytest.mark.parametrize("missing", [False, True])
def test_a_fit_of_zeros_warns_with_alpha_max_and_what_chooses_alpha(name, missing, data):
    X, Y = data
    Y = labels_of(name, Y).astype(float)
    if missing:
        Y[::4, 0] = np.nan
    with pytest.warns(ZeroCoefficientsWarning) as caught:
        model = FOR_ANY[name](alpha=2.5).fit(X, Y)
    assert (model.coef_ == 0).all()
    (message,) = [str(w.message) for w in caught]
    assert caught[0].filename == __file__
    assert "alpha=2.5 is not below alpha_max=" in message
    assert f"Take a smaller alpha; {CHOOSERS[name].__name__} chooses alpha" in message
    largest = float(message.split("alpha_max=")[1].split(",")[0])
    # Two digits are shown.
    assert (FOR_ANY[name](alpha=1.06 * largest).fit(X, Y).coef_ == 0).all()
    below = FOR_ANY[name](alpha=0.9 * largest, tol=1e-8)
    assert not messages_of(below, X, Y)
    assert below.coef_.any()


def test_alpha_max_is_that_of_the_gradient(data):
    X, Y = data
    largest = np.linalg.norm(X.T @ Y / len(X), axis=1).max()
    for model in (MultiTaskLinear(alpha=3), MultiTaskLasso(alpha=3)):
        (message,) = messages_of(model, X, Y)
        assert f"alpha_max={largest:.2g}," in message
    (message,) = messages_of(MultiTaskElasticNet(alpha=9, l1_ratio=0.5), X, Y)
    assert f"alpha_max={2 * largest:.2g}," in message
    assert not TheirLasso(alpha=1.001 * largest).fit(X, Y).coef_.any()


@pytest.mark.parametrize("penalty", ["l1", "l21", "l1inf", "trace_norm", "sparse_group", "dirty"])
@pytest.mark.parametrize("form", ["wide", "long", "mixed"])
def test_every_penalty_that_makes_zeros(penalty, form, data):
    X, Y = data
    options = {"alpha": 20.0}
    if form == "long":
        X, Y = stack_tasks([X] * 3, Y.T)
        options["task_feature"] = 0
    elif form == "mixed":
        Y = np.column_stack([Y[:, 0], Y[:, 1] > 0])
    (message,) = messages_of(MultiTaskLinear(penalty, **options), X, Y)
    assert "alpha=20 is not below alpha_max=" in message
    assert not messages_of(MultiTaskLinear(penalty, **{**options, "alpha": 0.02}), X, Y)


def test_a_loose_tolerance_is_told_as_such(data):
    model = MultiTaskLinear(alpha=0.2, tol=1.0, solver="block_descent")
    (message,) = messages_of(model, *data)
    assert "tol=1 ends the fit before its first step. Take a smaller tol;" in message


NOTHING = {
    "constant X": lambda X, Y: (np.full_like(X, 0.1), Y),
    "constant Y": lambda X, Y: (X, np.full_like(Y, 0.1)),
    "X of zeros": lambda X, Y: (0 * X, Y),
}


@every_model
@pytest.mark.parametrize("case", sorted(NOTHING))
def test_nothing_to_learn_is_no_news(name, case, data):
    X, Y = data
    X, Y = NOTHING[case](X, labels_of(name, Y))
    if name == "classifier" and case == "constant Y":
        Y = np.ones(Y.shape, dtype=int)
    model = FOR_ANY[name](alpha=1.0)
    assert not messages_of(model, X, Y)
    assert not model.coef_.any()


@every_model
def test_estimators_that_choose_alpha_warn_only_if_all_that_are_given_are_too_large(name, data):
    X, Y = data
    Y = labels_of(name, Y)
    noise = np.random.default_rng(1).permutation(Y)
    for alphas in (10, [9.0, 3.0, 0.05]):
        assert not messages_of(CHOOSERS[name](alphas=alphas), X, noise)
    model = CHOOSERS[name](alphas=[9.0, 7.0])
    (message,) = messages_of(model, X, Y)
    assert "alpha=9 is not below alpha_max=" in message
    assert not model.coef_.any()


def test_a_search_warns_of_its_best_model_alone(data):
    X, Y = data
    grid = {"alpha": [0.1, 2.0, 3.0, 4.0]}
    assert not messages_of(GridSearchCV(MultiTaskLinear(), grid), X, Y)
    (message,) = messages_of(GridSearchCV(MultiTaskLinear(), {"alpha": [2.0, 3.0]}), X, Y)
    assert "alpha=2 is not below" in message
    with pytest.warns(ZeroCoefficientsWarning):
        cross_val_score(MultiTaskLinear(alpha=2.0), X, Y)


def test_inside_others_and_pickled(data):
    X, Y = data
    with pytest.warns(ZeroCoefficientsWarning, match="MultiTaskLinearRegressorCV"):
        IndependentTasks(MultiTaskLinearRegressor(alpha=3.0)).fit(X, Y)
    assert pickle.loads(pickle.dumps(ZeroCoefficientsWarning("a"))).args == ("a",)
