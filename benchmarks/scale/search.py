"""Networks side by side: a stacked search beside one candidate and fold after another.

CPU seconds of one thread, in turns; medians over the rounds. Eight candidates (rates and
strengths of the decay) in five folds, 2,000 rows, 32 features, ten targets, 20 epochs, two hidden
layers; refit included.
"""

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor

from benchmarks.common.report import Table, cell
from benchmarks.common.timing import cpu_time, in_turns
from skmtl import MultiTaskMLPRegressor
from skmtl.model_selection import StackedGridSearchCV

GRID = {"alpha": [1e-4, 1e-2], "learning_rate_init": [1e-3, 3e-3, 1e-2, 3e-2]}
# As scikit-learn's network is: nothing around the layers.
PLAIN = {
    "solver": "adam",
    "learning_rate": "constant",
    "feature_scaling": None,
    "numeric_embedding": None,
    "linear_skip": False,
    "activation": "relu",
    "dropout": 0.0,
}
NETWORKS = [
    (label, settings, width, batch_size)
    for label, settings in (("plain", PLAIN), ("defaults", {}))
    for width, batch_size in ((32, 32), (64, 64))
]


def problem(n=2000, d=32, n_tasks=10, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)).astype(np.float32)
    signal = np.tanh(X @ rng.normal(size=(d, n_tasks)) / 3)
    return X, signal + 0.1 * rng.normal(size=signal.shape)


def searches(width, batch_size, settings):
    shape = {"hidden_layer_sizes": (width, width), "batch_size": batch_size}
    shape |= {"max_iter": 20, "random_state": 0}
    ours = MultiTaskMLPRegressor(**shape, **settings, n_threads=1)
    return {
        "stacked": StackedGridSearchCV(ours, GRID, cv=5),
        "one by one": GridSearchCV(ours, GRID, cv=5),
        "MLPRegressor": GridSearchCV(MLPRegressor(**shape, tol=0.0), GRID, cv=5),
    }


def main(settings):
    X, Y = problem(seed=settings.seed)
    # Imports, and what libraries prepare on first use.
    for search in searches(8, 32, PLAIN).values():
        search.set_params(cv=2).fit(X[:200], Y[:200])
    table = Table(
        "Searches, 8 candidates in 5 folds: CPU seconds (over stacked); scores apart",
        ["network of two layers", "stacked", "one by one", "MLPRegressor", "apart"],
        markdown=settings.markdown,
    )
    for label, parts, width, batch_size in NETWORKS:
        found = searches(width, batch_size, parts)
        calls = {
            name: lambda search=search: cpu_time(search.fit, X, Y)[0]
            for name, search in found.items()
        }
        results = in_turns(calls, repeats=settings.rounds, limit=np.inf)
        stacked, own = (found[name] for name in ("stacked", "one by one"))
        assert stacked.best_params_ == own.best_params_
        scores = [search.cv_results_["mean_test_score"] for search in (stacked, own)]
        ratios = [cell(r, results["stacked"]) for r in list(results.values())[1:]]
        table.row(
            f"{label} {width}, batch {batch_size}",
            cell(results["stacked"]),
            *ratios,
            f"{np.ptp(scores, axis=0).max():.1e}",
        )
