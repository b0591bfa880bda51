"""Predictions of rows in blocks, and fits and predictions of memory maps."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skmtl import (
    IndependentTasks,
    MultiTaskBayesianLinear,
    MultiTaskKernelRidge,
    MultiTaskLasso,
    MultiTaskLinear,
    MultiTaskMLP,
)
from skmtl.sources import ArraySource, ParquetSource, _array_source

N_ROWS = 900


def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 4)).astype(np.float32)
    Y = np.column_stack([X[:, 0] + 0.1 * rng.normal(size=N_ROWS), X[:, 1] > 0])
    Y[::4, 0] = np.nan
    return X, Y


@pytest.fixture
def memory_map(tmp_path, monkeypatch):
    monkeypatch.setattr(_array_source, "BLOCK_BYTES", 8 * 4 * 200)
    np.save(tmp_path / "X.npy", data()[0])
    return np.load(tmp_path / "X.npy", mmap_mode="r")


ESTIMATORS = [
    MultiTaskLinear(),
    MultiTaskMLP((8,), max_iter=3, random_state=0),
    MultiTaskKernelRidge(),
    IndependentTasks(),
]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_predictions_of_blocks(estimator):
    X, Y = data()
    model = clone(estimator).fit(X, Y)
    source = ArraySource(X, block_rows=250)
    np.testing.assert_allclose(model.predict(source), model.predict(X), rtol=1e-5, atol=1e-6)
    if hasattr(model, "predict_proba"):
        found, whole = model.predict_proba(source), model.predict_proba(X)
        assert [None if p is None else p.shape for p in found] == [None, (N_ROWS, 2)]
        np.testing.assert_allclose(found[1], whole[1], rtol=1e-4, atol=1e-5)
    frame = pd.DataFrame(X, index=np.arange(N_ROWS)[::-1] + 7)
    pd.testing.assert_index_equal(
        model.predict_frame(ArraySource(frame, Y, block_rows=250)).index, frame.index
    )
    assert (model.predict_frame(source).index == np.arange(N_ROWS)).all()


def test_intervals_of_a_parquet_file(tmp_path):
    pytest.importorskip("pyarrow")
    X, Y = data()
    frame = pd.DataFrame(X).add_prefix("x").assign(y=Y[:, 0])
    frame.to_parquet(tmp_path / "rows.parquet", row_group_size=100)
    source = ParquetSource(tmp_path / "rows.parquet", "y", block_rows=250)
    model = MultiTaskBayesianLinear().fit(source)
    np.testing.assert_allclose(
        model.predict_interval(source), model.predict_interval(frame.iloc[:, :4]), atol=1e-9
    )
    mean, deviation = model.predict(source, return_std=True)
    assert mean.shape == deviation.shape == (N_ROWS,)


def test_a_score_takes_labels_beside_the_rows():
    X, Y = data()
    with pytest.raises(ValueError, match="A source stands for X in fit and in predictions; score"):
        MultiTaskLinear().fit(X, Y).score(ArraySource(X, Y), Y)


@pytest.mark.usefixtures("stays_stored")
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "estimator",
    [MultiTaskLinear(), MultiTaskLinear("l2", alpha=0.1, tasks=["regression", "binary"])],
    ids=["default", "l2"],
)
@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, lambda Y: dict(enumerate(Y.T))])
def test_a_memory_map_is_fitted_and_predicted_by_blocks(memory_map, estimator, container):
    X, Y = data()
    estimator = estimator.set_params(tol=1e-10)
    blocks = []

    class Watched(type(estimator)):
        def _read_X(self, X, *, reset):
            blocks.append(len(X))
            return super()._read_X(X, reset=reset)

    whole = clone(estimator).fit(X, container(Y))
    model = Watched(**estimator.get_params()).fit(memory_map, container(Y))
    np.testing.assert_allclose(model.coef_, whole.coef_, atol=1e-4)
    np.testing.assert_allclose(model.predict(memory_map), whole.predict(X), atol=1e-3)
    assert blocks.count(200) >= 8


@pytest.mark.usefixtures("stays_stored")
def test_what_needs_all_rows_of_a_memory_map_takes_them(memory_map):
    X, Y = data()
    found = MultiTaskKernelRidge().fit(memory_map, Y).predict(memory_map)
    np.testing.assert_allclose(found, MultiTaskKernelRidge().fit(X, Y).predict(X), atol=1e-5)
    with pytest.raises(ValueError, match="requires y to be passed"):
        MultiTaskLasso().fit(memory_map)


def test_sources_are_pickled(tmp_path):
    X, Y = data()
    source = pickle.loads(pickle.dumps(ArraySource(X, Y[:, [0]], block_rows=100)))
    model = MultiTaskLasso(0.1)
    found = clone(model).fit(source)
    assert (found.coef_ == model.fit(ArraySource(X, Y[:, [0]], block_rows=100)).coef_).all()
    assert (pickle.loads(pickle.dumps(found)).predict(source) == found.predict(source)).all()


def test_parts_with_other_rows():
    X, Y = data()
    with pytest.raises(ValueError, match="X has 900 rows, y has 899 rows"):
        ArraySource(X, Y[1:])
    with pytest.raises(ValueError, match=r"block_rows=1\.5; expected a whole number above 0"):
        ArraySource(X, Y, block_rows=1.5)
    with pytest.raises(ValueError, match="Block 0: y is None; expected labels"):
        MultiTaskLinear("l2", tasks="regression").fit(ArraySource(X))


@pytest.mark.usefixtures("stays_stored")
def test_a_source_that_changes_is_an_error():
    X, Y = data()

    class Shrinking:
        n_passes = 0

        def __iter__(self):
            self.n_passes += 1
            n = N_ROWS - 10 * (self.n_passes > 3)
            for i in range(0, n, 200):
                yield X[i : min(i + 200, n)], Y[i : min(i + 200, n)]

    with pytest.raises(ValueError, match="gave 890 rows in this pass, but 900 before"):
        MultiTaskLinear("l2", alpha=0.1, tasks=["regression", "binary"]).fit(Shrinking())
