"""Parkinsons, as the dissertation of Withers had it: 42 patients are 42 tasks.

The 16 measurements of the voice and the motor score of a patient. The code of the dissertation
takes the first 90 %, or the first half, of the recordings of every patient in the order of the
file for training and the others for the test, and reports the mean over patients of the mean
squared error; so here. Its features were not scaled and its models had no intercept; here
features are standardised and there is one. In order of the file, the later recordings of a
patient are predicted from earlier ones. The last column has ten rows per patient at random in
training, three draws.
"""

import numpy as np
from sklearn.model_selection import KFold

import skmtl
from benchmarks.accuracy import data, peers
from benchmarks.published import papers
from benchmarks.published.experiment import (
    Experiment,
    by_task,
    regression,
    rows_per_task,
    standardised,
)

TITLE = "Parkinsons: mean squared error"
LONG = {"task_feature": 0}
FOLDS = KFold(5, shuffle=True, random_state=0)


def voices(folder):
    """The voice of all patients, and their motor score, in the order of the file."""
    arrays = data.npz(folder, "parkinsons")
    return data.long(arrays["X"][:, 3:], arrays["Y"][:, 0], arrays["task"], limit=data.ALL_ROWS)


def first(share):
    """The first rows of every patient are the training part."""

    def read(folder):
        full = voices(folder)
        train = np.zeros(len(full.y), dtype=bool)
        for t in range(full.n_tasks):
            rows = np.flatnonzero(full.X[:, 0] == t)
            train[rows[: int(share * len(rows))]] = True
        return standardised(full, [(np.flatnonzero(train), np.flatnonzero(~train))])

    return read


def few(n):
    def read(folder):
        full = voices(folder)
        draws = (rows_per_task(full.X[:, 0], n, np.random.default_rng(seed)) for seed in range(3))
        return standardised(full, draws)

    return read


def score(test, predicted, train):
    return {"mse": np.mean([np.mean((y - p) ** 2) for y, p in by_task(test, predicted)])}


def linear(penalty, **options):
    return lambda part: skmtl.MultiTaskLinearRegressorCV(penalty, cv=FOLDS, **options, **LONG)


EXPERIMENT = Experiment(
    about=__doc__,
    sets={"90 %": first(0.9), "50 %": first(0.5), "10 rows": few(10)},
    peers={
        name: peers.LONG_FORM[name]
        for name in (
            "ridge per task",
            "one-hot ridge",
            "mixed model",
            "ExtraTrees",
            "LightGBM",
        )
    },
    ours={
        'MultiTaskLinearRegressorCV("mean_deviation")': linear("mean_deviation"),
        'MultiTaskLinearRegressorCV("squared_trace_norm")': linear("squared_trace_norm"),
        "MultiTaskLinear": lambda part: skmtl.MultiTaskLinear(**LONG),
        "MultiTaskKernelRidgeCV, 1,000 landmarks": lambda part: skmtl.MultiTaskKernelRidgeCV(
            n_landmarks=1000, **LONG
        ),
        "MultiTaskMLP": lambda part: skmtl.MultiTaskMLP(random_state=0, **LONG),
    },
    measure=regression(score),
    tables={
        TITLE: {
            "90 %, MSE": ("90 %", "mse"),
            "50 %, MSE": ("50 %", "mse"),
            "10 rows, MSE": ("10 rows", "mse"),
        }
    },
    published={TITLE: papers.PARKINSONS},
    decimals=2,
)
