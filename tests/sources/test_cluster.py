"""The same on a cluster: two processes of their own."""

from importlib.util import find_spec

import numpy as np
import pytest
from joblib import parallel_config
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold

from skmtl import (
    MultiTaskBayesianLinear,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskLinearRegressor,
    MultiTaskLinearRegressorCV,
    MultiTaskMLP,
    MultiTaskMLPRegressor,
)
from skmtl.model_selection import StackedGridSearchCV

dask = pytest.importorskip("dask", reason="dask is not installed")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")

# Two busy cores may take their time.
PATIENCE = {
    "distributed.comm.timeouts.connect": "180s",
    "distributed.comm.timeouts.tcp": "180s",
    "distributed.worker.memory.terminate": False,
}


@pytest.fixture(scope="module")
def client():
    """A cluster of two processes with a thread each, for the tests of this file."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    with (
        dask.config.set({**PATIENCE, "distributed.nanny.pre-spawn-environ": threads}),
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=":0",
            host="127.0.0.1",
            silence_logs="ERROR",
        ) as cluster,
        distributed.Client(cluster, timeout="180s") as client,
    ):
        client.wait_for_workers(2, timeout=180)
        yield client


def data(n_rows=400):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, 5))
    Y = X @ rng.normal(size=(5, 3)) + rng.normal(size=(n_rows, 3))
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y


def test_fit_predict_and_score(client):
    X, Y = data()
    blocks = da.from_array(X, chunks=(90, 5)), da.from_array(Y, chunks=(90, 3))
    for model in (MultiTaskLinearRegressor("l21", alpha=0.1, tol=1e-12), MultiTaskBayesianLinear()):
        whole = model.fit(X, Y)
        expected = whole.coef_, whole.predict(X), whole.score(X, Y)
        found = model.fit(*blocks)
        np.testing.assert_allclose(found.coef_, expected[0], atol=1e-10)
        prediction = found.predict(blocks[0])
        assert prediction.chunks == (blocks[0].chunks[0], (3,))
        np.testing.assert_allclose(prediction.compute(), expected[1], atol=1e-10)
        assert found.score(*blocks) == pytest.approx(expected[2], rel=1e-10)


def test_what_takes_several_passes(client):
    X, Y = data()
    classes = np.where(np.isnan(Y), np.nan, Y > 0)
    for model, y in (
        (MultiTaskLinear("l2", tol=1e-8), classes),
        (MultiTaskLinearRegressor("l21", tol=1e-8), Y),
        (MultiTaskLinearRegressorCV("l21", alphas=3, cv=3, tol=1e-8), Y),
    ):
        whole = clone(model).fit(X, y)
        found = clone(model).fit(da.from_array(X, chunks=(90, 5)), da.from_array(y, chunks=(90, 3)))
        assert found.alpha_ == pytest.approx(whole.alpha_, rel=1e-8)
        np.testing.assert_allclose(found.coef_, whole.coef_, atol=1e-3)


def test_the_network_goes_to_the_workers(client):
    X, Y = data()
    model = MultiTaskMLPRegressor((8,), max_iter=30, random_state=0).fit(X, Y)
    blocks = da.from_array(X, chunks=(100, 5))
    expected = np.concatenate([model.predict(X[i : i + 100]) for i in range(0, 400, 100)])
    np.testing.assert_array_equal(model.predict(blocks).compute(), expected)


def test_an_error_of_a_worker_is_raised_here(client):
    X, Y = data()
    X[250, 1] = np.nan
    with pytest.raises(ValueError, match="Block 2: Input X contains NaN"):
        MultiTaskLinearRegressor().fit(da.from_array(X, chunks=(90, 5)), Y)


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (MultiTaskLinear("l21"), {"alpha": [0.01, 0.1, 1.0]}),
        pytest.param(
            MultiTaskMLP((8,), max_iter=30, random_state=0),
            {"alpha": [1e-4, 1.0]},
            marks=pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed"),
        ),
    ],
    ids=["linear", "network"],
)
def test_a_search_finds_the_same(client, estimator, grid):
    X, Y = data(200)
    known = GridSearchCV(estimator, grid, cv=KFold(3)).fit(X, Y)
    with parallel_config(backend="dask", n_jobs=2):
        found = GridSearchCV(estimator, grid, cv=KFold(3)).fit(X, Y)
    assert found.best_params_ == known.best_params_
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(found.cv_results_[name], known.cv_results_[name])
    np.testing.assert_array_equal(found.predict(X), known.predict(X))


def test_a_stacked_search_finds_the_same(client):
    X, Y = data(200)
    grid = {"alpha": [1e-4, 1.0], "hidden_layer_sizes": [(8,), (4,)]}
    model = MultiTaskMLPRegressor(max_iter=30, random_state=0)
    known = StackedGridSearchCV(model, grid, cv=3).fit(X, Y)
    with parallel_config(backend="dask", n_jobs=2):
        found = StackedGridSearchCV(model, grid, cv=3, n_jobs=2).fit(X, Y)
    assert found.best_params_ == known.best_params_
    # Fits side by side are the same to rounding, and others are side by side in each process.
    np.testing.assert_allclose(
        found.cv_results_["mean_test_score"], known.cv_results_["mean_test_score"], rtol=1e-10
    )


def test_folds_of_a_search_of_alphas(client):
    X, Y = data(200)
    model = MultiTaskLinearCV("l21", alphas=5, cv=3)
    known = model.fit(X, Y)
    scores, alpha = known.score_path_.copy(), known.alpha_
    with parallel_config(backend="dask", n_jobs=2):
        model.fit(X, Y)
    np.testing.assert_array_equal(model.score_path_, scores)
    assert model.alpha_ == alpha
