"""Many tasks and many rows: seconds, and peak memory beyond the data, each in its own process."""

import json
import sys
from functools import partial

import numpy as np

from benchmarks.common.processes import in_a_process, peak_mb
from benchmarks.common.report import Table, cells
from benchmarks.common.timing import Failed, cpu_time
from benchmarks.linear.glm_long import a_fit_per_task, blocks

MODULE = "benchmarks.linear.large"
CHUNK = 100_000


def long_form(seed, n_tasks=100_000, n_rows=50, n_features=20, is_binary=False):
    """Many tasks with few rows each, the task in column 0; coefficients around a shared one."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(size=n_features)
    X, y = np.empty((n_tasks * n_rows, n_features + 1)), np.empty(n_tasks * n_rows)
    for first in range(0, n_tasks, CHUNK // n_rows):
        tasks = np.arange(first, min(first + CHUNK // n_rows, n_tasks))
        rows = slice(first * n_rows, (tasks[-1] + 1) * n_rows)
        X[rows, 0] = np.repeat(tasks, n_rows)
        X[rows, 1:] = rng.normal(size=(len(tasks) * n_rows, n_features))
        W = np.repeat(shared + 0.5 * rng.normal(size=(len(tasks), n_features)), n_rows, axis=0)
        y[rows] = (X[rows, 1:] * W).sum(axis=1)
        y[rows] += rng.logistic(size=len(W)) if is_binary else rng.normal(size=len(W))
    return X, (y > 0).astype(float) if is_binary else y


def missing_labels(seed, n_samples=1_000_000, n_features=100, n_tasks=20, share=0.3):
    """Many rows, a share of the labels missing, a tenth of the features relevant."""
    rng = np.random.default_rng(seed)
    W = np.zeros((n_features, n_tasks))
    W[::10] = rng.normal(size=W[::10].shape)
    X, Y = np.empty((n_samples, n_features)), np.empty((n_samples, n_tasks))
    for first in range(0, n_samples, CHUNK):
        rows = slice(first, min(first + CHUNK, n_samples))
        X[rows] = rng.normal(size=X[rows].shape)
        Y[rows] = X[rows] @ W + rng.normal(size=Y[rows].shape)
        Y[rows][rng.random(Y[rows].shape) < share] = np.nan
    return X, Y


def skmtl_long(X, y):
    from skmtl import MultiTaskLinearRegressor

    return MultiTaskLinearRegressor("mean_deviation", alpha=0.1, task_feature=0).fit(X, y)


def skmtl_binary(X, y):
    from skmtl import MultiTaskLinearClassifier

    return MultiTaskLinearClassifier("mean_deviation", alpha=0.1, task_feature=0).fit(X, y)


def skmtl_missing(X, Y):
    from skmtl import MultiTaskLinearRegressor

    return MultiTaskLinearRegressor("l21", alpha=0.1).fit(X, Y)


def ridges_long(X, y):
    """Scikit-learn's `Ridge`, one a task."""
    from sklearn.linear_model import Ridge

    return [Ridge(alpha=5.0).fit(rows, labels).coef_ for rows, labels in blocks(X, y)]


def lassos_missing(X, Y):
    """Scikit-learn's `Lasso`, one a task, on the rows with its label."""
    from sklearn.linear_model import Lasso

    known = ~np.isnan(Y)
    columns = zip(Y.T, known.T, strict=True)
    return [Lasso(alpha=0.1).fit(X[rows], y[rows]).coef_ for y, rows in columns]


# Title, data, smaller data to compile on, who fits.
CASES = {
    "long": (
        "100,000 tasks x 50 rows x 20 features, long form, penalty 'mean_deviation'",
        long_form,
        {"n_tasks": 40},
        {"skmtl": skmtl_long, "a Ridge a task": ridges_long},
    ),
    "binary": (
        "100,000 tasks x 50 rows x 20 features, long form, binary labels, penalty 'mean_deviation'",
        partial(long_form, is_binary=True),
        {"n_tasks": 40},
        {"skmtl": skmtl_binary, "a LogisticRegression a task": a_fit_per_task},
    ),
    "missing": (
        "1,000,000 rows x 100 features x 20 tasks, 30 % of the labels missing, penalty 'l21'",
        missing_labels,
        {"n_samples": 2000},
        {"skmtl": skmtl_missing, "a Lasso a task": lassos_missing},
    ),
}


def measure(case, who, seed):
    """Seconds, and MB: of the data, and the peak beyond them and what was loaded before."""
    _, make_data, small, fits = CASES[case]
    fits[who](*make_data(seed, **small))
    X, y = make_data(seed)
    before = peak_mb()
    seconds, _ = cpu_time(fits[who], X, y)
    return {
        "seconds": seconds,
        "data": (X.nbytes + y.nbytes) / 1e6,
        "beyond": peak_mb() - before,
    }


def large(settings):
    """Table of seconds and memory."""
    for case, (title, _, _, fits) in CASES.items():
        names = [name for name in fits if name == "skmtl" or "scikit-learn" in settings.peers]
        columns = ["data, MB", *(f"{n}, s" for n in names), *(f"{n}, MB" for n in names)]
        table = Table(title, columns, markdown=settings.markdown)
        found = {
            name: in_a_process(MODULE, case, name, settings.seed, timeout=10 * settings.limit)
            for name in names
        }
        results = {n: f if isinstance(f, Failed) else f["seconds"] for n, f in found.items()}
        memory = ["-" if isinstance(f, Failed) else f"{f['beyond']:.0f}" for f in found.values()]
        data = next((f["data"] for f in found.values() if isinstance(f, dict)), np.nan)
        table.row(f"{data:.0f}", *cells(results), *memory)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
