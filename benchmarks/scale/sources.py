"""Rows in memory, in mapped files and in parquet: rows a second, and the memory each takes.

2,000,000 x 100 float32, 5 tasks, 30 % of the labels missing, written block by block into a folder
that is removed afterwards (1.7 GB). Every route runs in a process of its own. Seconds are those of
its processor. Memory is the most that was its own at a time (RssAnon, looked at every 10 ms) and,
with pages of mapped files, which the system takes back when it needs them, the most that was there
(ru_maxrss), both after imports.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import numpy as np

from benchmarks.common.report import Table

N_ROWS, N_FEATURES, N_TASKS, MISSING = 2_000_000, 100, 5, 0.3
BLOCK, GROUP = 50_000, 50_000
ROUTES = ("in memory", "memory map", "parquet")
LABELS = [f"y{t}" for t in range(N_TASKS)]


def write(folder, n_rows, seed):
    """X and Y in files of numpy and in one of parquet, a block at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    W = rng.normal(size=(N_FEATURES, N_TASKS)).astype(np.float32)
    names = [f"x{j}" for j in range(N_FEATURES)] + LABELS
    schema = pa.schema([(name, pa.float32()) for name in names])
    files = [
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.float32, (n_rows, n_columns))
        for name, n_columns in (("X", N_FEATURES), ("Y", N_TASKS))
    ]
    with pq.ParquetWriter(folder / "rows.parquet", schema, compression="lz4") as writer:
        for start in range(0, n_rows, BLOCK):
            n = min(BLOCK, n_rows - start)
            X = rng.normal(3.0, 1.0, size=(n, N_FEATURES)).astype(np.float32)
            Y = X @ W + rng.normal(size=(n, N_TASKS)).astype(np.float32)
            Y[rng.random(Y.shape) < MISSING] = np.nan
            files[0][start : start + n], files[1][start : start + n] = X, Y
            columns = [pa.array(x) for x in X.T] + [pa.array(y, mask=np.isnan(y)) for y in Y.T]
            writer.write_table(pa.table(columns, schema=schema), row_group_size=GROUP)
    for file in files:
        file.flush()


def model(kind):
    from skmtl import MultiTaskLinearRegressor, MultiTaskMLPRegressor

    if kind == "linear":
        return MultiTaskLinearRegressor("l2", alpha=1e-3)
    return MultiTaskMLPRegressor((64,), max_iter=1, random_state=0)


def rows(route, folder):
    """What `fit` takes."""
    from skmtl.sources import ArraySource, ParquetSource

    if route == "parquet":
        return (ParquetSource(folder / "rows.parquet", LABELS),)
    mode = None if route == "in memory" else "r"
    X, Y = (np.load(folder / f"{name}.npy", mmap_mode=mode) for name in "XY")
    return (X, Y) if route == "in memory" else (ArraySource(X, Y),)


def memory_now():
    """Bytes of the process itself, without pages of files."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.split("RssAnon:")[1].split()[0])


class Peak(threading.Thread):
    """The most memory of the process itself while this runs."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.is_over = 0, threading.Event()

    def run(self):
        while not self.is_over.wait(0.01):
            self.most = max(self.most, memory_now())


def run(kind, route, folder):
    """In a process of its own: fit, and say what it took."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    few = rng.normal(size=(500, 4)), rng.normal(size=(500, 2))
    model(kind).fit(*few)
    before, peak = memory_now(), Peak()
    peak.start()
    data = rows(route, folder)
    start = time.process_time()
    fitted = model(kind).fit(*data)
    seconds = time.process_time() - start
    peak.is_over.set()
    found = fitted.coef_ if kind == "linear" else fitted.loss_curve_
    most = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = {"seconds": seconds, "own": peak.most - before, "all": most - before}
    print(json.dumps({**answer, "found": np.asarray(found).tolist()}))


def ask(kind, route, folder):
    command = [sys.executable, "-m", "benchmarks.scale.sources", kind, route, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def main(settings, n_rows=N_ROWS):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, n_rows, settings.seed)
        for kind in ("linear", "network, one epoch"):
            title = f"{n_rows:,} x {N_FEATURES}, {N_TASKS} tasks, {MISSING:.0%} missing: {kind}"
            last = "coefficients apart" if kind == "linear" else "loss"
            columns = ["rows", "rows/s", "seconds", "own MB", "with pages of files", last]
            table = Table(title, columns, markdown=settings.markdown)
            known = None
            for route in ROUTES:
                runs = [ask(kind, route, folder) for _ in range(settings.rounds)]
                seconds = np.median([one["seconds"] for one in runs])
                own, most = (max(one[key] for one in runs) / 1e6 for key in ("own", "all"))
                found = np.array(runs[0]["found"])
                known = found if known is None else known
                apart = np.abs(found - known).max() if kind == "linear" else np.nanmean(found)
                shown = f"{apart:.0e}" if kind == "linear" else f"{apart:.4f}"
                table.row(
                    route, f"{n_rows / seconds:,.0f}", f"{seconds:.1f}", f"{own:,.0f}",
                    f"{most:,.0f}", shown,
                )  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("kind")
    parser.add_argument("route")
    parser.add_argument("folder", type=Path)
    asked = parser.parse_args()
    run(asked.kind, asked.route, asked.folder)
