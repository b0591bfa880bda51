"""What estimators say of dask collections: lazily, the same as of rows in memory."""

import copy
from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl import (
    ConformalTasks,
    IndependentTasks,
    MultiTaskBayesianLinear,
    MultiTaskGaussianProcessRegressor,
    MultiTaskLinear,
    MultiTaskLinearRegressor,
    predict_frame,
)
from skmtl.sources import predict_blocks
from tests.registry import EVERY, kind_of

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")

N, P = 90, 5
METHODS = (
    "predict",
    "predict_proba",
    "predict_interval",
    "predict_set",
    "predict_region",
    "transform",
    "predict_frame",
)


def rows():
    X = np.random.default_rng(0).normal(size=(N, P))
    return pd.DataFrame(X, columns=list("abcde"), index=3 * np.arange(N))


def labels(kind):
    rng = np.random.default_rng(1)
    raw = rows().to_numpy() @ rng.normal(size=(P, 3)) + rng.normal(size=(N, 3))
    if kind == "classification":
        return pd.DataFrame(np.where(raw > 0, "yes", "no"), columns=list("xyz"))
    frame = pd.DataFrame(raw, columns=list("xyz"))
    return frame if kind == "regression" else frame.assign(y=np.where(raw[:, 1] > 0, "yes", "no"))


def leaves(answer):
    if isinstance(answer, list | tuple):
        return [leaf for part in answer for leaf in leaves(part)]
    return [answer]


def assert_close(found, expected):
    """Numbers up to rounding, everything else as it is."""
    for one, other in zip(found.ravel().tolist(), expected.ravel().tolist(), strict=True):
        is_number = isinstance(other, float)
        assert one == (pytest.approx(other, rel=1e-5, nan_ok=True) if is_number else other)


def assert_same(ask, X, collection):
    """Of the structure, dtypes and shapes of rows in memory, with the bits of each block alone.

    Those of all rows at once differ by rounding where a matrix product does.
    """
    lazy, whole = ask(collection), ask(X)
    assert type(lazy) is type(whole) or not isinstance(whole, list | tuple)
    blocks = [leaves(ask(block)) for block in dask.compute(*np.ravel(collection.to_delayed()))]
    computed = leaves(dask.compute(lazy)[0])
    for k, (of_dask, found, of_all) in enumerate(
        zip(leaves(lazy), computed, leaves(whole), strict=True)
    ):
        parts = [block[k] for block in blocks]
        if of_all is None:
            assert found is None
        elif isinstance(of_all, pd.DataFrame):
            pd.testing.assert_frame_equal(found, pd.concat(parts), check_exact=True)
            pd.testing.assert_frame_equal(found, of_all, rtol=1e-12)
            assert (of_dask.dtypes == of_all.dtypes).all()
        else:
            assert of_dask.dtype == found.dtype == of_all.dtype
            assert of_dask.shape[1:] == of_all.shape[1:]
            np.testing.assert_array_equal(found, np.concatenate(parts))
            assert_close(found, of_all)


@pytest.mark.parametrize("name", EVERY)
def test_every_estimator(name):
    X = rows()
    model = EVERY[name]().fit(X, labels(kind_of(name)))
    partitions = dd.from_pandas(X, npartitions=3)
    for method in METHODS:
        if hasattr(model, method):
            assert_same(getattr(model, method), X, partitions)


def test_arrays_keep_their_chunks():
    X, Y = rows().to_numpy(), labels("regression")
    model = MultiTaskLinearRegressor(alpha=0.1).fit(X, Y)
    blocks = da.from_array(X, chunks=(40, 5))
    assert model.predict(blocks).chunks == ((40, 40, 10), (3,))
    assert_same(model.predict, X, blocks)


def test_columns_in_chunks_are_put_together():
    X, Y = rows().to_numpy(), labels("regression")
    model = MultiTaskLinearRegressor(alpha=0.1).fit(X, Y)
    found = model.predict(da.from_array(X, chunks=(40, 2)))
    assert found.shape == (N, 3)
    np.testing.assert_allclose(found.compute(), model.predict(X), rtol=1e-12)


@pytest.mark.parametrize("as_dask", [da.from_array, dd.from_pandas])
def test_long_form(as_dask):
    rng = np.random.default_rng(2)
    X = rows().assign(task=rng.integers(3, 6, N))
    y = X["a"] * X["task"] + rng.normal(size=N)
    given = X.to_numpy() if as_dask is da.from_array else X
    sizes = {"chunks": (40, P + 1)} if as_dask is da.from_array else {"npartitions": 3}
    model = MultiTaskBayesianLinear(task_feature=-1).fit(given, y)
    for ask in (
        lambda X: model.predict(X),
        lambda X: model.predict(X, return_std=True),
        lambda X: model.predict_interval(X, 0.5),
    ):
        assert_same(ask, given, as_dask(given, **sizes))


def test_sparse_blocks():
    sparse = pytest.importorskip("scipy.sparse")
    X, Y = rows().to_numpy(), labels("regression")
    model = MultiTaskLinearRegressor(alpha=0.1).fit(X, Y)
    blocks = da.from_array(X, chunks=(40, 5)).map_blocks(sparse.csr_matrix)
    np.testing.assert_allclose(model.predict(blocks).compute(), model.predict(X), rtol=1e-12)


def test_names_of_a_table():
    model = MultiTaskLinear(alpha=0.1).fit(rows(), labels("any"))
    frame = dd.from_pandas(rows(), npartitions=2)
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        model.predict(frame.rename(columns={"a": "A"}))
    with pytest.raises(ValueError, match="feature names should match those that were passed"):
        model.predict(frame[["b", "a", "c", "d", "e"]])


def test_partitions_without_rows():
    X = rows()
    model = MultiTaskLinear(alpha=0.1).fit(X, labels("any"))
    X = X.assign(a=np.arange(N))
    frame = dd.from_pandas(X, npartitions=3)
    some = frame[frame["a"] >= N - 9]
    assert [len(part) for part in dask.compute(*some.to_delayed())] == [0, 0, 9]
    found, expected = model.predict_proba(some)[1], model.predict_proba(X[-9:])[1]
    np.testing.assert_array_equal(found.compute(), expected)
    frame = model.predict_frame(some).compute()
    pd.testing.assert_frame_equal(frame, model.predict_frame(X[-9:]))


def test_a_model_of_labels_that_made_up_rows_do_not_have():
    """Rows made up from dtypes alone have categories that an encoder may refuse."""
    X = rows().assign(town=np.where(np.arange(N) % 2, "Bern", "Basel"))
    encode = make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough")
    model = IndependentTasks(make_pipeline(encode, Ridge()), tasks="regression")
    model.fit(X, labels("regression"))
    assert_same(model.predict, X, dd.from_pandas(X, npartitions=2))


def test_an_array_of_unknown_lengths():
    X = rows().assign(town=np.where(np.arange(N) % 2, "Bern", "Basel"), n=np.arange(N))
    encode = make_column_transformer((OneHotEncoder(), [5]), remainder="drop")
    model = IndependentTasks(make_pipeline(encode, Ridge()), tasks="regression")
    model.fit(X.to_numpy(dtype=object), labels("regression").to_numpy())
    # Two of the blocks have no rows.
    blocks = da.from_array(X.to_numpy(dtype=object), chunks=(30, 7))
    blocks = blocks[blocks[:, 6].astype(float) >= N - 9]
    assert np.isnan(blocks.shape[0])
    expected = model.predict(X[-9:].to_numpy(dtype=object))
    np.testing.assert_array_equal(model.predict(blocks).compute(), expected)


def test_pipelines_and_searches():
    X, y = rows(), labels("any")
    blocks = dd.from_pandas(X, npartitions=3)
    pipeline = make_pipeline(StandardScaler(), MultiTaskLinear(alpha=0.1)).fit(X, y)
    assert_same(partial(predict_in_blocks, pipeline), X, blocks)
    assert_same(partial(predict_frame, pipeline), X, blocks)
    ridge = Ridge().fit(X, labels("regression"))
    assert_same(partial(predict_in_blocks, ridge), X, blocks)
    search = GridSearchCV(MultiTaskLinear("l2"), {"alpha": [0.1, 1.0]}, cv=2)
    assert_same(search.fit(X, labels("regression")).predict, X, blocks)
    with pytest.raises(TypeError, match="is for dask arrays and dataframes, got a DataFrame"):
        predict_blocks(ridge, X)


def predict_in_blocks(model, X):
    return predict_blocks(model, X) if dask.is_dask_collection(X) else model.predict(X)


def test_several_parts_are_predicted_once():
    asked = []

    class Counted(MultiTaskLinear):
        def _expected(self, X, task_index):
            asked.append(len(X))
            return super()._expected(X, task_index)

    X, Y = rows().to_numpy(), labels("classification")
    parts = Counted(alpha=0.1).fit(X, Y).predict_proba(da.from_array(X, chunks=(40, 5)))
    asked.clear()
    dask.compute(*parts)
    assert sorted(asked) == [10, 40, 40]


def test_the_fit_at_the_time_of_the_call():
    X, Y = rows().to_numpy(), labels("regression")
    model = MultiTaskLinearRegressor(alpha=0.1).fit(X, Y)
    before = copy.deepcopy(model).predict(X)
    lazy = model.predict(da.from_array(X, chunks=(40, 5)))
    model.fit(X, -Y)
    np.testing.assert_array_equal(lazy.compute(), before)


def test_weights_of_rows_are_cut_as_well():
    X, Y = rows().to_numpy(), labels("regression")
    weight = np.random.default_rng(3).uniform(size=N)
    model = ConformalTasks(MultiTaskLinearRegressor(alpha=0.1), cv=2).fit(X, Y, weight)
    lazy = model.predict_interval(da.from_array(X, chunks=(40, 5)), 0.8, weight)
    np.testing.assert_allclose(lazy.compute(), model.predict_interval(X, 0.8, weight), rtol=1e-12)


def test_what_depends_on_all_rows_is_refused():
    X, Y = rows().to_numpy()[:20], labels("regression")[:20]
    model = MultiTaskGaussianProcessRegressor().fit(X, Y)
    with pytest.raises(ValueError, match="depends on all rows at once"):
        model.predict(da.from_array(X, chunks=(10, 5)), return_cov=True)


def test_what_dask_cannot_hold():
    X, Y = rows().to_numpy(), labels("regression")
    model = MultiTaskLinearRegressor(alpha=0.1).fit(X, Y)
    with pytest.raises(TypeError, match="give X as a dask DataFrame"):
        model.predict_frame(da.from_array(X, chunks=(40, 5)))
    with pytest.raises(TypeError, match="X is a dask Series of shape"):
        model.predict(dd.from_pandas(pd.Series(X[:, 0]), npartitions=2))
