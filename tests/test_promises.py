"""What a fit never does: forget a seed, touch global state or inputs, look at missing labels."""

import pickle
import random
import warnings

import numpy as np
import pandas as pd
import pytest
import torch

from .registry import ANY_TYPES

every_estimator = pytest.mark.parametrize("name", sorted(ANY_TYPES))
every_form = pytest.mark.parametrize("form", ["wide", "long"])
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def problem(form, seed=0):
    """X, y with a third of the labels missing, and the options of the estimator."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 3))
    if form == "long":
        y = X[:, 0] + 0.1 * rng.normal(size=60)
        y[rng.random(60) < 0.3] = np.nan
        return np.column_stack([np.arange(60) % 4, X]), y, {"task_feature": 0}
    Y = np.column_stack([X[:, 0], X[:, 1] > 0, np.digitize(X[:, 2], [-0.5, 0.5])]) * 1.0
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y, {"tasks": ["regression", "binary", "multiclass"]}


def outputs(model, X):
    """Everything the model says of X, as one array."""
    parts = [np.asarray(model.predict(X), dtype=float).ravel()]
    if hasattr(model, "predict_proba"):
        parts += [p.ravel() for p in model.predict_proba(X) if p is not None]
    return np.concatenate(parts)


def fit(name, form, X=None, y=None, **weights):
    X_own, y_own, options = problem(form)
    X, y = (X_own, y_own) if X is None else (X, y)
    return ANY_TYPES[name](**options).fit(X, y, **weights)


@every_estimator
@every_form
def test_p1_same_seed_same_bits(name, form):
    X, _, _ = problem(form)
    assert (outputs(fit(name, form), X) == outputs(fit(name, form), X)).all()


@every_estimator
@every_form
def test_p3_float32_and_float64_agree(name, form):
    X, y, _ = problem(form)
    X = X.astype(np.float32)
    single, double = fit(name, form, X, y), fit(name, form, X.astype(np.float64), y)
    assert single.predict(X).dtype == np.float64
    single, double = outputs(single, X), outputs(double, X)
    # A class on the border may fall on either side.
    differ = np.abs(single - double) > 1e-3
    assert differ.mean() < 0.02


@every_estimator
@every_form
def test_p4_global_state_is_untouched(name, form):
    X, _, _ = problem(form)
    np.random.seed(7)
    torch.manual_seed(7)
    random.seed(7)

    def state():
        return (
            np.random.get_state()[1].tolist(),
            torch.get_rng_state().tolist(),
            random.getstate(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.get_default_dtype(),
            torch.are_deterministic_algorithms_enabled(),
            list(warnings.filters),
            np.geterr(),
        )

    before = state()
    model = fit(name, form)
    model.predict(X)
    assert state() == before
    with torch.no_grad():
        fit(name, form)
        assert not torch.is_grad_enabled()


@every_estimator
@every_form
@pytest.mark.parametrize("kind", ["array", "frame"])
def test_p5_inputs_are_untouched(name, form, kind):
    X, y, _ = problem(form)
    weight = np.random.default_rng(0).uniform(size=y.shape)
    if kind == "frame" and form == "wide":
        X, y = pd.DataFrame(X), pd.DataFrame(y)
    before = pickle.dumps((X, y, weight))
    model = fit(name, form, X, y, sample_weight=weight)
    model.predict(X)
    model.score(X, y)
    assert pickle.dumps((X, y, weight)) == before


@every_estimator
@every_form
def test_p6_an_unobserved_label_has_no_influence(name, form):
    X, y, _ = problem(form)
    missing = np.isnan(y)
    reference = outputs(fit(name, form), X)
    rng = np.random.default_rng(1)
    for _ in range(3):
        filled = y.copy()
        columns = filled.reshape(len(y), -1)
        for t, column in enumerate(columns.T):
            gaps = missing.reshape(len(y), -1)[:, t]
            columns[gaps, t] = rng.choice(column[~gaps], gaps.sum())
        weighted = fit(name, form, X, filled, sample_weight=(~missing).astype(float))
        assert (outputs(weighted, X) == reference).all()


@every_estimator
@every_form
def test_p8_a_failed_fit_leaves_the_estimator_as_it_was(name, form, monkeypatch):
    X, y, _ = problem(form)
    model = fit(name, form)
    before, state = outputs(model, X), dict(model.__dict__)
    bad = X.copy()
    bad[0, 1] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        model.fit(bad, y)
    with pytest.raises(ValueError, match="no observed label"):
        model.fit(X, np.full_like(y, np.nan))
    # Late: after the tasks were read and published.
    original = type(model)._fit

    def fail(self, X, targets):
        original(self, X, targets)
        raise RuntimeError("disk full")

    monkeypatch.setattr(type(model), "_fit", fail)
    for error in (RuntimeError,):
        with pytest.raises(error):
            model.fit(X[:40, :], y[:40])
    assert model.__dict__.keys() == state.keys()
    assert (outputs(model, X) == before).all()
    fresh = ANY_TYPES[name](**problem(form)[2])
    with pytest.raises(RuntimeError):
        fresh.fit(X, y)
    assert not [key for key in vars(fresh) if key.endswith("_") and not key.startswith("__")]


@every_estimator
@every_form
def test_p9_pickle_predicts_equally(name, form):
    X, _, _ = problem(form)
    model = fit(name, form)
    again = pickle.loads(pickle.dumps(model))
    assert (outputs(again, X) == outputs(model, X)).all()


# The order of a chain is that of the columns, unless it is given.
@pytest.mark.parametrize("name", sorted(set(ANY_TYPES) - {"chain"}))
def test_the_order_of_columns_says_nothing(name):
    """Folds that judge strengths, epochs and blends are the same, whatever the order of tasks."""
    X, Y, options = problem("wide")
    Y = pd.DataFrame(Y, columns=["c", "a", "b"])
    tasks = dict(zip(Y, options["tasks"], strict=True))
    exact = {"tol": 1e-10} if name.startswith("linear") else {}
    models = [
        ANY_TYPES[name](tasks=tasks, **exact).fit(X, y)
        for y in (Y, Y[["b", "c", "a"]], Y[["a", "b", "c"]])
    ]
    expected, *found = (
        dict(zip(model.task_names_in_, model.predict_proba(X), strict=True))
        | {"c": model.predict_frame(X)["c"].astype(float)}
        for model in models
    )
    for other in found:
        for task in tasks:
            np.testing.assert_allclose(other[task], expected[task], rtol=0, atol=1e-4)
