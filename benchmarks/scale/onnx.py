"""One row predicted by an estimator and by its ONNX graph: microseconds, size, largest difference.

500 rows, 20 features, 10 tasks, half of them yes or no (scores alone for estimators of numbers).
Seconds are those of the processor, one thread; those of `predict` and of onnxruntime are taken in
turn, the best of ``--rounds`` for each.
"""

import os
import tempfile
import time
import timeit
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.common.report import Table

N_ROWS, N_FEATURES, N_TASKS, N_CALLS = 500, 20, 10, 200


def data(seed):
    """Features, labels of mixed types, and scores alone."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N_ROWS, N_FEATURES))
    scores = X @ rng.normal(size=(N_FEATURES, N_TASKS)) + rng.normal(size=(N_ROWS, N_TASKS))
    mixed = scores.copy()
    mixed[:, ::2] = scores[:, ::2] > 0
    return X, mixed, scores


def estimators():
    """Name, estimator, and whether it is for scores alone."""
    import skmtl
    from skmtl.neural.architectures import ARCHITECTURES

    few = {"max_iter": 2, "random_state": 0}
    for alias in sorted(ARCHITECTURES):
        yield f"MultiTaskMLP({alias!r})", skmtl.MultiTaskMLP((64, 64), architecture=alias, **few), 0
    members = {"cv": 2, "grid": {"alpha": [0.1, 3.0], "max_iter": [2]}, "random_state": 0}
    yield "MultiTaskMLPCV", skmtl.MultiTaskMLPCV(**members), 0
    yield "MultiTaskLinear", skmtl.MultiTaskLinear(alpha=0.01), 0
    yield "MultiTaskLasso", skmtl.MultiTaskLasso(alpha=0.01), 1
    yield "ReducedRankRegressor", skmtl.ReducedRankRegressor(), 1
    yield "MultiTaskBayesianLinear", skmtl.MultiTaskBayesianLinear(), 1
    yield "MultiTaskKernelRidge", skmtl.MultiTaskKernelRidge(alpha=0.1), 1
    yield "MultiTaskKernelRidgeCV", skmtl.MultiTaskKernelRidgeCV(), 0
    yield (
        "MultiTaskGaussianProcessRegressor",
        skmtl.MultiTaskGaussianProcessRegressor(task_covariance=1, max_iter=5),
        1,
    )
    yield "IndependentTasks", skmtl.IndependentTasks(), 0


def pipeline(X, mixed):
    """A table with numbers that are missing and text, before a network."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    from skmtl import MultiTaskMLP

    table = pd.DataFrame(X, columns=[f"x{j}" for j in range(N_FEATURES)])
    names = list(table.columns)
    table["text"] = np.where(X[:, 0] > 0, "high", "low")
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = make_column_transformer((numbers, names), (OneHotEncoder(), ["text"]))
    network = MultiTaskMLP((64, 64), max_iter=2, random_state=0)
    return make_pipeline(columns, network).fit(table, mixed), table


def microseconds(functions, rounds):
    """Of a call, by the processor, the best of some rounds for each function."""
    best = [np.inf] * len(functions)
    for _ in range(rounds):
        for k, function in enumerate(functions):
            spent = timeit.timeit(function, number=N_CALLS, timer=time.process_time)
            best[k] = min(best[k], 1e6 * spent / N_CALLS)
    return best


def measure(fitted, X, rounds, path):
    """Seconds of the export, kB, microseconds of both, and the largest difference, for a table."""
    import onnxruntime

    from skmtl.export import to_onnx
    from skmtl.export._run import inputs_of

    started = time.process_time()
    graph = to_onnx(fitted, path, X=X)
    seconds = time.process_time() - started
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options)
    one, given = X[:1], inputs_of(graph, X[:1])
    ours, theirs = microseconds(
        [lambda: fitted.predict(one), lambda: session.run(None, given)], rounds
    )
    predicted = np.asarray(fitted.predict(X), dtype=float)
    found = session.run(None, inputs_of(graph, X))[: predicted.shape[1]]
    found = np.column_stack(found).astype(float)
    apart = (np.abs(found - predicted).max(axis=0) / np.abs(predicted).max(axis=0)).max()
    size = os.path.getsize(path) / 1e3
    return (
        f"{seconds:.2f}", f"{size:.0f}", f"{ours:.0f}", f"{theirs:.0f} ({theirs / ours:.2f})",
        f"{apart:.0e}",
    )  # fmt: skip


def main(settings):
    """One line per estimator."""
    warnings.simplefilter("ignore")
    X, mixed, scores = data(settings.seed)
    columns = "estimator", "export s", "kB", "predict us", "onnxruntime us", "difference"
    table = Table("One row, by predict and by onnxruntime", columns, markdown=settings.markdown)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        for name, estimator, is_scores in estimators():
            fitted = estimator.fit(X, scores if is_scores else mixed)
            table.row(name, *measure(fitted, X, settings.rounds, path))
        fitted, rows = pipeline(X, mixed)
        table.row("Pipeline", *measure(fitted, rows, settings.rounds, path))
