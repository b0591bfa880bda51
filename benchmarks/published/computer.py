"""Computer, as Argyriou, Evgeniou and Pontil had it: 190 persons rate the likelihood to buy 20 PCs.

The last four profiles of every person are the test and the first eight the training part, as
there (recalled), or all other sixteen. Thirteen features of -1 and 1, and a constant, which
standardising takes away: intercepts are not penalised. Root of the mean squared error of all
ratings (0 to 10). The survey had 180 persons; the file has 190.
"""

import numpy as np

import skmtl
from benchmarks.accuracy import data, peers
from benchmarks.published import papers
from benchmarks.published.experiment import Experiment, regression, standardised

TITLE = "Computer: RMSE"
LONG = {"task_feature": 0}


def setting(n_profiles):
    def read(folder):
        full = data.computer(folder, data.ALL_ROWS)
        profile = np.tile(np.arange(20), full.n_tasks)
        train, test = np.flatnonzero(profile < n_profiles), np.flatnonzero(profile >= 16)
        return standardised(full, [(train, test)])

    return read


def score(test, predicted, train):
    return {"rmse": float(np.sqrt(np.mean((test.y - predicted) ** 2)))}


def linear(penalty, **options):
    return lambda part: skmtl.MultiTaskLinearRegressorCV(penalty, **options, **LONG)


EXPERIMENT = Experiment(
    about=__doc__,
    sets={f"{n} profiles": setting(n) for n in (8, 16)},
    peers={
        name: peers.LONG_FORM[name]
        for name in (
            "ridge per task",
            "pooled ridge",
            "one-hot ridge",
            "mixed model",
            "one-hot RF",
            "LightGBM",
        )
    },
    ours={
        'MultiTaskLinearRegressorCV("mean_deviation")': linear("mean_deviation"),
        'MultiTaskLinearRegressorCV("squared_trace_norm", center=True)': linear(
            "squared_trace_norm", center=True
        ),
        "MultiTaskLinear": lambda part: skmtl.MultiTaskLinear(**LONG),
        "MultiTaskBayesianLinear": lambda part: skmtl.MultiTaskBayesianLinear(**LONG),
        "MultiTaskKernelRidgeCV": lambda part: skmtl.MultiTaskKernelRidgeCV(**LONG),
        "MultiTaskMLP": lambda part: skmtl.MultiTaskMLP(random_state=0, **LONG),
    },
    measure=regression(score),
    tables={
        TITLE: {
            "size not told": None,
            **{f"{n} profiles": (f"{n} profiles", "rmse") for n in (8, 16)},
        }
    },
    published={TITLE: papers.COMPUTER},
    decimals=3,
)
