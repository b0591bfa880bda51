"""What is explained of new rows, by the share of missing labels and what is done about them."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV

from skmtl import MultiTaskLinearRegressor
from skmtl.datasets import make_multitask_regression

SHARES = np.array([0.0, 0.2, 0.4, 0.6, 0.8])


def scores(share, seed):
    """R2 of complete rows only, of gaps filled with means, and of all labels there are."""
    X, Y = make_multitask_regression(
        600, 10, n_tasks=5, relatedness=0.8, noise=1.0, random_state=seed
    )
    rng = np.random.default_rng(seed)
    X_test, Y_test, X, Y = X[150:], Y[150:], X[:150], Y[:150]
    gaps = np.where(rng.random(Y.shape) < share, np.nan, Y)
    complete = ~np.isnan(gaps).any(axis=1)
    filled = np.where(np.isnan(gaps), np.nanmean(gaps, axis=0), gaps)
    ridge = RidgeCV(np.logspace(-2, 3, 12))
    kept = np.nan
    if complete.sum() > 2:
        kept = ridge.fit(X[complete], Y[complete]).score(X_test, Y_test)
    return [
        kept,
        ridge.fit(X, filled).score(X_test, Y_test),
        MultiTaskLinearRegressor("mean_deviation").fit(X, gaps).score(X_test, Y_test),
    ]


found = np.array([[scores(share, seed) for share in SHARES] for seed in range(5)]).mean(axis=0)
_, ax = plt.subplots(figsize=(5.6, 3.4), layout="constrained")
names = [
    "rows without all labels dropped",
    "gaps filled with means",
    "skmtl: labels that are there",
]
for curve, name, color in zip(found.T, names, ["#a35e00", "#0069a8", "#00765a"], strict=True):
    ax.plot(100 * SHARES, curve, marker="o", color=color, label=name)
ax.set_xlabel("labels missing in %")
ax.set_ylabel("R2 on new rows")
ax.set_ylim(0, 0.62)
ax.legend(frameon=False, loc="upper right")
