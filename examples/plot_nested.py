"""
What the best of many is worth
==============================

A search tries many candidates and reports how well the best of them did in cross-validation. That
number is too good: the one that comes first was also lucky. With few rows and missing labels luck
is large, and nowhere larger than in a task in which there is nothing to be found. Cross-validating
the search itself says what is true.
"""

# %%
# Three tasks, one of which is hopeless
# -------------------------------------
# Sixty rows, eight measurements, a third of the labels missing. The first task is clear, the second
# vague, and the answers of the third are coins. Because rows are drawn by a program, 4,000 more
# say what a model is really worth.

import numpy as np

TASKS = ["clear", "vague", "coins"]


def draw(n_rows, rng):
    """Rows of a study, and the answers of three tasks."""
    X = rng.normal(size=(n_rows, 8))
    odds = np.outer(X[:, 0] + X[:, 1], [3.0, 1.0, 0.0]) + rng.logistic(size=(n_rows, 3))
    return X, np.where(rng.random(odds.shape) < 0.33, np.nan, odds > 0)


# %%
# A search
# --------
# Which two measurements are enough? There are 28 pairs.
# :class:`~skmtl.model_selection.MultiTaskKFold` spreads the labels of every task over the folds.
# The winner is the best on average over the tasks; it has a score for each.

from itertools import combinations

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skmtl import MultiTaskLinearClassifier
from skmtl.model_selection import MultiTaskKFold


class Pair(TransformerMixin, BaseEstimator):
    """Two of the columns."""

    def __init__(self, columns=(0, 1)):
        self.columns = columns

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X[:, self.columns]


def balanced_accuracy(model, X, y):
    """Share of right answers, for the mean of "yes" and "no": 1/2 is what a coin has."""
    predicted = model.predict(X)
    shares = [np.nanmean(np.where(y == k, predicted == k, np.nan), axis=0) for k in (0, 1)]
    scores = dict(zip(TASKS, np.mean(shares, axis=0), strict=True))
    return {**scores, "mean": np.mean(shares)}


def make_search(seed):
    """A search, not yet begun."""
    return GridSearchCV(
        make_pipeline(Pair(), MultiTaskLinearClassifier("l2", alpha=0.1)),
        {"pair__columns": list(combinations(range(8), 2))},
        scoring=balanced_accuracy,
        refit="mean",
        cv=MultiTaskKFold(3, shuffle=True, random_state=seed),
    )


# %%
# The search around the search
# ----------------------------
# To ``cross_validate`` a search is an estimator like any other: in each of five outer folds it
# searches among the rows of the other four, and its winner is scored on rows that had no say in
# that. Eight studies, with new rows each, beside the search's own word and the truth.

import pandas as pd
from sklearn.model_selection import cross_validate

rows = []
for study in range(8):
    rng = np.random.default_rng(study)
    X, y = draw(60, rng)
    search = make_search(study).fit(X, y)
    outer = MultiTaskKFold(5, shuffle=True, random_state=study)
    nested = cross_validate(make_search(study), X, y, scoring=balanced_accuracy, cv=outer)
    truth = balanced_accuracy(search, *draw(4000, rng))
    for task in TASKS:
        own = search.cv_results_[f"mean_test_{task}"][search.best_index_]
        rows.append((task, own, nested[f"test_{task}"].mean(), truth[task]))

found = pd.DataFrame(rows, columns=["task", "the search says", "nested", "truth"])
table = found.groupby("task", sort=False).mean()
print(table.round(2).to_string())

# %%
# The search promises more than there is, and finds something even in coins. The nested scores are
# right about all three tasks, although the search around the search never saw more than the same 60
# rows. They say what the *search* is worth, winners included that differ from fold to fold; the
# model to keep is that of one search over all rows. For networks, that take longer to train,
# :class:`~skmtl.model_selection.StackedGridSearchCV` in the place of ``GridSearchCV`` trains all
# candidates side by side.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(figsize=(8, 3.4), layout="constrained")
looks = {"the search says": "#D55E00", "nested": "#0072B2", "truth": "black"}
for row, task in enumerate(TASKS):
    scores = found[found["task"] == task]
    for shift, (name, colour) in zip((-0.2, 0, 0.2), looks.items(), strict=True):
        axes.scatter(scores[name], [row + shift] * len(scores), s=8, color=colour, alpha=0.5)
        label = name if row == 0 else None
        axes.scatter(
            table.loc[task, name], row + shift, s=75, marker="D", color=colour, label=label
        )
axes.axvline(0.5, color="#8C8C8C", linestyle=":")
axes.text(0.497, 0.5, "a coin", color="#6C6C6C", rotation=90, ha="right", va="center", fontsize=9)
axes.set_yticks(range(len(TASKS)), TASKS)
axes.invert_yaxis()
axes.set_xlabel("balanced accuracy; a dot is a study, a diamond their mean")
axes.grid(axis="x", alpha=0.3)
axes.set_title("The winner's own score is too good; the nested one is right")
axes.legend(loc="lower right", frameon=False)

# %%
# Run as a script, this keeps the figure.

from pathlib import Path

path = Path("build", "nested.png")
path.parent.mkdir(exist_ok=True)
figure.savefig(path, dpi=100)
