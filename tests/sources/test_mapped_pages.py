"""Pages of memory maps go back to the system once they were read, and hold the same numbers."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from skmtl import MultiTaskLassoCV, MultiTaskLinearRegressorCV
from skmtl.sources import ArraySource, _array_source, _read_source, _stored_rows

SMAPS = Path("/proc/self/smaps")
pytestmark = pytest.mark.skipif(
    not hasattr(mmap, "MADV_DONTNEED") or not SMAPS.exists(), reason="pages are not told apart"
)

N_ROWS, N_FEATURES, BLOCK = 40_000, 50, 2_000


@pytest.fixture
def path(tmp_path):
    np.save(tmp_path / "X.npy", np.random.default_rng(0).normal(size=(N_ROWS, N_FEATURES)))
    return tmp_path / "X.npy"


def resident(path):
    """Bytes of a file that count as memory of this process."""
    lines = iter(SMAPS.read_text().splitlines())
    return sum(
        1024 * int(next(line for line in lines if line.startswith("Rss:")).split()[1])
        for line in lines
        if line.endswith(str(path))
    )


def read(X):
    """Every way to read a source: what there was, and the most that was resident at a time."""
    source, rng = ArraySource(X, block_rows=BLOCK), np.random.default_rng(0)
    ways = {
        "in order": lambda: (x for x, _, _ in source),
        "features": source.read_features,
        "shuffled": lambda: (x for _, x in source.shuffled(rng)),
        "some rows": lambda: [source.take(np.arange(0, N_ROWS, 10))],
    }
    for name, way in ways.items():
        total, most = 0.0, 0
        for x in way():
            total += float(np.sum(x))
            most = max(most, resident(X.filename))
        yield name, total, most


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_block_at_a_time_is_memory(path, order):
    whole = np.load(path)
    np.save(path, np.asarray(whole, order=order))
    for name, total, most in read(np.load(path, mmap_mode="r")):
        rows = whole[::10] if name == "some rows" else whole
        np.testing.assert_allclose(total, rows.sum(), rtol=1e-10)
        if order == "C":
            # A block, and what the system maps around a page that is asked for.
            assert most <= whole.nbytes / 2
    assert resident(path) < whole.nbytes / 2


def test_private_changes_are_kept(path):
    X = np.load(path, mmap_mode="c")
    X[3] = 7.0
    for _ in read(X):
        pass
    assert (X[3] == 7.0).all()
    assert resident(path) >= X.nbytes / 2


def test_shared_changes_are_kept(path):
    X = np.load(path, mmap_mode="r+")
    X[3] = 7.0
    for _ in read(X):
        pass
    assert (X[3] == 7.0).all()
    assert (np.load(path)[3] == 7.0).all()


def test_part_of_a_map(path):
    X = np.load(path, mmap_mode="r")[1_001:5_003, ::2]
    total = sum(float(x.sum()) for x in ArraySource(X, block_rows=999).read_features())
    np.testing.assert_allclose(total, np.load(path)[1_001:5_003, ::2].sum(), rtol=1e-10)


@pytest.mark.parametrize(
    "search",
    [MultiTaskLassoCV(alphas=5), MultiTaskLinearRegressorCV("l2", alphas=5)],
    ids=["lasso", "l2"],
)
def test_searches_do_not_read_a_map_whole(path, monkeypatch, search):
    monkeypatch.setattr(_array_source, "BLOCK_BYTES", 8 * N_FEATURES * BLOCK)
    monkeypatch.setattr(_array_source, "MOST_BYTES", 8 * N_FEATURES * BLOCK)
    monkeypatch.setattr(_read_source, "MOST_BYTES", 8 * N_FEATURES * BLOCK)
    monkeypatch.setattr(_stored_rows, "MOST_BYTES", 8 * N_FEATURES * BLOCK)
    X = np.load(path, mmap_mode="r")
    Y = np.load(path)[:, :2] + np.random.default_rng(1).normal(size=(N_ROWS, 2))
    Y[::3, 1] = np.nan
    read = []
    blocks = ArraySource.__iter__
    monkeypatch.setattr(ArraySource, "__iter__", lambda self: (read.append(self), blocks(self))[1])
    found = search.fit(X, Y)
    assert read
    assert resident(path) < X.nbytes / 2
    coef, alpha, path_of_errors = found.coef_, found.alpha_, found.mse_path_
    whole = search.fit(np.load(path), Y)
    np.testing.assert_allclose(alpha, whole.alpha_, rtol=1e-9)
    np.testing.assert_allclose(path_of_errors, whole.mse_path_, rtol=1e-8)
    np.testing.assert_allclose(coef, whole.coef_, atol=1e-9)
