"""Tables of text, categories and dates become numbers in a pipeline; the task feature stays."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl import IndependentTasks, MultiTaskLinear, MultiTaskMLP
from skmtl.compose import TargetScaler
from tests.registry import ANY_TYPES

N_ROWS = 60
NUMBERS = ["dose", "age"]


def table():
    """Numbers, text, the name of a task, and labels."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(N_ROWS, 2)), columns=NUMBERS)
    X["ward"] = ["north", "south", "west"] * (N_ROWS // 3)
    X["site"] = ["A", "A", "B", "C"] * (N_ROWS // 4)
    effect = X["dose"] + (X["ward"] == "west") + 0.1 * rng.normal(size=N_ROWS)
    return X, pd.DataFrame({"score": effect, "ill": np.where(effect > 0, "yes", "no")})


def prepare(*more):
    encoder = OneHotEncoder(sparse_output=False)
    return make_column_transformer((StandardScaler(), NUMBERS), (encoder, ["ward"]), *more)


@pytest.mark.parametrize("name", ANY_TYPES)
def test_one_line_for_a_table(name):
    X, y = table()
    model = make_pipeline(prepare(), ANY_TYPES[name]()).fit(X, y)
    alone = ANY_TYPES[name]().fit(prepare().fit_transform(X), y)
    assert (model.predict(X) == alone.predict(prepare().fit_transform(X))).all()


LONG = {
    "linear": lambda **kw: MultiTaskLinear("mean_deviation", alpha=0.1, **kw),
    "mlp": lambda **kw: MultiTaskMLP((4,), max_iter=5, random_state=0, **kw),
    "independent": IndependentTasks,
    "nested": lambda **kw: TargetScaler(MultiTaskLinear("mean_deviation", alpha=0.1), **kw),
}


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
@pytest.mark.parametrize("name", LONG)
def test_the_task_feature_comes_through(name, output):
    X, y = table()
    steps = prepare(("passthrough", ["site"])).set_output(transform=output)
    encoded = prepare().fit_transform(X).astype(object)
    by_hand = np.column_stack([encoded, X["site"].astype(object)])
    expected = LONG[name](task_feature=5).fit(by_hand, y["score"]).predict(by_hand)
    for task_feature in (-1, 5) if output == "default" else (-1, 5, "site"):
        model = make_pipeline(steps, LONG[name](task_feature=task_feature)).fit(X, y["score"])
        assert model[-1].task_names_in_.tolist() == ["A", "B", "C"]
        if name != "mlp":  # Its first weights go by the names of columns.
            np.testing.assert_allclose(model.predict(X), expected, rtol=1e-9)


def test_a_name_that_no_column_has_is_an_error_with_a_way_out():
    X, y = table()
    model = MultiTaskLinear(task_feature="site")
    for steps, message in [
        (prepare(), "'site' is a name, but X has no column names"),
        (prepare().set_output(transform="pandas"), "'site' is not a column of X"),
    ]:
        with pytest.raises(ValueError, match=f"{message}.*'passthrough'.*task_feature=-1"):
            make_pipeline(steps, model).fit(X, y["score"])
    twice = pd.DataFrame({"a__site": [1, 2, 1], "b__site": [1, 1, 2], "x": [0.0, 1.0, 2.0]})
    with pytest.raises(ValueError, match="'site' is not a column of X"):
        model.fit(twice, np.arange(3.0))


def test_a_task_feature_that_was_scaled_is_noticed():
    X, y = table()
    X["site"] = [1, 1, 2, 3] * (N_ROWS // 4)
    model = MultiTaskLinear(task_feature=-1)
    scaled = make_column_transformer((StandardScaler(), ["dose", "site"]))
    with pytest.warns(UserWarning, match="numbers that are not whole, -0.9.*'passthrough'"):
        make_pipeline(scaled, model).fit(X, y["score"])


BAD = {
    "city": (["Bern"] * 5, ValueError, "text such as 'Bern'. Encode it first.*ColumnTransformer"),
    "when": (
        pd.date_range("2024-01-02", periods=5),
        TypeError,
        "times such as 2024-01-02. Make numbers of it first, such as the year.*skrub",
    ),
    "stay": (pd.to_timedelta([1] * 5, unit="D"), TypeError, "durations such as .*seconds, or days"),
    "what": ([{"a": 1}] * 5, TypeError, "float.*not 'dict'. Make numbers of it first"),
    "size": ([[1.5]] * 5, ValueError, "setting an array element.*Make numbers of it first"),
}


@pytest.mark.parametrize("container", ["pandas", "objects", "polars", "arrow"])
@pytest.mark.parametrize("name", BAD)
def test_what_to_do_with_a_column_that_is_no_number(name, container):
    column, error, message = BAD[name]
    X = pd.DataFrame({"x": np.arange(5.0), name: column})
    title = name
    if container == "objects":
        X, title = X.to_numpy(dtype=object), 1
    elif container == "polars":
        X = pl.from_pandas(X)
    elif container == "arrow":
        X = pa.table({"x": np.arange(5.0), name: list(column)})
    with pytest.raises(error, match=f"Column {title!r} of X holds what is no number: {message}"):
        MultiTaskLinear().fit(X, np.arange(5.0))


@pytest.mark.parametrize("estimator", [MultiTaskLinear, MultiTaskMLP])
def test_all_columns_that_are_no_numbers_are_named(estimator):
    columns = {name: list(column) for name, (column, *_) in BAD.items()}
    X = pd.DataFrame({"x": np.arange(5.0), "ok": pd.Categorical([*"aabbb"]), **columns})
    X = X.drop(columns="ok") if estimator is MultiTaskLinear else X
    with pytest.raises(
        ValueError, match=r"'city' .* So do 4 more: 'when' \(times.*'stay'.*'what'.*'size'"
    ):
        estimator().fit(X, np.arange(5.0))


@pytest.mark.parametrize("name", ["independent", "pooled", "chain", "stacking"])
def test_what_holds_other_estimators_names_the_columns_too(name):
    X, y = table()
    # Of a column of times scikit-learn says TypeError, if no column is of pandas' own text.
    with pytest.raises((TypeError, ValueError)) as raised:
        ANY_TYPES[name]().fit(X.assign(when=pd.Timestamp("2024-01-02")), y)
    told = f"{raised.value} {' '.join(getattr(raised.value, '__notes__', ()))}"
    for part in ["'ward'", "text such as 'north'", "'when'", "ColumnTransformer"]:
        assert part in told


class TestSkrub:
    @pytest.fixture(autouse=True)
    def skrub(self):
        return pytest.importorskip("skrub", reason="skrub is not installed")

    @pytest.mark.parametrize("name", ["linear", "mlp", "independent"])
    def test_one_line_for_any_table(self, skrub, name):
        X, y = table()
        X["when"] = pd.date_range("2024-01-01", periods=N_ROWS)
        X.loc[::7, "dose"] = np.nan
        model = skrub.tabular_pipeline(ANY_TYPES[name]()).fit(X, y)
        assert model.score(X, y) > 0
        assert set(model.predict(X)[:, 1]) <= {"yes", "no"}
        assert clone(model).fit(X, y).score(X, y) == pytest.approx(model.score(X, y))

    @pytest.mark.parametrize("name", LONG)
    def test_long_form(self, skrub, name):
        X, y = table()
        keep = skrub.TableVectorizer(specific_transformers=[("passthrough", ["site"])])
        model = make_pipeline(keep, LONG[name](task_feature="site")).fit(X, y["score"])
        assert model[-1].task_names_in_.tolist() == ["A", "B", "C"]
