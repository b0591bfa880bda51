"""Predictions with names: those of `predict`, with the dtypes of the labels and the rows of X."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyRegressor
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skmtl import MultiTaskLinear, MultiTaskLinearRegressor, predict_frame
from tests.registry import ANY_TYPES, EVERY, TWINS, kind_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning"),
    pytest.mark.filterwarnings("ignore::skmtl.tasks.LabelWarning"),
]
N_ROWS = 40


def features():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(N_ROWS, 3)), columns=["a", "b", "c"]).set_index(
        pd.Index([f"row {i}" for i in range(N_ROWS)])
    )


def labels(X):
    y = pd.DataFrame(
        {
            "score": X["a"] + X["b"],
            "ill": np.where(X["a"] > 0, "yes", "no"),
            "old": X["b"] > 0,
            "grade": np.digitize(X["c"], [-0.5, 0.5]) + 1,
        },
        index=X.index,
    )
    return y.mask(np.random.default_rng(1).random(y.shape) < 0.2)


TYPES = {"grade": "multiclass"}


@pytest.mark.parametrize("name", ANY_TYPES)
def test_names_index_and_dtypes(name):
    X = features()
    model = ANY_TYPES[name](tasks=TYPES).fit(X, labels(X))
    frame, plain = model.predict_frame(X), model.predict(X)
    assert frame.columns.tolist() == ["score", "ill", "old", "grade"]
    assert frame.index.equals(X.index)
    assert [dtype.kind for dtype in frame.dtypes[["score", "old", "grade"]]] == ["f", "b", "i"]
    assert pd.api.types.is_string_dtype(frame["ill"])
    assert (frame.to_numpy(dtype=object) == plain).all()
    one = model.predict_frame(X[3:4])
    assert one.index.tolist() == ["row 3"]
    assert one.dtypes.equals(frame.dtypes)
    assert (one.drop(columns="score") == frame[3:4].drop(columns="score")).all(axis=None)


@pytest.mark.parametrize("name", sorted(EVERY))
def test_every_estimator_has_it(name):
    X = features()
    Y = pd.DataFrame({"u": X["a"], "v": X["b"] - X["c"]})
    Y = (Y > 0) if kind_of(name) == "classification" else Y
    model = EVERY[name]().fit(X, Y)
    frame = model.predict_frame(X)
    assert frame.columns.tolist() == ["u", "v"]
    np.testing.assert_array_equal(frame.to_numpy(), model.predict(X))


@pytest.mark.parametrize("name", sorted(set(EVERY) - set(TWINS)))
def test_long_form_says_which_task(name):
    X = features().assign(site=["north", "south"] * (N_ROWS // 2))
    y = (X["a"] > 0).rename("up") if kind_of(name) == "classification" else X["a"].rename("up")
    model = EVERY[name](task_feature="site").fit(X, y)
    frame = model.predict_frame(X[::3])
    assert frame.columns.tolist() == ["site", "up"]
    assert frame.index.equals(X[::3].index)
    assert frame["site"].tolist() == X["site"][::3].tolist()
    np.testing.assert_array_equal(frame["up"], model.predict(X[::3]))


def test_the_library_is_that_of_X_unless_said_otherwise():
    X = features()
    y = labels(X)
    model = MultiTaskLinear(tasks=TYPES).fit(X, y)
    expected = model.predict_frame(X)
    table = pl.DataFrame(X)
    found = model.predict_frame(table)
    assert isinstance(found, pl.DataFrame)
    assert found.schema == {"score": pl.Float64, "ill": pl.String, "old": pl.Boolean} | {
        "grade": pl.Int64
    }
    assert found.rows() == list(expected.itertuples(index=False, name=None))
    assert model.predict_frame(X, output="polars").equals(found)
    assert model.predict_frame(table, output="pandas").equals(expected.reset_index(drop=True))
    without_names = MultiTaskLinear(tasks=TYPES).fit(X.to_numpy(), y)
    for plain in (X.to_numpy(), X.to_numpy().tolist(), sparse.csr_array(X.to_numpy())):
        frame = without_names.predict_frame(plain)
        assert frame.index.equals(pd.RangeIndex(N_ROWS))
        assert frame.columns.tolist() == list(y)
    with pytest.raises(ValueError, match="output='spark'; expected 'pandas', 'polars' or None"):
        model.predict_frame(X, output="spark")


def test_y_without_names():
    X = features()
    wide = MultiTaskLinear().fit(X, X[["a", "b"]].to_numpy())
    assert wide.predict_frame(X).columns.tolist() == [0, 1]
    assert wide.predict_frame(X, output="polars").columns == ["0", "1"]
    model = MultiTaskLinear()
    assert model.fit(X, X["a"].to_numpy()).predict_frame(X).columns.tolist() == ["prediction"]
    assert model.fit(X, X["a"]).predict_frame(X).columns.tolist() == ["a"]
    mixed = pd.DataFrame({1: X["a"], "1": X["b"], ("x", 2): X["c"]})
    frame = model.fit(X, mixed).predict_frame(X)
    assert list(frame.columns) == [1, "1", ("x", 2)]
    assert model.predict_frame(X, output="polars").columns == ["1", "'1'", "('x', 2)"]


def test_long_form_of_an_array():
    X = features().to_numpy(copy=True)
    X[:, 1] = np.arange(N_ROWS) % 3
    model = MultiTaskLinearRegressor("mean_deviation", task_feature=1).fit(X, X[:, 0])
    frame = model.predict_frame(X)
    assert frame.columns.tolist() == ["task", "prediction"]
    assert frame["task"].tolist() == [0, 1, 2] * (N_ROWS // 3) + [0]
    assert frame["task"].dtype.kind == "i"
    model.fit(X, pd.Series(X[:, 0], name="task"))
    assert model.predict_frame(X).columns.tolist() == ["task (task)", "task"]


def test_pipelines_and_searches_keep_the_rows_of_the_table():
    X = features()
    y = labels(X)
    steps = make_pipeline(StandardScaler(), MultiTaskLinear(tasks=TYPES))
    search = GridSearchCV(steps, {"multitasklinear__alpha": [0.01, 1.0]}, cv=3).fit(X, y)
    frame = predict_frame(search, X[5:9])
    assert frame.index.equals(X.index[5:9])
    assert (frame.to_numpy(dtype=object) == search.predict(X[5:9])).all()
    assert predict_frame(steps.fit(X, y), pl.DataFrame(X)).columns == list(y)
    model = steps[-1]
    assert predict_frame(model, X).equals(model.predict_frame(X))
    assert pickle.loads(pickle.dumps(model)).predict_frame(X).equals(model.predict_frame(X))
    with pytest.raises(TypeError, match="an estimator of skmtl, got DummyRegressor"):
        predict_frame(DummyRegressor().fit(X, X["a"]), X)
    with pytest.raises(NotFittedError):
        MultiTaskLinear().predict_frame(X)


def test_long_form_behind_a_column_transformer():
    X = features().assign(site=["north", "south"] * (N_ROWS // 2))
    steps = make_column_transformer((StandardScaler(), ["a", "b"]), ("passthrough", ["site"]))
    model = MultiTaskLinear("mean_deviation", task_feature="site")
    model = make_pipeline(steps.set_output(transform="pandas"), model).fit(X, X["c"])
    frame = predict_frame(model, X)
    assert frame.columns.tolist() == ["site", "c"]
    assert frame["site"].tolist() == X["site"].tolist()
    assert frame.index.equals(X.index)


def test_a_task_without_labels_is_there():
    X = features()
    y = labels(X).assign(score=np.nan)
    frame = MultiTaskLinear(tasks={"score": "regression", **TYPES}).fit(X, y).predict_frame(X)
    assert frame["score"].isna().all()
    assert frame["score"].dtype == np.float64
