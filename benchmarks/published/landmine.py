"""Landmine, as Xue, Liao, Carin and Krishnapuram had it: ROC-AUC against training rows per field.

29 fields, 14,820 places, six in a hundred with a mine. From each field some rows are drawn for
training, the others are the test; the mean over fields of ROC-AUC. Theirs were 19 of the
fields, 100 draws and curves in a figure (recalled); here all 29 fields and five draws. Numbers
of papers are those that the survey collects, whose training sizes it does not tell.
"""

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

import skmtl
from benchmarks.accuracy import data, peers
from benchmarks.published import papers
from benchmarks.published.experiment import (
    Experiment,
    by_task,
    classification,
    rows_per_task,
    standardised,
)

TITLE = "Landmine: mean ROC-AUC of the fields, %"
SIZES = 20, 40, 80, 160, 320
OPTIONS = {"task_feature": 0, "tasks": "binary"}


def setting(n):
    def read(folder):
        full = data.long_from_folder("landmine", data.ALL_ROWS)(folder)
        draws = (rows_per_task(full.X[:, 0], n, np.random.default_rng(seed)) for seed in range(5))
        return standardised(full, draws)

    return read


def score(test, p, train):
    return {"auc": 100 * np.mean([roc_auc_score(y, f) for y, f in by_task(test, p)])}


class LogisticPerTask:
    """A logistic regression per task, or the share of ones where its rows are all alike."""

    def fit(self, X, y):
        self.models_ = {}
        for t in np.unique(X[:, 0]):
            rows = X[:, 0] == t
            model = peers.Apart(lambda: LogisticRegression(max_iter=1000))
            self.models_[t] = model.fit(X[rows, 1:], y[rows, None])
        return self

    def predict_proba(self, X):
        p = np.empty(len(X))
        for t, model in self.models_.items():
            rows = X[:, 0] == t
            p[rows] = model.predict_proba(X[rows, 1:])[:, 0]
        return np.column_stack([1 - p, p])


EXPERIMENT = Experiment(
    about=__doc__,
    sets={f"{n} rows": setting(n) for n in SIZES},
    peers={"logistic per field": lambda part: LogisticPerTask(), **peers.LONG_FORM_CLASSES},
    ours={
        "MultiTaskLinear": lambda part: skmtl.MultiTaskLinear(**OPTIONS),
        "MultiTaskKernelRidgeCV": lambda part: skmtl.MultiTaskKernelRidgeCV(
            n_landmarks=1000, **OPTIONS
        ),
        "MultiTaskMLP": lambda part: skmtl.MultiTaskMLP(random_state=0, **OPTIONS),
    },
    only={"MultiTaskKernelRidgeCV": ["20 rows", "40 rows"]},
    measure=classification(score),
    tables={TITLE: {"size not told": None, **{f"{n} rows": (f"{n} rows", "auc") for n in SIZES}}},
    published={TITLE: papers.LANDMINE},
)
