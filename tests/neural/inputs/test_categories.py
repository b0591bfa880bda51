"""Categories in X: numbers of their own, whatever the table, and whatever was never seen."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskMLP, MultiTaskMLPCV, MultiTaskMLPRegressor
from skmtl.neural.architectures import ARCHITECTURES, Custom
from tests.neural.inputs.test_missing import linear

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def table(n=80, *, missing=True):
    rng = np.random.default_rng(0)
    city = rng.choice(["Bern", "Oslo", "Rome"], size=n).astype(object)
    if missing:
        city[rng.random(n) < 0.2] = None
    X = pd.DataFrame({"x": rng.normal(size=n), "city": city, "level": rng.integers(3, size=n)})
    Y = np.column_stack([X["x"] + (city == "Oslo"), X["x"] * (city == "Rome")])
    return X.astype({"city": "category", "level": "category"}), Y


def network(**options):
    settings = {"max_iter": 5, "random_state": 0}
    settings |= {"feature_scaling": None, "numeric_embedding": None}
    return MultiTaskMLPRegressor((8,), **{**settings, **options})


def by_hand(X, *, missing=True):
    """x, then cities and what is missing, then levels."""
    columns = [X["x"], *(X["city"] == city for city in ("Bern", "Oslo", "Rome"))]
    columns += [X["city"].isna()] if missing else []
    return np.column_stack([*columns, *(X["level"] == level for level in range(3))]).astype(float)


@pytest.mark.parametrize("missing", [True, False])
def test_one_column_for_each(missing):
    X, Y = table(missing=missing)
    expected = network().fit(by_hand(X, missing=missing), Y).predict(by_hand(X, missing=missing))
    np.testing.assert_array_equal(network().fit(X, Y).predict(X), expected)


def _text(X):
    """polars has no categories but strings."""
    return X.astype({"level": str}).astype({"level": "category"})


CONTAINERS = {
    "polars": (lambda X: pl.from_pandas(_text(X)), "from_dtype"),
    "arrow": (pa.Table.from_pandas, "from_dtype"),
    "names": (lambda X: X.astype(object), ["city", "level"]),
    "text": (lambda X: pl.from_pandas(_text(X)).cast({"city": pl.String}), ["level", "city"]),
    "indices": (lambda X: X.astype(object).to_numpy(), [1, -1]),
    "mask": (lambda X: X.astype(object).to_numpy().tolist(), [False, True, True]),
}


@pytest.mark.parametrize("container", CONTAINERS)
def test_containers(container):
    X, Y = table()
    convert, features = CONTAINERS[container]
    expected = network().fit(X, Y).predict(X)
    other = convert(X)
    model = network(categorical_features=features).fit(other, Y)
    np.testing.assert_array_equal(model.predict(other), expected)
    # What is fitted to one is right for another.
    np.testing.assert_array_equal(network().fit(X, Y).predict(X.astype(object)), expected)


def test_numbers_in_an_array():
    X, Y = table(missing=False)
    codes = np.column_stack([X["x"], X["city"].cat.codes * 7.5, X["level"].astype(float)])
    expected = network().fit(X, Y).predict(X)
    for dtype, tolerance in ((np.float64, 0), (np.float32, 1e-4)):
        array = codes.astype(dtype)
        model = network(categorical_features=[1, 2]).fit(array, Y)
        np.testing.assert_allclose(model.predict(array), expected, atol=tolerance)


@pytest.mark.parametrize("make", [MultiTaskMLP, MultiTaskMLPCV])
def test_those_of_a_data_frame_are_read_unless_said_otherwise(make):
    X, Y = table()
    options = {"hidden_layer_sizes": (8,), "random_state": 0}
    options |= {"max_iter": 5} if make is MultiTaskMLP else {"grid": {"max_iter": [5]}, "cv": 2}
    found = make(**options).fit(X, Y).predict(X)
    named = make(**options, categorical_features=["city", "level"]).fit(X.astype(object), Y)
    np.testing.assert_array_equal(found, named.predict(X))
    # None reads their numbers.
    numbers = X[["x", "level"]]
    plain = make(**options).fit(numbers.to_numpy(dtype=float), Y)
    model = make(**options, categorical_features=None).fit(numbers, Y)
    np.testing.assert_array_equal(model.predict(numbers), plain.predict(numbers.to_numpy(float)))


def test_pipelines_that_set_their_output():
    X, Y = table()
    steps = make_column_transformer(
        (StandardScaler(), ["x"]), remainder="passthrough", verbose_feature_names_out=False
    )
    for output in ("pandas", "polars"):
        pipeline = make_pipeline(steps.set_output(transform=output), network())
        given = _text(X)
        expected = network().fit(given.assign(x=StandardScaler().fit_transform(X[["x"]])), Y)
        found = pipeline.fit(given, Y).predict(given)
        scaled = given.assign(x=StandardScaler().fit_transform(X[["x"]]))
        np.testing.assert_allclose(found, expected.predict(scaled))


@pytest.mark.parametrize("missing", [True, False])
def test_an_unknown_category_counts_as_missing(missing):
    X, Y = table(missing=missing)
    model = network().fit(X, Y)
    unknown, none = X.copy(), X.copy()
    unknown["city"] = X["city"].astype(object).where(X.index > 0, "Riga")
    none["city"] = X["city"].astype(object).where(X.index > 0, None)
    np.testing.assert_array_equal(model.predict(unknown), model.predict(none))
    with pytest.warns(UserWarning, match=r"Column 'city' of X has none of the categories.*'Bern'"):
        model.predict(X.assign(city="Riga"))


def test_categories_of_rows_without_labels_do_not_count():
    X, Y = table()
    expected = network().fit(X, Y)
    more = pd.concat([X.astype(object), X.astype(object)[:5].assign(city="Aarau")])
    more = more.astype({"x": float, "city": "category", "level": "category"})
    weight = np.r_[np.ones(80), np.zeros(5)]
    model = network().fit(more, np.vstack([Y, Y[:5]]), sample_weight=weight)
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))
    assert model._fitted.inputs.n_inputs == expected._fitted.inputs.n_inputs


@pytest.mark.parametrize("position", [0, 1, 3])
@pytest.mark.parametrize("features", ["from_dtype", "names"])
def test_long_form(position, features):
    X, Y = table()
    task = pd.Categorical(np.where(np.arange(80) % 2, "a", "b"))
    long = X.copy()
    long.insert(position, "task", task)
    features = ["city", "level", "task"] if features == "names" else features
    options = {"task_feature": "task", "categorical_features": features}
    found = network(**options).fit(long, Y[:, 0]).predict(long)
    plain = pd.DataFrame(by_hand(X)).assign(task=task)
    expected = network(task_feature="task").fit(plain.rename(columns=str), Y[:, 0])
    np.testing.assert_array_equal(found, expected.predict(plain.rename(columns=str)))


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_architecture(architecture):
    X, Y = table()
    model = network(architecture=architecture, linear_skip=True, feature_scaling="robust")
    assert np.isfinite(model.fit(X, Y).predict(X)).all()


def test_searches_pickles_and_fits_that_go_on():
    X, Y = table()
    search = GridSearchCV(network(), {"alpha": [0.1]}, cv=2, error_score="raise").fit(X, Y)
    assert np.isfinite(search.best_score_)
    model = network(warm_start=True).fit(X, Y)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    model.fit(X[::-1], Y[::-1])
    assert np.isfinite(model.score(X, Y))
    with pytest.raises(ValueError, match=r"categorical_features was 'from_dtype' and is \['city'"):
        model.set_params(categorical_features=["city", "level"]).fit(X, Y)
    first = network().partial_fit(X, Y)
    names = first._categories[1].tolist()
    other = X.assign(city=pd.Categorical(X["city"].astype(object).where(X.index > 5, "Riga")))
    assert first.partial_fit(other, Y)._categories[1].tolist() == names


def test_a_table_of_categories_alone():
    X, Y = table()
    for settings in ({}, {"feature_scaling": "robust", "numeric_embedding": "piecewise_linear"}):
        model = network(**settings).fit(X[["city", "level"]], Y)
        assert np.isfinite(model.predict(X[["city", "level"]])).all()


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([True, False], r"is a mask of shape \(2,\), but X has 3 columns"),
        ([3], "3 is no column of X, which has 3"),
        (["town"], r"'town' is no column of X: \['x', 'city', 'level'\]"),
    ],
)
def test_columns_that_are_none(features, message):
    X, Y = table()
    with pytest.raises(ValueError, match=f"categorical_features=.*{message}"):
        network(categorical_features=features).fit(X, Y)


def test_more_that_is_refused():
    X, Y = table()
    with pytest.raises(ValueError, match="X has no column names; give indices or a mask"):
        network(categorical_features=["city"]).fit(X.to_numpy(), Y)
    with pytest.raises(ValueError, match="needs a dense table, but X is none"):
        network(categorical_features=[0]).fit(sparse.csr_array(np.eye(80)), Y)
    with pytest.raises(ValueError, match=r"Column 'city' of X holds what is no number.*Rome"):
        network(categorical_features=["level"]).fit(X, Y)
    mixed = X.assign(city=[1 if i % 2 else "Bern" for i in range(80)])
    with pytest.raises(ValueError, match="Column 'city' of X: labels mix strings and numbers"):
        network(categorical_features=["city"]).fit(mixed, Y)


def test_networks_of_the_user_read_numbers_as_they_are():
    X, Y = table()
    numbers = X[["x", "level"]]
    own = network(architecture=Custom(linear)).fit(numbers, Y)
    plain = network(architecture=Custom(linear)).fit(numbers.astype(float).to_numpy(), Y)
    np.testing.assert_array_equal(
        own.predict(numbers), plain.predict(numbers.astype(float).to_numpy())
    )
    # Unless they are told.
    told = network(architecture=Custom(linear), categorical_features=["level"]).fit(numbers, Y)
    assert told._fitted.description["n_features"] == 4


def test_mixed_tasks():
    X, Y = table()
    Y[:, 1] = Y[:, 1] > 0
    model = MultiTaskMLP(tasks=["regression", "binary"], max_iter=2)
    assert model.fit(X, Y).predict_proba(X)[1].shape == (80, 2)
