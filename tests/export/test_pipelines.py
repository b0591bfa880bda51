"""Pipelines of scikit-learn's transformers and an estimator are one graph."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl import IndependentTasks, MultiTaskLinear, MultiTaskMLP, TaskGrouping
from skmtl.export import register_converters, to_onnx
from skmtl.export._outputs import outputs_of

from .agreement import assert_agree, run

skl2onnx = pytest.importorskip("skl2onnx")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def table():
    """Numbers with gaps, whole numbers and text; tasks of several types."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "yield": rng.normal(size=60),
            "age": 1e3 + rng.normal(size=60),
            "rooms": rng.integers(1, 6, 60),
            "town": rng.choice(["Aarau", "Bern", "Chur"], 60),
        }
    )
    score = X["yield"] * 10 + (X["town"] == "Bern") * 5
    Y = pd.DataFrame({"yield": score, "class": np.where(score > 0, "hi", "lo")})
    X.loc[::5, "yield"] = np.nan
    return X, Y


def columns():
    """The usual preparation of a table."""
    return make_column_transformer(
        (make_pipeline(SimpleImputer(), StandardScaler()), ["yield", "age"]),
        (OneHotEncoder(handle_unknown="ignore"), ["town"]),
        ("passthrough", ["rooms"]),
    )


@pytest.mark.parametrize(
    "estimator",
    [
        MultiTaskLinear(alpha=0.01),
        MultiTaskMLP((6,), max_iter=5, random_state=0),
        IndependentTasks(),
        TaskGrouping(MultiTaskLinear(alpha=0.01)),
    ],
    ids=["linear", "mlp", "independent", "grouping"],
)
def test_a_table(estimator, table):
    X, Y = table
    pipeline = make_pipeline(columns(), estimator).fit(X, Y)
    model = to_onnx(pipeline, X=X)
    assert [value.name for value in model.graph.input] == ["yield", "age", "rooms", "town"]
    outputs = outputs_of(pipeline[-1], X.columns)
    assert [o.name for o in outputs] == ["yield_", "class", "class_probabilities"]
    new = X.head(4).copy()
    new.loc[0, "town"], new.loc[1, "age"] = "Davos", np.nan
    for rows in (new, X.head(1), pd.concat([X] * 20)):
        assert_agree(run(model, rows), outputs, pipeline, rows)


@pytest.mark.parametrize("encoded", [["town", "owned"], ["owned"], []])
def test_columns_of_bool_and_of_nullable_numbers(table, encoded):
    X, Y = table
    owned = np.arange(len(X)) % 3 == 0
    X = X.assign(owned=owned, floors=pd.array(np.arange(len(X)) % 4, dtype="Int64"))
    X.loc[::7, "floors"] = pd.NA
    steps = [(make_pipeline(SimpleImputer(), StandardScaler()), ["age", "floors"])]
    steps += [(OneHotEncoder(handle_unknown="ignore"), encoded)] if encoded else []
    steps += [] if "owned" in encoded else [("passthrough", ["owned"])]
    pipeline = make_pipeline(make_column_transformer(*steps), MultiTaskLinear(alpha=0.01))
    Y = Y.assign(**{"yield": X["age"] + 3 * owned})
    model = to_onnx(pipeline.fit(X, Y), X=X)
    for rows in (X, X.head(1), X.tail(2)):
        assert_agree(run(model, rows), outputs_of(pipeline[-1], X.columns), pipeline, rows)


def test_a_search_of_a_pipeline_of_numbers(table):
    X, Y = table[0][["yield", "age"]].to_numpy(), table[1]
    inner = make_pipeline(StandardScaler(), MultiTaskLinear())
    pipeline = make_pipeline(SimpleImputer(), PCA(), inner)
    search = GridSearchCV(pipeline, {"pca__n_components": [1, 2]}, cv=2).fit(X, Y)
    outputs = outputs_of(search.best_estimator_[-1][-1])
    for dtype, rtol in (("float64", 1e-4), ("float32", 1e-3)):
        model = to_onnx(search, X=X, dtype=dtype)
        assert_agree(run(model, X), outputs, search, X, rtol)
    assert_agree(run(to_onnx(search), X), outputs, search, X)


def test_long_form(table):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.normal(size=(60, 2)), np.tile([4.0, 7.0], 30)])
    pipeline = make_pipeline(
        make_column_transformer((StandardScaler(), [0, 1]), ("passthrough", [2])),
        MultiTaskLinear(task_feature=2),
    ).fit(X, X[:, 0])
    assert_agree(run(to_onnx(pipeline), X), outputs_of(pipeline[-1]), pipeline, X)


def test_skl2onnx_knows_estimators(table, tmp_path):
    X, Y = table[0][["age", "rooms"]].to_numpy(float), table[1]
    pipeline = make_pipeline(StandardScaler(), MultiTaskMLP((4,), max_iter=3)).fit(X, Y)
    register_converters()
    model = skl2onnx.to_onnx(pipeline, X, target_opset={"": 17, "ai.onnx.ml": 3})
    given = outputs_of(pipeline[-1])
    assert_agree(run(model, X), given, pipeline, X)
    path = tmp_path / "model.onnx"
    assert to_onnx(pipeline, path, X=X).SerializeToString() == path.read_bytes()


def test_what_cannot_be_exported_is_named(table):
    X, Y = table
    pipeline = make_pipeline(columns(), MultiTaskLinear()).fit(X, Y)
    with pytest.raises(ValueError, match="fitted to a table: give some of its rows as X="):
        to_onnx(pipeline)
    with pytest.raises(ValueError, match="The Pipeline ends in PCA, which is none of skmtl"):
        to_onnx(make_pipeline(StandardScaler(), PCA()))

    class OfMine(StandardScaler):
        pass

    pipeline = make_pipeline(OfMine(), MultiTaskLinear()).fit(X[["age"]].to_numpy(), Y)
    with pytest.raises(ValueError, match=r"cannot be exported: skl2onnx says .*OfMine"):
        to_onnx(pipeline)
