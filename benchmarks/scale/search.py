"""A stacked search beside one candidate and fold after another.

CPU seconds of one thread, in turns; medians over the rounds; refit included, five folds. Networks:
eight candidates (rates and strengths of the decay), 2,000 rows, 32 features, ten targets, 20
epochs, two hidden layers. Linear models: twenty alphas, ten targets.
"""

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.common.report import Table, cell
from benchmarks.common.timing import cpu_time, in_turns
from skmtl import MultiTaskLinear, MultiTaskMLPRegressor, ReducedRankRegressor
from skmtl.linear import MultiTaskLasso
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

ALPHAS = {"alpha": np.geomspace(1.0, 1e-3, 20).tolist()}
LINEAR = {
    "MultiTaskLasso": (MultiTaskLasso(), ALPHAS, None),
    "MultiTaskLinear l21": (MultiTaskLinear("l21"), ALPHAS, None),
    "l2": (MultiTaskLinear("l2"), ALPHAS, None),
    "trace_norm": (MultiTaskLinear("trace_norm"), ALPHAS, None),
    "l2, l21, center": (
        MultiTaskLinear(),
        {**ALPHAS, "penalty": ["l2", "l21"], "center": [True, False]},
        None,
    ),
    "ReducedRankRegressor": (ReducedRankRegressor(3), ALPHAS, None),
    "l21, scaled first": (
        make_pipeline(StandardScaler(), MultiTaskLinear("l21")),
        {"multitasklinear__alpha": ALPHAS["alpha"]},
        None,
    ),
    "l21, scored by MAE": (MultiTaskLinear("l21"), ALPHAS, "neg_mean_absolute_error"),
    "l21, 30 % missing": (MultiTaskLinear("l21"), ALPHAS, None),
    "l2, classes": (MultiTaskLinear("l2"), ALPHAS, None),
}
SHAPES = ((300, 20), (2_000, 100), (20_000, 100))


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
    search_networks(settings)
    search_linear(settings)


def search_networks(settings):
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


def linear_problem(label, n, d, n_tasks=10, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    Y = X @ (rng.normal(size=(d, n_tasks)) * (rng.random((d, 1)) < 0.2))
    Y += rng.normal(size=Y.shape)
    if "missing" in label:
        Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y > 0 if "classes" in label else Y


def search_linear(settings):
    table = Table(
        "Linear searches, 20 alphas in 5 folds: CPU seconds of GridSearchCV (over stacked)",
        ["ten tasks", *(f"{n:,} x {d}" for n, d in SHAPES), "scores apart"],
        markdown=settings.markdown,
    )
    for label, (model, grid, scoring) in LINEAR.items():
        row, apart = [], 0.0
        for n, d in SHAPES:
            X, Y = linear_problem(label, n, d, seed=settings.seed)
            found = {
                "stacked": StackedGridSearchCV(model, grid, scoring=scoring, cv=5),
                "one by one": GridSearchCV(model, grid, scoring=scoring, cv=5),
            }
            # What is compiled on first use.
            found["stacked"].fit(X[:200], Y[:200])
            calls = {
                name: lambda fit=search.fit, data=(X, Y): cpu_time(fit, *data)[0]
                for name, search in found.items()
            }
            results = in_turns(calls, repeats=settings.rounds, limit=np.inf)
            scores = [search.cv_results_["mean_test_score"] for search in found.values()]
            apart = max(apart, np.ptp(scores, axis=0).max())
            row.append(cell(results["one by one"], results["stacked"]))
        table.row(label, *row, f"{apart:.1e}")
