"""Multi-target sets of Mulan, as Spyromitros-Xioufis and others had them: relative errors.

Ten folds, shuffled; the error of a target is the root of its squared error over that of the
training mean, in %, and the set's is the mean over targets. Squared errors are summed over the
folds before they are divided (Mulan averages over folds, which differs where a fold has hardly
a label that is not zero, as in sf1: the last table). Of rf1, which they split once, there are
1,000 rows and three folds here, so that no number of theirs belongs beside it. sf1 has ten
columns of classes, one-hot here. CatBoost and `TaskStacking` run on the small sets.
"""

import numpy as np
from sklearn.ensemble import BaggingRegressor
from sklearn.model_selection import KFold
from sklearn.multioutput import MultiOutputRegressor

from benchmarks.accuracy import data, ours, peers
from benchmarks.accuracy.protocol import relative_error
from benchmarks.published import papers
from benchmarks.published.experiment import Experiment, regression, standardised

TITLE = "Multi-target sets: aRRMSE, %, errors summed over folds"
BY_FOLD = "Multi-target sets: aRRMSE, %, mean over folds"
SMALL = "slump", "edm", "sf1", "jura"
SETS = *SMALL, "enb", "atp1d", "oes97", "rf1"


def setting(name):
    limit, n_folds = (1000, 3) if name == "rf1" else (data.ALL_ROWS, 10)

    def read(folder):
        full = data.from_folder(f"mtr_{name}", limit)(folder)
        return standardised(full, KFold(n_folds, shuffle=True, random_state=0).split(full.X))

    return read


def score(test, predicted, train):
    """Squared errors per target, of the prediction and of the training mean."""
    return ((predicted - test.Y) ** 2).sum(0), ((train.Y.mean(0) - test.Y) ** 2).sum(0)


def summary(found):
    squares, constant = np.swapaxes(np.array(found), 0, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        by_fold = np.where(constant > 0, relative_error(squares, constant), np.nan)
    return {
        "pooled": relative_error(squares.sum(0), constant.sum(0)).mean(),
        "by_fold": float(np.nanmean(by_fold)),
        "splits": len(found),
    }


def single_targets(part):
    """As theirs: 100 bagged trees per target."""
    return MultiOutputRegressor(BaggingRegressor(n_estimators=100, random_state=0))


EXPERIMENT = Experiment(
    about=__doc__,
    sets={name: setting(name) for name in SETS},
    peers={
        "single targets, bagged trees": single_targets,
        **{
            name: peers.REGRESSION[name]
            for name in ("ridge", "MLP", "ExtraTrees", "RF", "LightGBM", "CatBoost")
        },
    },
    ours={
        **{
            name: ours.REGRESSION[name]
            for name in (
                "MultiTaskLinear",
                "MultiTaskKernelRidgeCV",
                "MultiTaskMLP",
                "MultiTaskMLPCV",
                "TaskStacking",
            )
        },
    },
    only={"CatBoost": SMALL, "TaskStacking": SMALL},
    measure=regression(score, summary),
    tables={
        TITLE: {name: (name, "pooled") for name in SETS},
        BY_FOLD: {name: (name, "by_fold") for name in SETS},
    },
    published={TITLE: (), BY_FOLD: papers.MULTI_TARGET},
)
