"""What whole fits cost as rows, features and tasks grow: CPU seconds, and the exponents.

The exponent is the slope of log seconds over log size, from the three largest sizes: 1 where twice
as much takes twice as long. In long form every task has 20 rows.
"""

import numpy as np
import torch

from benchmarks.common.report import Table, cell
from benchmarks.common.timing import cpu_time
from skmtl import MultiTaskLinear, MultiTaskLinearCV, MultiTaskMLPRegressor

LAST = 3
WIDE = {
    "rows": (1_000, 4_000, 16_000, 64_000),
    "features": (25, 50, 100, 200),
    "tasks": (10, 30, 100, 300),
}
BASE = {"rows": 4_000, "features": 50, "tasks": 10}
LONG_TASKS, ROWS_OF_A_TASK = (10, 100, 1_000, 10_000), 20
# Networks have as many epochs whatever the size.
NETWORK = {"max_iter": 5, "batch_size": 200, "random_state": 0, "n_threads": 1}


def wide_models():
    return {
        "l21": MultiTaskLinear("l21", alpha=0.05, tasks="regression"),
        "trace_norm": MultiTaskLinear("trace_norm", alpha=0.05, tasks="regression"),
        "LinearCV": MultiTaskLinearCV(tasks="regression", alphas=10, cv=3),
        "network": MultiTaskMLPRegressor(**NETWORK),
    }


def long_models():
    form = {"task_feature": 0}
    return {
        "mean_deviation": MultiTaskLinear("mean_deviation", alpha=0.1, tasks="regression", **form),
        "l2": MultiTaskLinear("l2", alpha=0.1, tasks="regression", **form),
        "network": MultiTaskMLPRegressor(**NETWORK, **form),
    }


def wide(rows, features, tasks, seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features))
    W = rng.normal(size=(features, 5)) @ rng.normal(size=(5, tasks)) / 5
    return X, X @ W + rng.normal(size=(rows, tasks))


def long(tasks, seed, features=20):
    rng = np.random.default_rng(seed)
    n_rows = tasks * ROWS_OF_A_TASK
    index, X = np.repeat(np.arange(tasks), ROWS_OF_A_TASK), rng.normal(size=(n_rows, features))
    coef = rng.normal(size=features) + 0.3 * rng.normal(size=(tasks, features))
    y = (X * coef[index]).sum(axis=1) + rng.normal(size=n_rows)
    return np.column_stack([index, X]), y


def main(settings):
    torch.set_num_threads(1)
    for what, sizes in WIDE.items():
        data = [wide(**BASE | {what: size}, seed=settings.seed) for size in sizes]
        others = ", ".join(f"{BASE[name]:,} {name}" for name in BASE if name != what)
        _table(f"{what}, {others}", sizes, wide_models(), data, settings)
    data = [long(tasks, settings.seed) for tasks in LONG_TASKS]
    _table("tasks in long form, 20 features", LONG_TASKS, long_models(), data, settings)


def _table(what, sizes, models, data, settings):
    table = Table(
        f"Cost against {what}: CPU seconds, exponent",
        ["estimator", *(f"{size:,}" for size in sizes), "exponent"],
        markdown=settings.markdown,
    )
    for name, model in models.items():
        model.fit(*data[0])
        seconds = [
            np.median([cpu_time(model.fit, *some)[0] for _ in range(settings.rounds)])
            for some in data
        ]
        logs = np.log(sizes[-LAST:]), np.log(seconds[-LAST:])
        exponent = np.polyfit(*logs, 1)[0]
        table.row(name, *map(cell, seconds), f"{exponent:.2f}")
