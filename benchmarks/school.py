"""School: exam scores of 15,362 pupils in 139 schools, explained by sharing between schools.

Prints the explained variance (pooled over test rows, 1 - SSE / SST, in %) of ridge fits a
school, one ridge for all, and `MultiTaskLinear("mean_deviation")`, means and standard deviations
over random splits with a given share of every school's rows in training. Penalties of all three are
chosen by 5-fold cross-validation on the training rows.

``--bayes`` compares `MultiTaskBayesianLinear`, which chooses nothing by cross-validation, with
`MultiTaskLinearCV`: explained variance, CPU seconds of both (the second run of each counts), and
how many labels its 90 % intervals hold, by deciles of the number of labels of a school.

    python benchmarks/school.py --data ../shared/data/school/school.npz
    python benchmarks/school.py --data ../shared/data/school/school.npz --bayes --splits 5
"""

import argparse
import platform
import time
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skmtl
from skmtl import (
    IndependentTasks,
    MultiTaskBayesianLinear,
    MultiTaskLinear,
    MultiTaskLinearCV,
)
from skmtl.tasks import LabelWarning

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
        "independent ridge": GridSearchCV(alone, {"estimator__alpha": ALPHAS}, cv=cv),
        "one ridge for all": GridSearchCV(
            make_pipeline(StandardScaler(), Ridge()), {"ridge__alpha": ALPHAS}, cv=cv
        ),
        "penalty='mean_deviation'": GridSearchCV(
            together, {"alpha": ALPHAS, "intercept_alpha": INTERCEPT_ALPHAS}, cv=cv
        ),
    }


def timed(model, inputs, y):
    """A fitted model, and the CPU seconds of its second fit."""
    model.fit(inputs, y)
    start = time.process_time()
    model.fit(inputs, y)
    return model, time.process_time() - start


def compare_bayes(data, share, n_splits):
    """Explained variance, seconds and coverage without cross-validation, beside it."""
    X, y, task = data["X"][:, :-1], data["y"], data["task"]
    long = {"task_feature": 0, "unknown_task": "shared"}
    found, inside = [], [[] for _ in range(10)]
    for seed in range(n_splits):
        train = split(task, share, np.random.default_rng(seed))
        Z = np.column_stack([task, StandardScaler().fit(X[train]).transform(X)])
        bayes, of_bayes = timed(MultiTaskBayesianLinear(**long), Z[train], y[train])
        mean, of_mean = timed(MultiTaskLinearCV("mean_deviation", cv=5, **long), Z[train], y[train])
        values = [explained_variance(y[~train], m.predict(Z[~train])) for m in (bayes, mean)]
        found.append([*values, of_bayes, of_mean])
        low, high = bayes.predict_interval(Z[~train]).T
        counts = np.bincount(task[train].astype(int))[task[~train].astype(int)]
        of_school = np.bincount(task[train].astype(int))
        edges = np.quantile(of_school[of_school > 0], np.linspace(0.1, 0.9, 9))
        decile = np.searchsorted(edges, counts, side="left")
        is_in = (low <= y[~train]) & (y[~train] <= high)
        for k in range(10):
            inside[k].append(is_in[decile == k].mean() if (decile == k).any() else np.nan)
    ours, cv, seconds, of_cv = np.mean(found, axis=0)
    covered = 100 * np.nanmean(inside, axis=1)
    print(
        f"{share:.0%} of the rows in training, {n_splits} splits: MultiTaskBayesianLinear "
        f"{ours:.1f} in {seconds:.2f} s, MultiTaskLinearCV {cv:.1f} in {of_cv:.2f} s (ratio "
        f"{seconds / of_cv:.2f}); in 90 % intervals, by deciles of labels: {covered.round(1)}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data/school/school.npz")
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.75])
    parser.add_argument("--bayes", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", LabelWarning)
    data = np.load(arguments.data)
    # The last column is constant.
    X, y, task = data["X"][:, :-1], data["y"], data["task"]
    print(
        f"School {X.shape}, {len(np.unique(task))} tasks; skmtl {skmtl.__version__}, "
        f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}"
    )
    for share in arguments.shares:
        if arguments.bayes:
            compare_bayes(data, share, arguments.splits)
            continue
        scores: dict[str, list] = {}
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
