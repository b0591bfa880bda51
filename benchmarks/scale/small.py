"""Small fits: one epoch of a network, a step of it, a linear fit, and one predicted row.

Data of `benchmarks.neural.problems`: 32 features, float32, two hidden layers of 128 units, batches
of 200, Adam. "plain": as scikit-learn's network is, nothing around the layers.
"""

from dataclasses import replace

import numpy as np
import torch
from sklearn.linear_model import MultiTaskElasticNet, Ridge
from sklearn.neural_network import MLPRegressor

from benchmarks.common.report import Table, cell
from benchmarks.common.timing import cpu_time, in_turns
from benchmarks.neural.problems import SETTINGS, options, wide
from benchmarks.neural.steps import microseconds
from benchmarks.scale.search import PLAIN, problem
from skmtl import (
    MultiTaskKernelRidge,
    MultiTaskKernelRidgeCV,
    MultiTaskLassoCV,
    MultiTaskLinear,
    MultiTaskLinearCV,
    MultiTaskMLPCV,
    MultiTaskMLPRegressor,
)

N_TASKS = 2, 10, 100
LINEAR_SHAPES = (100, 20, 3), (1_000, 50, 10)
N_CALLS = 50


def main(settings):
    torch.set_num_threads(1)
    _epochs(settings)
    _steps(settings)
    _linear(settings)
    _rows(settings)


def _network(setting, seed, parts):
    return MultiTaskMLPRegressor(**options(setting, seed), n_threads=1, **parts)


def _epochs(settings):
    """Whole fits of one epoch."""
    table = Table(
        "Networks, whole fits of one epoch: milliseconds (over plain)",
        ["rows, tasks", "plain", "defaults", "MLPRegressor"],
        markdown=settings.markdown,
    )
    for n_rows in (400, 4_000):
        for n_tasks in N_TASKS:
            setting = replace(SETTINGS["wide"], n_rows=n_rows, epochs=1)
            X, Y = wide(n_rows, n_tasks, settings.seed)
            _compare(
                table,
                f"{n_rows:,}, {n_tasks}",
                {
                    "plain": _network(setting, settings.seed, PLAIN),
                    "defaults": _network(setting, settings.seed, {}),
                    "MLPRegressor": MLPRegressor(**options(setting, settings.seed)),
                },
                (X, Y),
                settings,
            )


def _compare(table, label, models, data, settings):
    """Milliseconds of the fits of some models in turns; the first call is not counted."""
    for model in models.values():
        model.fit(*data)
    calls = {
        name: lambda model=model: 1e3 * cpu_time(model.fit, *data)[0]
        for name, model in models.items()
    }
    results = in_turns(calls, repeats=2 * settings.rounds + 1, limit=20.0)
    first = next(iter(results.values()))
    table.row(label, *(cell(r, None if r is first else first) for r in results.values()))


def _steps(settings):
    """A step amid a fit."""
    table = Table(
        "Networks, a step: microseconds (over plain)",
        ["tasks", "plain", "defaults", "MLPRegressor"],
        markdown=settings.markdown,
    )
    setting = replace(SETTINGS["wide"], epochs=10)
    for n_tasks in N_TASKS:
        X, Y = wide(setting.n_rows, n_tasks, settings.seed)

        def ours(parts, data=(X, Y)):
            given = {"seed": settings.seed, "limit": 20.0, **parts}
            return lambda: microseconds(setting, *data, **given)

        def theirs(data=(X, Y)):
            model = MLPRegressor(**options(setting, settings.seed))
            return 1e6 * cpu_time(model.fit, *data)[0] / setting.n_steps

        calls = {"plain": ours(PLAIN), "defaults": ours({}), "MLPRegressor": theirs}
        results = in_turns(calls, repeats=settings.rounds, limit=20.0)
        plain = results["plain"]
        others = [cell(result, plain) for result in list(results.values())[1:]]
        table.row(str(n_tasks), cell(plain), *others)


def _linear(settings):
    """Whole fits of linear models."""
    table = Table(
        "Linear models, whole fits: milliseconds (over ridge's of skmtl)",
        ["rows x features x tasks", "l2", "l21", "Ridge", "MultiTaskElasticNet"],
        markdown=settings.markdown,
    )
    for n, d, n_tasks in LINEAR_SHAPES:
        models = {
            "l2": MultiTaskLinear("l2", alpha=0.1, tasks="regression"),
            "l21": MultiTaskLinear("l21", alpha=0.1, tasks="regression"),
            "Ridge": Ridge(alpha=0.1 * n),
            "MultiTaskElasticNet": MultiTaskElasticNet(alpha=0.1, l1_ratio=1.0),
        }
        X, Y = problem(n, d, n_tasks, settings.seed)
        _compare(table, f"{n:,} x {d} x {n_tasks}", models, (X.astype(float), Y), settings)


def _rows(settings):
    """One predicted row."""
    X, Y = problem(300, 20, 5, settings.seed)
    models = [
        Ridge(),
        MultiTaskLinear(tasks="regression"),
        MultiTaskLinearCV(tasks="regression"),
        MultiTaskLassoCV(),
        MultiTaskKernelRidge(tasks="regression"),
        MultiTaskKernelRidgeCV(tasks="regression"),
        MultiTaskMLPRegressor(max_iter=5, random_state=0),
        MultiTaskMLPCV(tasks="regression", random_state=0),
    ]
    table = Table(
        "One predicted row, 20 features, 5 tasks: microseconds (over Ridge)",
        ["estimator", "time"],
        markdown=settings.markdown,
    )

    def call(model):
        def predict():
            for _ in range(N_CALLS):
                model.predict(X[:1])

        return lambda: 1e6 * cpu_time(predict)[0] / N_CALLS

    fitted = {type(model).__name__: model.fit(X.astype(float), Y) for model in models}
    X = X.astype(float)
    calls = {name: call(model) for name, model in fitted.items()}
    results = in_turns(calls, repeats=2 * settings.rounds + 1, limit=np.inf)
    for name, result in results.items():
        table.row(name, cell(result, None if name == "Ridge" else results["Ridge"]))
