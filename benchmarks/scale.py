"""Searches and small fits: networks side by side, and what a user waits for.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 python -m benchmarks.scale

CPU seconds of one thread, in turns; medians over the rounds. Eight candidates (rates and
strengths of the decay) in five folds, 2,000 rows, 32 features, ten targets, 20 epochs, two hidden
layers; refit included.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPRegressor

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


def problem(n=2000, d=32, n_tasks=10):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, d)).astype(np.float32)
    signal = np.tanh(X @ rng.normal(size=(d, n_tasks)) / 3)
    return X, signal + 0.1 * rng.normal(size=signal.shape)


def searches(width, batch_size, settings):
    shape = {"hidden_layer_sizes": (width, width), "batch_size": batch_size}
    shape |= {"max_iter": 20, "random_state": 0}
    ours = MultiTaskMLPRegressor(**shape, **settings, n_threads=1)
    return {
        "StackedGridSearchCV": StackedGridSearchCV(ours, GRID, cv=5),
        "GridSearchCV": GridSearchCV(ours, GRID, cv=5),
        "GridSearchCV(MLPRegressor)": GridSearchCV(MLPRegressor(**shape, tol=0.0), GRID, cv=5),
    }


def compare(width, batch_size, settings, rounds):
    """Seconds of each search, and how far the scores of the first two are apart."""
    X, Y = problem()
    seconds = {}
    for _ in range(rounds):
        found = searches(width, batch_size, settings)
        for name, search in found.items():
            start = time.process_time()
            search.fit(X, Y)
            seconds.setdefault(name, []).append(time.process_time() - start)
    stacked, own = (found[name] for name in ("StackedGridSearchCV", "GridSearchCV"))
    scores = [search.cv_results_["mean_test_score"] for search in (stacked, own)]
    assert stacked.best_params_ == own.best_params_
    return {name: np.median(values) for name, values in seconds.items()}, np.ptp(scores, axis=0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    warnings.simplefilter("ignore")
    X, Y = problem(200)
    for search in searches(8, 32, PLAIN).values():
        search.set_params(cv=2).fit(X, Y)
    for label, settings in (("plain", PLAIN), ("defaults", {})):
        for width, batch_size in ((32, 32), (64, 64)):
            seconds, apart = compare(width, batch_size, settings, rounds)
            stacked, *others = seconds.values()
            ratios = ", ".join(f"{other / stacked:.1f}" for other in others)
            print(
                f"{label} width {width} batch {batch_size}: {stacked:.2f} s, {ratios} times "
                f"(own, scikit-learn), scores apart {apart.max():.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
