"""Dask with one and two workers against rows in memory.

2,000,000 x 100 float32 in a file, 5 tasks, 30 % of the labels missing. Workers map the file and
sum up blocks of it; in memory it is `fit` of arrays that have been read. Seconds on the clock, and
of the processors in all processes together: where others use the machine, only these compare.
"""

import tempfile
import time
from functools import partial
from pathlib import Path

import dask.array as da
import numpy as np
from dask import config, delayed
from distributed import Client, LocalCluster

from benchmarks.common.report import Table
from skmtl import MultiTaskLinearRegressor

N_ROWS, N_FEATURES, N_TASKS, MISSING = 2_000_000, 100, 5, 0.3
BLOCK = 50_000
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def model():
    return MultiTaskLinearRegressor("l21", alpha=0.01, tol=1e-10)


def write(folder, seed):
    """Files of X and Y, a block at a time."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(N_FEATURES, N_TASKS)).astype(np.float32)
    W[N_FEATURES // 2 :] = 0.0
    files = [
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (N_ROWS, n_columns))
        for name, n_columns in (("X", N_FEATURES), ("Y", N_TASKS))
    ]
    for start in range(0, N_ROWS, BLOCK):
        X = rng.normal(3.0, 1.0, size=(BLOCK, N_FEATURES)).astype(np.float32)
        Y = X @ W + rng.normal(size=(BLOCK, N_TASKS)).astype(np.float32)
        Y[rng.random(Y.shape) < MISSING] = np.nan
        files[0][start : start + BLOCK], files[1][start : start + BLOCK] = X, Y
    for file in files:
        file.flush()


def read(path, start):
    """A block of a file, mapped where it is asked for."""
    return np.asarray(np.load(path, mmap_mode="r")[start : start + BLOCK])


def blocks(path, n_columns):
    """The file as a dask array, whose blocks workers read."""
    parts = [
        da.from_delayed(delayed(read)(path, start), (BLOCK, n_columns), np.float32)
        for start in range(0, N_ROWS, BLOCK)
    ]
    return da.concatenate(parts)


def in_memory(folder):
    """Coefficients, seconds on the clock, of the processor."""
    X, Y = np.load(folder / "X.npy"), np.load(folder / "Y.npy")
    start, used = time.perf_counter(), time.process_time()
    coef = model().fit(X, Y).coef_
    return coef, time.perf_counter() - start, time.process_time() - used


def on_cluster(client, folder):
    """The same, of all processes together."""
    X, Y = blocks(folder / "X.npy", N_FEATURES), blocks(folder / "Y.npy", N_TASKS)
    seconds = partial(client.run, time.process_time)
    before, start, used = sum(seconds().values()), time.perf_counter(), time.process_time()
    coef = model().fit(X, Y).coef_
    clock, here = time.perf_counter() - start, time.process_time() - used
    return coef, clock, here + sum(seconds().values()) - before


def main(settings):
    found = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, settings.seed)
        for _ in range(settings.rounds):
            found.setdefault("in memory", []).append(in_memory(folder))
            for n_workers in (1, 2):
                with (
                    config.set({"distributed.nanny.pre-spawn-environ": ONE_THREAD}),
                    LocalCluster(
                        n_workers=n_workers, threads_per_worker=1, dashboard_address=":0"
                    ) as cluster,
                    Client(cluster) as client,
                ):
                    on_cluster(client, folder)  # imports, once in each worker
                    run = on_cluster(client, folder)
                    found.setdefault(f"dask, workers: {n_workers}", []).append(run)
    known = found["in memory"][0][0]
    columns = ["rows are", "on the clock", "of processors", "coefficients apart"]
    title = f"{N_ROWS:,} x {N_FEATURES}, {N_TASKS} tasks, {MISSING:.0%} missing: seconds"
    table = Table(title, columns, markdown=settings.markdown)
    for name, runs in found.items():
        clock, used = (np.median([run[k] for run in runs]) for k in (1, 2))
        apart = max(np.abs(coef - known).max() for coef, *_ in runs)
        table.row(name, f"{clock:.1f}", f"{used:.1f}", f"{apart:.0e}")
