"""Networks on an accelerator beside the CPU: whether they are the same, what a step takes, memory.

    python -m benchmarks.gpu --device cuda

It prints two tables, and ends with status 1 where a check fails. On one H200 or the like it is done
within ten minutes; ``--device cpu --tiny`` tries the script itself. For several GPUs see docs,
"Several processes".
"""

from __future__ import annotations

import argparse
import pickle
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

import skmtl
from benchmarks.common.report import Table
from skmtl import MultiTaskMLP, MultiTaskMLPCV
from skmtl.model_selection import StackedGridSearchCV
from skmtl.neural.architectures import ARCHITECTURES
from skmtl.neural.balancing import BALANCING

CLOSE = 1e-6
"""Largest difference in float64 that is rounding, in standard deviations of a task."""


def main(arguments: list[str] | None = None) -> int:
    """Print both tables; how much of them failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--tiny", action="store_true", help="sizes for trying the script")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args(arguments)
    warnings.simplefilter("ignore")
    print(f"skmtl {skmtl.__version__}, torch {torch.__version__}, {_name(given.device)}\n")
    parts = checks, steps
    return sum(part(given.device, tiny=given.tiny, markdown=given.markdown) for part in parts)


def data(n_rows: int, n_features: int, n_tasks: int, dtype: str) -> tuple[Any, Any]:
    """Functions of a few features with noise; every other task is a class, a third is missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, n_features))
    Y = np.sin(X[:, :4] @ rng.normal(size=(4, n_tasks))) + 0.3 * rng.normal(size=(n_rows, n_tasks))
    Y[:, ::2] = Y[:, ::2] > 0
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X.astype(dtype), Y


def checks(device: str, *, tiny: bool, markdown: bool) -> int:
    """What is learnt on the device is what is learnt on the CPU; how many times it is not."""
    X, Y = data(60 if tiny else 2_000, 10, 6, "float64")
    table = Table("The same as on the CPU", ["what", "difference", ""], markdown=markdown)
    n_failed = 0
    for name, check in CHECKS.items():
        try:
            difference = check(device, X, Y, 1 if tiny else 5)
            is_good, said = difference <= CLOSE, f"{difference:.0e}"
        except Exception as error:
            is_good, said = False, f"{type(error).__name__}: {error}"
        n_failed += not is_good
        table.row(name, said, "good" if is_good else "FAILED")
    return n_failed


def network(device: str, max_iter: int, **options: Any) -> Any:
    """A network of 6 tasks, not fitted."""
    options = {"hidden_layer_sizes": (32, 32), "dropout": 0.2, "batch_size": 128, **options}
    tasks = ["binary", "regression"] * 3
    return MultiTaskMLP(tasks=tasks, max_iter=max_iter, random_state=0, device=device, **options)


def fitted_twice(**options: Any) -> Callable[..., float]:
    """A check: both predict alike."""

    def check(device: str, X: Any, Y: Any, max_iter: int) -> float:
        here, there = (network(where, max_iter, **options).fit(X, Y) for where in ("cpu", device))
        return _apart(here.predict(X), there.predict(X))

    return check


def streamed(device: str, X: Any, Y: Any, max_iter: int) -> float:
    """In two chunks."""
    models = [network(where, max_iter) for where in ("cpu", device)]
    for model in models:
        for rows in np.array_split(np.arange(len(X)), 2):
            model.partial_fit(X[rows], Y[rows])
    return _apart(*(model.predict(X) for model in models))


def long_form(device: str, X: Any, Y: Any, max_iter: int) -> float:
    """A row per label."""
    X = np.column_stack([X, np.arange(len(X)) % 6])
    models = [
        MultiTaskMLP((16,), task_feature=10, max_iter=max_iter, random_state=0, device=where)
        for where in ("cpu", device)
    ]
    return _apart(*(model.fit(X, X[:, 0]).predict(X) for model in models))


def pickled(device: str, X: Any, Y: Any, max_iter: int) -> float:
    """To the CPU, and back."""
    model = network(device, max_iter).fit(X, Y)
    expected = model.predict(X)
    there = pickle.loads(pickle.dumps(model)).set_params(device="cpu")
    back = pickle.loads(pickle.dumps(there)).set_params(device=device)
    return max(_apart(expected, there.predict(X)), _apart(expected, back.predict(X)))


def saved(device: str, X: Any, Y: Any, max_iter: int) -> float:
    """In a file without code."""
    from skmtl.persistence import load, save

    model = network(device, max_iter).fit(X, Y)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.skmtl"
        save(model, path)
        return _apart(model.predict(X), load(path).set_params(device="cpu").predict(X))


def searched(device: str, X: Any, Y: Any, max_iter: int) -> float:
    """Candidates and folds side by side; infinite where another candidate is best."""
    grid = {"learning_rate_init": [1e-3, 1e-2], "alpha": [0.0, 1.0]}
    here, there = (
        StackedGridSearchCV(network(where, max_iter), grid, cv=3).fit(X, Y)
        for where in ("cpu", device)
    )
    if here.best_params_ != there.best_params_:
        return np.inf
    scores = [search.cv_results_["mean_test_score"] for search in (here, there)]
    return float(np.abs(scores[0] - scores[1]).max())


def blended(device: str, X: Any, Y: Any, max_iter: int) -> float:
    """`MultiTaskMLPCV`, which computes in float32: a thousandth of what rounding is here."""
    grid = {"max_iter": [max_iter], "dropout": [0.0, 0.2]}
    here, there = (
        MultiTaskMLPCV(grid, cv=2, tasks=["binary", "regression"] * 3, random_state=0, device=where)
        .fit(X, Y)
        .score(X, Y)
        for where in ("cpu", device)
    )
    return 1e-3 * abs(here - there)


CHECKS: dict[str, Callable[..., float]] = {
    **{f"architecture {n}": fitted_twice(architecture=n) for n in ARCHITECTURES if n != "custom"},
    **{f"balancing {n}": fitted_twice(balancing=n) for n in BALANCING},
    "early stopping": fitted_twice(early_stopping=True),
    "batch normalisation": fitted_twice(normalization="batch"),
    "trained embeddings": fitted_twice(numeric_embedding="periodic"),
    "partial_fit": streamed,
    "long form": long_form,
    "pickle": pickled,
    "skmtl.persistence": saved,
    "StackedGridSearchCV": searched,
    "MultiTaskMLPCV": blended,
}


def steps(device: str, *, tiny: bool, markdown: bool) -> int:
    """What a step takes, and the memory of a fit, where the trunk is wide; how many failed."""
    n_tasks, width = (4, 8) if tiny else (100, 512)
    n_threads = 1 if tiny else min(16, torch.get_num_threads())
    table = Table(
        f"Milliseconds of a step: {n_tasks} tasks, trunk ({width}, {width}), float32, "
        f"{n_threads} threads of the CPU",
        ["what", "rows", "CPU", device, "ratio", "peak MB"],
        markdown=markdown,
    )
    surgery = BALANCING["pcgrad"](conflict_space="representation")
    cases: dict[str, dict[str, Any]] = {
        "hard sharing": {},
        "bfloat16": {"precision": "bfloat16"},
        "PCGrad of what heads read": {"balancing": surgery},
        "MMoE": {"architecture": "mmoe"},
    }
    n_failed = 0
    for batch_size in (16,) if tiny else (256, 4096):
        X, Y = data(8 * batch_size, 20 if tiny else 200, n_tasks, "float32")
        for name, options in cases.items():
            options = {**options, "hidden_layer_sizes": (width, width), "batch_size": batch_size}
            try:
                here, there = (
                    step_time(X, Y, device=where, n_threads=n_threads, **options)
                    for where in ("cpu", device)
                )
            except Exception as error:
                # Others may fit where this one has no memory left.
                n_failed += 1
                table.row(name, str(batch_size), f"{type(error).__name__}: {error}", *"---")
                continue
            peak = _peak_mb(device)
            cells = f"{here:.2f}", f"{there:.2f}", f"{here / there:.1f}", f"{peak:.0f}"
            table.row(name, str(batch_size), *cells)
    return n_failed


def step_time(X: Any, Y: Any, *, device: str, **options: Any) -> float:
    """Milliseconds: of two fits with a few and with more epochs of 8 steps, the difference."""
    if device.startswith("cuda"):
        torch.cuda.reset_peak_memory_stats(device)
    seconds = []
    fewest, most = 1, 4
    for max_iter in (fewest, fewest, most):
        start = time.perf_counter()
        tasks = ["binary", "regression"] * (Y.shape[1] // 2)
        options = {**options, "max_iter": max_iter, "alpha": 0.1, "random_state": 0}
        MultiTaskMLP(tasks=tasks, device=device, **options).fit(X, Y)
        seconds.append(time.perf_counter() - start)
    return max(1e3 * (seconds[2] - seconds[1]) / (8 * (most - fewest)), 1e-3)


def _apart(one: Any, other: Any) -> float:
    """Largest difference, in standard deviations of a task."""
    spread = np.std(one, axis=0)
    return float((np.abs(one - other) / np.where(spread > 0, spread, 1.0)).max())


def _peak_mb(device: str) -> float:
    return torch.cuda.max_memory_allocated(device) / 2**20 if device.startswith("cuda") else np.nan


def _name(device: str) -> str:
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


if __name__ == "__main__":
    sys.exit(main())
