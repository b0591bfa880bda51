"""NaN in X is a value that networks learn."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.utils import get_tags

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural.architectures import ARCHITECTURES, Custom

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def data(n=80):
    rng = np.random.default_rng(0)
    X = rng.normal(2.0, 3.0, size=(n, 3))
    gone = rng.random(n) < 0.3
    X[gone, 1] = np.nan
    Y = np.column_stack([np.where(gone, 5.0, X[:, 0]), X[:, 2]])
    Y[::9] = np.nan
    return X, Y


def network(**options):
    options = {"max_iter": 5, "random_state": 0, "batch_size": 20, **options}
    return MultiTaskMLPRegressor((8,), **options)


@pytest.mark.parametrize("kind", ["robust", "standard", None])
def test_it_is_the_middle_and_an_indicator(kind):
    X, Y = data()
    known = ~np.isnan(X[:, 1]) & ~np.isnan(Y[:, 0])
    middle = (np.median if kind == "robust" else np.mean)(X[known, 1])
    model = network(feature_scaling=kind).fit(X, Y)
    filled = np.where(np.isnan(X), middle, X)
    read = model._fitted.inputs.transform(X)
    np.testing.assert_array_equal(read[:, 3], np.isnan(X[:, 1]))
    np.testing.assert_allclose(
        read[:, :3], model._fitted.inputs.transform(filled)[:, :3], atol=1e-12
    )
    by_hand = network(feature_scaling=None).fit(read, Y)
    np.testing.assert_array_equal(by_hand.predict(read), model.predict(X))


@pytest.mark.parametrize("settings", [{}, {"numeric_embedding": "piecewise_linear"}], ids=str)
def test_what_only_new_rows_lack_is_in_the_middle(settings):
    X, Y = data()
    model = network(feature_scaling="robust", **settings).fit(X, Y)
    used = X[~np.isnan(Y[:, 0])]
    new, filled = X.copy(), X.copy()
    new[:, 0], filled[:, 0] = np.nan, np.median(used[:, 0])
    np.testing.assert_allclose(model.predict(new), model.predict(filled), rtol=1e-9)


def test_it_is_learnt():
    X, Y = data(400)
    options = {"learning_rate_init": 0.01, "max_iter": 100, "feature_scaling": "robust"}
    model = network(**options).fit(X[:300], Y[:300])
    assert model.score(X[300:], Y[300:]) > 0.8


def test_rows_without_labels_make_no_indicator():
    X, Y = data()
    Y[np.isnan(X[:, 1])] = np.nan
    model = network(feature_scaling="standard").fit(X, Y)
    assert model._fitted.inputs.n_inputs == 3
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_architecture_in_both_forms(architecture):
    X, Y = data()
    model = network(architecture=architecture).fit(X, Y)
    assert np.isfinite(model.predict(X)).all()
    long, y = np.column_stack([X, np.arange(len(X)) % 2]), Y[:, 0]
    model = network(architecture=architecture, task_feature=3).fit(long, y)
    assert np.isfinite(model.predict(long)).all()


@pytest.mark.parametrize(
    "spelt", [lambda X: pd.DataFrame(X).convert_dtypes(), lambda X: X.astype(object).tolist()]
)
def test_however_it_is_spelt(spelt):
    X, Y = data()
    table = spelt(np.where(np.isnan(X), None, X))
    expected = network().fit(X, Y).predict(X)
    np.testing.assert_array_equal(network().fit(table, Y).predict(table), expected)


def test_masked_arrays():
    X, Y = data()
    masked = np.ma.masked_invalid(X)
    expected = network().fit(X, Y).predict(X)
    np.testing.assert_array_equal(network().fit(masked, Y).predict(masked), expected)


def test_partial_fit_pickle_and_one_column_without_any_value():
    X, Y = data()
    X[:, 0] = np.nan
    model = network(feature_scaling="robust").partial_fit(X[:40], Y[:40]).partial_fit(X, Y)
    assert model._fitted.inputs.n_inputs == 5
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))


def linear(n_features, outputs_per_task):
    from torch import nn

    return nn.Linear(n_features, sum(outputs_per_task))


def test_who_takes_none():
    X, Y = data()
    assert get_tags(MultiTaskMLP()).input_tags.allow_nan
    own = network(architecture=Custom(linear), feature_scaling="auto")
    assert not get_tags(own).input_tags.allow_nan
    with pytest.raises(ValueError, match=r"X contains NaN in 1 column\(s\).*Impute"):
        own.fit(X, Y)
    with pytest.raises(ValueError, match=r"X contains NaN in 1 column\(s\).*Impute"):
        network().fit(sparse.csr_array(X), Y)
    X[0, 0] = np.inf
    with pytest.raises(ValueError, match=r"X contains infinity in 1 column\(s\).*0 \(1\)"):
        network().fit(X, Y)
