"""School: exam scores of 15,362 pupils in 139 schools, explained by sharing between schools.

Prints the explained variance (pooled over test rows, 1 - SSE / SST, in %) of ridge fits a
school, one ridge for all, and `MultiTaskLinear("mean_deviation")`, means and standard deviations
over random splits with a given share of every school's rows in training. Penalties of all three are
chosen by 5-fold cross-validation on the training rows.

    python benchmarks/school.py --data ../shared/data/school/school.npz
"""

import argparse
import platform

import numpy as np
import sklearn
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmtl
from skmtl import IndependentTasks, MultiTaskLinear

ALPHAS = np.logspace(-1, 3, 9)
INTERCEPT_ALPHAS = (0.0, 0.1, 0.3, 1.0, 3.0, np.inf)


def explained_variance(y, predicted):
    """Pooled 1 - SSE / SST, in %."""
    return 100 * (1 - ((y - predicted) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def split(task, share, rng):
    """Mask of training rows: ``share`` of every school's, at least one."""
    train = np.zeros(len(task), dtype=bool)
    for t in np.unique(task):
        rows = rng.permutation(np.flatnonzero(task == t))
        train[rows[: max(1, round(share * len(rows)))]] = True
    return train


def searches(seed):
    """The three searches, by name."""
    cv = KFold(5, shuffle=True, random_state=seed)
    # A school may be missing from a training fold: it then gets what the others share.
    long = {"task_feature": 0, "unknown_task": "shared"}
    together = MultiTaskLinear("mean_deviation", **long)
    alone = IndependentTasks(Ridge(), tasks="regression", **long)
    return {
        "independent ridge": GridSearchCV(alone, {"regressor__alpha": ALPHAS}, cv=cv),
        "one ridge for all": GridSearchCV(
            make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": ALPHAS}, cv=cv
        ),
        "penalty='mean_deviation'": GridSearchCV(
            together, {"alpha": ALPHAS, "intercept_alpha": INTERCEPT_ALPHAS}, cv=cv
        ),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data/school/school.npz")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.75])
    arguments = parser.parse_args()
    data = np.load(arguments.data)
    # The last column is constant.
    X, y, task = data["X"][:, :-1], data["y"], data["task"]
    print(
        f"School {X.shape}, {len(np.unique(task))} tasks; skmtl {skmtl.__version__}, "
        f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}"
    )
    for share in arguments.shares:
        scores = {}
        for seed in range(arguments.splits):
            train = split(task, share, np.random.default_rng(seed))
            Z = np.column_stack([task, StandardScaler().fit(X[train]).transform(X)])
            for name, search in searches(seed).items():
                inputs = Z[:, 1:] if name == "one ridge for all" else Z
                search.fit(inputs[train], y[train])
                ev = explained_variance(y[~train], search.predict(inputs[~train]))
                scores.setdefault(name, []).append((ev, search.best_params_))
        print(f"\n{share:.0%} of the rows in training, {arguments.splits} splits")
        for name, results in scores.items():
            values = [ev for ev, _ in results]
            print(f"  {name:18} {np.mean(values):5.1f} +- {np.std(values):.1f}   {results[0][1]}")


if __name__ == "__main__":
    main()
