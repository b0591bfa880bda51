"""How many threads compute at once, in processes and threads of joblib, and after a fork."""

import multiprocessing
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch
from joblib import Parallel, delayed, parallel_config
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info, threadpool_limits
from torch import nn

from skmtl import MultiTaskLassoCV, MultiTaskLinear, MultiTaskMLP
from skmtl._threads import divided_by
from skmtl.compose import IndependentTasks
from skmtl.neural.architectures import Custom
from skmtl.neural.balancing import Weighting
from tests.conftest import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = X[:, :2] + 0.1 * RNG.normal(size=(60, 2))
SMALL = {"hidden_layer_sizes": (6,), "max_iter": 2, "random_state": 0}


def blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def threads():
    return max([torch.get_num_threads(), *blas_threads()])


def threads_of_a_fit(n_threads):
    """Before, in and after a fit."""
    seen = []

    def note(gramian):
        seen.append(threads())
        return np.ones(len(gramian))

    before = threads()
    MultiTaskMLP(**SMALL, balancing=Weighting(note), n_threads=n_threads).fit(X, Y)
    return before, max(seen), threads()


def test_a_worker_never_takes_more_threads_than_it_was_given():
    asked = (None, 1, 2, 64)
    found = Parallel(n_jobs=2, backend="loky")(delayed(threads_of_a_fit)(n) for n in asked)
    for n_threads, (before, during, after) in zip(asked, found, strict=True):
        assert during <= min(before, n_threads or 1)
        assert after == before


def network(n_features, outputs_per_task):
    return nn.Sequential(
        nn.Linear(n_features, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, sum(outputs_per_task))
    )


def fitted(seed):
    options = {**SMALL, "max_iter": 30, "batch_size": 16, "random_state": seed}
    return MultiTaskMLP(**options, architecture=Custom(network)).fit(X, Y).predict(X)


def test_modules_that_draw_from_the_global_generator_take_turns():
    before = torch.get_rng_state()
    expected = [fitted(seed) for seed in range(4)]
    found = Parallel(n_jobs=4, backend="threading")(delayed(fitted)(seed) for seed in range(4))
    np.testing.assert_array_equal(found, expected)
    assert (torch.get_rng_state() == before).all()


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("estimator", [MultiTaskLinear(alpha=0.1), MultiTaskMLP(**SMALL)])
def test_row_38_nested_jobs_change_nothing(estimator, backend):
    def scores(n_jobs):
        search = GridSearchCV(
            IndependentTasks(estimator, n_jobs=n_jobs),
            {"estimator__alpha": [0.1, 1.0]},
            cv=2,
            n_jobs=n_jobs,
        )
        return search.fit(X, Y).cv_results_["mean_test_score"]

    before = threads()
    with parallel_config(backend=backend):
        found = scores(2)
    np.testing.assert_array_equal(found, scores(None))
    assert threads() == before


@pytest.mark.parametrize(("n_jobs", "expected"), [(None, 4), (1, 4), (2, 2), (3, 1), (64, 1)])
def test_threads_share_those_of_blas(n_jobs, expected):
    with threadpool_limits(4, user_api="blas"):
        before = blas_threads()
        with divided_by(n_jobs):
            assert blas_threads() == [min(n, expected) for n in before]
        assert blas_threads() == before


def test_a_search_in_threads_restores_those_of_blas():
    before = blas_threads()
    one, two = (MultiTaskLassoCV(alphas=5, cv=3, n_jobs=n_jobs).fit(X, Y) for n_jobs in (1, 2))
    assert blas_threads() == before
    np.testing.assert_array_equal(one.mse_path_, two.mse_path_)


FORK = """
import multiprocessing
import numpy as np
from skmtl import MultiTaskKernelRidge, MultiTaskLassoCV, MultiTaskLinear

rng = np.random.default_rng(0)
X = rng.normal(size=(600, 40))
Y = X[:, :3] + rng.normal(size=(600, 3))

def fit(_=None):
    models = [
        MultiTaskLinear("l21", alpha=0.1),
        MultiTaskLinear("trace_norm", alpha=0.1, tasks="binary"),
        MultiTaskLassoCV(alphas=3, cv=2),
        MultiTaskKernelRidge(),
    ]
    return [m.fit(X, (Y > 0).astype(float)).predict(X).astype(float) for m in models]

if __name__ == "__main__":
    expected = fit()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for found in pool.map(fit, range(2)):
            for one, other in zip(found, expected):
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-6)
    import numba
    try:
        print(numba.threading_layer())
    except ValueError:
        print("numba has started no threads")
"""


def test_compiled_code_stays_in_the_thread_that_calls_it():
    # Threads of numba do not survive a fork, and would come on top of those of joblib.
    files = list((ROOT / "skmtl").rglob("*.py"))
    assert len(files) > 100
    assert not [path for path in files if re.search("prange|parallel=True", path.read_text())]


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork")
def test_row_38_a_forked_child_fits_linear_models_and_kernels(tmp_path):
    script = tmp_path / "forks.py"
    script.write_text(FORK)
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "numba has started no threads", done.stderr
