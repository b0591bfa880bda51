"""What networks read: fits do not hear units, rows without labels, or the form of X."""

import pickle
from contextlib import nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import SplineTransformer

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural.architectures import ARCHITECTURES, HardSharing
from skmtl.neural.gradients._manual_gradients import ManualGradients
from skmtl.neural.inputs import NumericEmbedding, PiecewiseLinear
from skmtl.neural.inputs._inputs import Inputs, fit_inputs
from skmtl.tasks._read_targets import read_targets

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

ALL = {
    "feature_scaling": "robust",
    "numeric_embedding": PiecewiseLinear(n_bins=4),
    "linear_skip": True,
}
SETTINGS = [
    {"feature_scaling": "robust"},
    {"feature_scaling": "standard"},
    {"feature_scaling": "standard", "numeric_embedding": "piecewise_linear"},
    ALL,
]


def data(n=60, dtype=np.float64):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    Y = np.column_stack([np.sin(X[:, 0]) + X[:, 1], X[:, 2] > 0])
    Y[rng.random(Y.shape) < 0.2] = np.nan
    Y[0] = np.nan
    return X.astype(dtype), Y


def network(**options):
    options = {"max_iter": 5, "batch_size": 20, "random_state": 0, **options}
    return MultiTaskMLP((8,), tasks=["regression", "binary"], **options)


def long_network(**options):
    options = {"max_iter": 5, "random_state": 0, "task_feature": 4, **options}
    return MultiTaskMLPRegressor((8,), **options)


def long_data():
    X, Y = data()
    return np.column_stack([X, np.arange(len(X)) % 3]), Y[:, 0]


def probabilities(model, X):
    return model.predict(X)[:, 0], model.predict_proba(X)[1]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_units_of_x_do_not_matter(settings):
    X, Y = data()
    moved = X * [1e-3, 1e4, 2.0, 50.0] + [0.0, 1e5, -3.0, 1.0]
    one, other = (network(**settings).fit(x, Y) for x in (X, moved))
    for found, expected in zip(probabilities(other, moved), probabilities(one, X), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_rows_without_labels_do_not_count(settings):
    X, Y = data()
    weight = np.ones(len(X))
    weight[::7] = 0
    other = np.where(weight[:, None] > 0, X, 1e6)
    filled = np.where(weight[:, None] > 0, Y, 0)
    expected = network(**settings).fit(X[weight > 0], Y[weight > 0]).predict(X)
    found = network(**settings).fit(other, filled, sample_weight=weight).predict(X)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("form", ["wide", "long"])
def test_pickles_searches_and_fits_that_go_on(form, settings):
    X, Y = data() if form == "wide" else long_data()
    make = network if form == "wide" else long_network
    model = make(**settings).fit(X, Y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    search = GridSearchCV(make(**settings), {"alpha": [0.1]}, cv=2, error_score="raise").fit(X, Y)
    assert np.isfinite(search.best_score_)
    # What was fitted first stays, whatever comes.
    inputs = model.set_params(warm_start=True)._fitted.inputs
    model.fit(X + 1.0 * (np.arange(X.shape[1]) < 4), Y)
    assert model._fitted.inputs is inputs
    model = make(**settings).partial_fit(X, Y)
    inputs = model._fitted.inputs
    assert model.partial_fit(X[:20], Y[:20])._fitted.inputs is inputs
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"feature_scaling": None}, "feature_scaling was 'robust' and is None"),
        ({"numeric_embedding": PiecewiseLinear(n_bins=5)}, "numeric_embedding was Piece.*n_bins=5"),
        ({"linear_skip": False}, "linear_skip was True and is False"),
    ],
)
@pytest.mark.parametrize("how", ["warm_start", "partial_fit"])
def test_a_fit_that_goes_on_reads_the_same(how, change, message):
    X, Y = data()
    model = network(**ALL, warm_start=True).partial_fit(X, Y).set_params(**change)
    with pytest.raises(ValueError, match=message):
        (model.fit if how == "warm_start" else model.partial_fit)(X, Y)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
@pytest.mark.parametrize("form", ["wide", "long"])
def test_every_architecture(architecture, form):
    X, Y = data() if form == "wide" else long_data()
    make = network if form == "wide" else long_network
    found = make(architecture=architecture, **ALL).fit(X, Y).predict(X)
    assert np.isfinite(found).all()
    other = make(architecture=architecture, **{**ALL, "linear_skip": False}).fit(X, Y).predict(X)
    assert (found != other).any()


def test_gradients_stay_written_out():
    X, Y = data()
    model = network(**ALL, activation="silu").fit(X, Y)
    model.predict(X)
    module = model._fitted.built["module"]
    assert ManualGradients.knows(module, SimpleNamespace(is_long=False))


def test_x_as_it_is_is_not_copied():
    X, Y = data()
    targets = read_targets(Y, declared=["regression", "binary"])
    assert fit_inputs(X, targets).transform(X) is X


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_some_at_a_time_are_all_rows(dtype, monkeypatch):
    X, Y = data(dtype=dtype)
    targets = read_targets(Y, declared=["regression", "binary"])
    inputs = fit_inputs(
        X, targets, feature_scaling="robust", numeric_embedding=PiecewiseLinear(n_bins=4)
    )
    expected = inputs.transform(X)
    assert expected.dtype == dtype
    assert expected.shape == (60, inputs.n_inputs)
    assert expected.shape[1] == 4 + 4 * 4
    np.testing.assert_allclose(expected[:, 4:].std(axis=0), np.sqrt(0.5), rtol=1e-5)
    monkeypatch.setattr("skmtl.neural.inputs._inputs.CHUNK", 50)
    rows = np.arange(0, 60, 7)
    np.testing.assert_array_equal(inputs.transform(X), expected)
    np.testing.assert_array_equal(inputs.transform(X, rows), expected[rows])
    np.testing.assert_array_equal(inputs.transform(sparse.csr_array(X), rows), expected[rows])


@pytest.mark.parametrize("kind", ["robust", "standard"])
def test_sparse_x_is_only_scaled(kind):
    X, Y = data()
    X = np.where(X > 0.7, X, 0.0)
    model = network(feature_scaling=kind).fit(sparse.csr_array(X), Y)
    inputs = model._fitted.inputs
    assert (inputs.transform(sparse.csr_array(X)) != 0).nnz == (X != 0).sum()
    np.testing.assert_allclose(model.predict(X), model.predict(sparse.csr_array(X)), rtol=1e-9)
    # A fit to dense X centres sparse X as well.
    model = network(feature_scaling=kind).fit(X, Y)
    np.testing.assert_allclose(model.predict(X), model.predict(sparse.csr_array(X)), rtol=1e-9)


def test_sparse_x_has_no_embedding():
    X, Y = data()
    with pytest.raises(ValueError, match=r"numeric_embedding=.* needs dense X, but X is sparse"):
        network(**ALL).fit(sparse.csr_array(X), Y)


class Squares(NumericEmbedding):
    alias = "squares"

    def fit(self, Z, y=None):
        return self

    def transform(self, Z):
        return Z**2


@pytest.mark.parametrize("embedding", [Squares(), SplineTransformer(n_knots=3)], ids=str)
def test_any_transformer_is_an_embedding(embedding):
    X, Y = data()
    model = network(numeric_embedding=embedding).fit(X, Y)
    assert model._fitted.inputs.n_inputs == 4 + clone(embedding).fit(X).transform(X).shape[1]
    assert not hasattr(embedding, "n_features_in_")
    assert np.isfinite(model.predict(X)).all()


def test_auto_gives_levels_to_columns_of_few_values():
    X, Y = data()
    X[:, 1] = np.arange(60) % 4
    model = network(numeric_embedding="auto").fit(X, Y)
    assert model._fitted.inputs.n_inputs == 4 + 3
    assert model._fitted.inputs.parts[0].embedding.column_.tolist() == [1, 1, 1]
    # Where there is nothing to add, nothing is.
    plain = network().fit(X[:, [0, 2]], Y).predict(X[:, [0, 2]])
    found = network(numeric_embedding="auto").fit(X[:, [0, 2]], Y).predict(X[:, [0, 2]])
    np.testing.assert_array_equal(found, plain)
    network(numeric_embedding="auto").fit(sparse.csr_array(X), Y)


def test_trees_read_labels_of_all_kinds():
    X, Y = data()
    Y = np.column_stack([Y, np.digitize(X[:, 3], [-0.5, 0.5])])
    tree = PiecewiseLinear(n_bins=4, splits="tree")
    model = MultiTaskMLP(numeric_embedding=tree, max_iter=2).fit(X, Y)
    assert np.isfinite(model.predict(X)).all()
    X, y = long_data()
    assert np.isfinite(long_network(numeric_embedding=tree).fit(X, y).predict(X)).all()


@pytest.mark.parametrize("n_rows", [1, 3])
def test_few_rows_and_constant_columns(n_rows):
    X, Y = data()
    X, Y = X[10 : 10 + n_rows], np.arange(float(n_rows))
    X[:, 0] = 7.0
    model = MultiTaskMLPRegressor((8,), max_iter=5, **ALL)
    with nullcontext() if n_rows > 1 else pytest.warns(UserWarning, match="one observed label"):
        model.fit(X, Y)
    assert np.isfinite(model.predict(np.full((2, 4), 1e300))).all()


def flat(n_features):
    from torch import nn

    return nn.Flatten()


def test_rows_that_are_no_vectors():
    X, Y = data()
    images = X.reshape(-1, 2, 2)
    options = {"architecture": HardSharing(trunk=flat)}
    model = network(feature_scaling="auto", **options).fit(images, Y)
    assert isinstance(model._fitted.inputs, Inputs)
    # As they are.
    plain = network(feature_scaling=None, **options).fit(images, Y)
    np.testing.assert_array_equal(model.predict(images), plain.predict(images))
    for setting, value in ALL.items():
        with pytest.raises(ValueError, match=rf"{setting}=.*\(2, 2\).* expected vectors"):
            network(**{setting: value}, **options).fit(images, Y)
