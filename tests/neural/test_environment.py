"""Threads, grad mode and processes: borrowed, and given back."""

import multiprocessing
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from skmtl import MultiTaskMLP, MultiTaskMLPRegressor
from skmtl.neural import _environment
from skmtl.neural._environment import WORTH_THREADS, limited_threads
from skmtl.neural.training import _loop
from tests.conftest import ROOT
from tests.neural.conftest import PLAIN

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SMALL = {**PLAIN, "hidden_layer_sizes": (6,), "max_iter": 5, "random_state": 0}


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def _blas_threads():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_small_nets_take_one_thread_and_large_ones_what_there_is(two_threads):
    before = _blas_threads()
    for n_threads, work, expected in [
        (None, 0, 1),
        (None, WORTH_THREADS + 1, 2),
        (1, WORTH_THREADS + 1, 1),
        (8, 0, 2),
    ]:
        with limited_threads(n_threads, work):
            assert torch.get_num_threads() == expected
            assert all(n <= expected for n in _blas_threads())
        assert torch.get_num_threads() == 2
        assert _blas_threads() == before


def test_fits_side_by_side_restore_the_number_of_threads(two_threads):
    first, second = limited_threads(1), limited_threads(1)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert torch.get_num_threads() == 1
    second.__exit__(None, None, None)
    assert torch.get_num_threads() == 2


def test_a_failed_fit_restores_the_number_of_threads(two_threads, monkeypatch):
    monkeypatch.setattr("skmtl.neural.training._fit.train", lambda *a, **k: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        MultiTaskMLPRegressor(**SMALL).fit(np.eye(4), np.eye(4))
    assert torch.get_num_threads() == 2


def test_fits_in_threads_are_fits(two_threads):
    X = np.random.default_rng(0).normal(size=(50, 3))
    expected = MultiTaskMLPRegressor(**SMALL).fit(X, X).predict(X)
    found = []

    def work():
        found.append(MultiTaskMLPRegressor(**SMALL).fit(X, X).predict(X))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all((predicted == expected).all() for predicted in found)
    assert torch.get_num_threads() == 2


def test_threads_change_nothing_but_rounding(two_threads, architecture):
    X = np.random.default_rng(0).normal(size=(50, 3))
    options = {**SMALL, "hidden_layer_sizes": (6, 6), "architecture": architecture, "max_iter": 2}
    one = MultiTaskMLPRegressor(**options, n_threads=1).fit(X, X)
    two = MultiTaskMLPRegressor(**options, n_threads=2).fit(X, X)
    assert torch.get_num_threads() == 2
    np.testing.assert_allclose(two.predict(X), one.predict(X), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_threads", [0, -1, 1.5])
def test_a_number_of_threads_is_one_or_more(n_threads):
    with pytest.raises(ValueError, match="'n_threads' parameter of MultiTaskMLPRegressor must be"):
        MultiTaskMLPRegressor(**SMALL, n_threads=n_threads).fit(np.eye(4), np.eye(4))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_a_fit_learns_whatever_the_grad_mode(mode):
    X = np.random.default_rng(0).normal(size=(50, 3))
    expected = MultiTaskMLP(**SMALL).fit(X, X).partial_fit(X, X).predict(X)
    with mode():
        model = MultiTaskMLP(**SMALL).fit(X, X).partial_fit(X, X)
        assert not torch.is_grad_enabled()
    assert (model.predict(X) == expected).all()


def test_default_dtype_does_not_matter():
    X = np.random.default_rng(0).normal(size=(50, 3))
    expected = MultiTaskMLP(**SMALL).fit(X, X).predict(X)
    torch.set_default_dtype(torch.float64)
    try:
        assert (MultiTaskMLP(**SMALL).fit(X, X).predict(X) == expected).all()
    finally:
        torch.set_default_dtype(torch.float32)


FORK = """
import multiprocessing, warnings
import numpy as np, torch
from skmtl import MultiTaskMLPRegressor
from skmtl.neural.architectures import ARCHITECTURES

X = np.random.default_rng(0).normal(size=(400, 10))
OPTIONS = {"hidden_layer_sizes": (64, 64), "max_iter": 1, "random_state": 0}

def fit(n_threads):
    predicted, forked = [], []
    for architecture in ARCHITECTURES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model = MultiTaskMLPRegressor(**OPTIONS, architecture=architecture, n_threads=n_threads)
            predicted.append(model.fit(X, X).predict(X))
        forked.append(any("forked" in str(w.message) for w in caught))
    return np.array(predicted), forked

if __name__ == "__main__":
    torch.set_num_threads(2)
    a = torch.ones(2000, 2000)
    a @ a
    expected, _ = fit(1)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for n_threads in (None, 2):
            predicted, forked = pool.apply(fit, (n_threads,))
            assert (predicted == expected).all()
            assert forked == [n_threads == 2] * len(ARCHITECTURES)
    print("done")
"""


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="no fork")
def test_row_38_a_forked_child_does_not_hang(tmp_path):
    script = tmp_path / "forks.py"
    script.write_text(FORK)
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout.strip() == "done", done.stderr


def test_row_35_out_of_memory_says_what_helps(monkeypatch, architecture):
    X = np.random.default_rng(0).normal(size=(20, 3))
    options = {**SMALL, "hidden_layer_sizes": (6, 6), "architecture": architecture}
    model = MultiTaskMLPRegressor(**options).fit(X, X)
    before, predicted = dict(vars(model)), model.predict(X)
    original, epochs = _loop.run_epoch, []

    def run_epoch(*args):
        epochs.append(original(*args))
        if len(epochs) == 2:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory")
        return epochs[-1]

    monkeypatch.setattr(_loop, "run_epoch", run_epoch)
    with pytest.raises(torch.cuda.OutOfMemoryError) as raised:
        model.fit(X[:9], X[:9])
    assert "smaller batch_size (now 9)" in raised.value.__notes__[0]
    assert vars(model) == before
    assert (model.predict(X) == predicted).all()


def test_fork_state_is_of_this_process():
    assert not _environment._threads.is_forked
    assert not _environment._threads.limits
