"""Figures without windows, and one display of each kind for any number of tasks."""

import numpy as np
import pytest

from skmtl.inspection import GradientConflict, TaskAffinity, TaskImportance, TransferGain
from skmtl.inspection.displays import (
    CoefficientMapDisplay,
    GradientConflictDisplay,
    IntervalCoverageDisplay,
    LabelCoverageDisplay,
    RegularizationPathDisplay,
    TaskAffinityDisplay,
    TaskCalibrationDisplay,
    TaskImportanceDisplay,
    TaskLearningCurveDisplay,
    TaskPredictionDisplay,
    TaskWeightDisplay,
    TransferGainDisplay,
)
from skmtl.inspection.displays._coverage import label_coverage
from skmtl.inspection.displays._predicted import predicted_in
from skmtl.metrics import CalibrationCurve

# A formula that matplotlib cannot parse, a name that legends leave out, and so on.
ODD_NAMES = [
    r"$\nonsense{$",
    "_hidden",
    "<script>",
    "",
    "two\nlines",
    3.0,
    ("a", 1),
    r"back\slash $",
    "100 % {x} ^_",
]


@pytest.fixture(autouse=True)
def pyplot():
    """Pyplot without windows; figures are closed, and the settings must be as before."""
    matplotlib = pytest.importorskip("matplotlib")
    import matplotlib.pyplot as plt

    backend = matplotlib.get_backend()
    plt.switch_backend("agg")
    settings = matplotlib.rcParams.copy()
    missing = matplotlib.colormaps["RdBu"](np.nan)
    yield plt
    plt.close("all")
    assert matplotlib.rcParams == settings
    assert matplotlib.colormaps["RdBu"](np.nan) == missing
    plt.switch_backend(backend)


def make_gain(n_tasks=3, names=None, seed=0):
    rng = np.random.default_rng(seed)
    folds = rng.normal(0.05, 0.2, size=(5, n_tasks))
    gain = folds.mean(axis=0)
    half = rng.gamma(2.0, 0.05, n_tasks)
    return TransferGain(
        list(range(n_tasks)) if names is None else names,
        gain,
        np.column_stack([gain - half, gain + half]),
        folds,
        1 - folds,
        np.ones_like(folds),
        np.full(n_tasks, 50),
        0.95,
    )


def make_cosines(n_tasks, n_groups=3, seed=0):
    """Symmetric similarities (n_tasks, n_tasks), high within groups ``t % n_groups``."""
    rng = np.random.default_rng(seed)
    group = np.arange(n_tasks) % n_groups
    noise = 0.1 * rng.normal(size=(n_tasks, n_tasks))
    cosine = np.where(group[:, None] == group, 0.6, -0.2) + (noise + noise.T) / 2
    np.fill_diagonal(cosine, 1.0)
    return cosine


def make_affinity(n_tasks=6, names=None, method="coef_cosine"):
    names = list(range(n_tasks)) if names is None else names
    return TaskAffinity(names, make_cosines(n_tasks), method)


def make_conflict(n_tasks=6, names=None, n_epochs=4):
    rng = np.random.default_rng(1)
    cosine = make_cosines(n_tasks) + 0.3 * rng.normal(size=(n_epochs, n_tasks, n_tasks))
    names = list(range(n_tasks)) if names is None else names
    return GradientConflict(names, np.arange(1, n_epochs + 1), (cosine + cosine.swapaxes(1, 2)) / 2)


def make_losses(n_tasks=3, n_epochs=20, seed=0):
    rng = np.random.default_rng(seed)
    epochs = np.arange(n_epochs)[:, None]
    rate, floor = rng.uniform(0.05, 0.3, n_tasks), rng.uniform(0.2, 0.8, n_tasks)
    return 10 ** rng.uniform(-2, 2, n_tasks) * (floor + (1 - floor) * np.exp(-rate * epochs))


def make_labels(n_tasks=3, n_rows=200, missing=0.3, seed=0):
    """Labels with gaps: numbers, two and three classes in turn."""
    rng = np.random.default_rng(seed)
    y = rng.normal(size=(n_rows, n_tasks))
    y[:, 1::3] = y[:, 1::3] > 0.5
    y[rng.random(y.shape) < missing] = np.nan
    return y


def make_predicted(n_tasks=3, names=None):
    import pandas as pd

    rng = np.random.default_rng(0)
    y = make_labels(n_tasks)
    predictions = [rng.random(len(y)) for _ in range(n_tasks)]
    names = list(range(n_tasks)) if names is None else names
    return predicted_in(pd.DataFrame(dict(zip(names, y.T, strict=True))), predictions)


def make_coverage(n_tasks=3, names=None):
    import pandas as pd

    names = list(range(n_tasks)) if names is None else names
    return label_coverage(pd.DataFrame(dict(zip(names, make_labels(n_tasks).T, strict=True))))


def make_coef(n_tasks, n_features=12):
    coef = np.random.default_rng(0).normal(size=(n_tasks, n_features))
    coef[:, ::4] = 0.0
    return coef


def make_importance(n_tasks=3, names=None, n_features=5, n_repeats=5, seed=0):
    rng = np.random.default_rng(seed)
    worth = np.maximum(rng.normal(0.02, 0.1, size=(n_features, n_tasks)), 0)
    repeats = worth + 0.01 * rng.normal(size=(n_repeats, n_features, n_tasks))
    half = np.full_like(worth, 0.01)
    return TaskImportance(
        list(range(n_tasks)) if names is None else names,
        [f"feature {j}" for j in range(n_features)],
        repeats.mean(axis=0),
        np.stack([repeats.mean(axis=0) - half, repeats.mean(axis=0) + half], axis=-1),
        repeats,
        np.full(n_tasks, 0.8),
        np.full(n_tasks, 50),
        0.95,
    )


# Each takes the number of tasks and their names.
def make_calibration(n_tasks, seed=0):
    rng = np.random.default_rng(seed)
    predicted = np.sort(rng.random((n_tasks, 10)))
    return [CalibrationCurve(p, rng.binomial(50, p) / 50, np.full(10, 50.0)) for p in predicted]


DISPLAYS = {
    "gain": lambda n, names=None: TransferGainDisplay(make_gain(n, names)),
    "affinity": lambda n, names=None: TaskAffinityDisplay(make_affinity(n, names)),
    "importance": lambda n, names=None: TaskImportanceDisplay(make_importance(n, names)),
    "conflict": lambda n, names=None: GradientConflictDisplay(make_conflict(n, names)),
    "curve": lambda n, names=None: TaskLearningCurveDisplay(
        make_losses(n), validation_loss=1.1 * make_losses(n), task_names=names, best_epoch=3
    ),
    "weight": lambda n, names=None: TaskWeightDisplay(make_losses(n), task_names=names),
    "coef": lambda n, names=None: CoefficientMapDisplay(make_coef(n), output_names=names),
    "path": lambda n, names=None: RegularizationPathDisplay(
        np.geomspace(1.0, 0.1, 20),
        make_losses(n)[::-1],
        alpha=0.5,
        scores=np.outer(np.arange(20.0), [1.0, 2.0]),
        feature_names=names,
    ),
    "coverage": lambda n, names=None: LabelCoverageDisplay(make_coverage(n, names)),
    "interval": lambda n, names=None: IntervalCoverageDisplay(
        1.0 - 0.2 * np.random.default_rng(0).random(n), np.full(n, 50), task_names=names
    ),
    "calibration": lambda n, names=None: TaskCalibrationDisplay(
        make_calibration(n), task_names=names
    ),
    "prediction": lambda n, names=None: TaskPredictionDisplay(make_predicted(n, names)),
}
