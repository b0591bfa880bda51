"""Calibrated probabilities and thresholds of rare tasks, beside each task by itself.

Tox21 (12 assays, 17 % of the labels missing) and yeast (14 functions). Half of the rows train;
with ``--keep`` the half of the tasks with the rarest positives have only that share of their
labels. Prints, over random splits: expected calibration error of those tasks in 15 bins of equal
width and in 10 of equal number, their log loss, and mean ROC-AUC, of

* the estimator as it is,
* scikit-learn's sigmoid (Platt) of each task by itself, on the same held-out log-odds,
* CalibratedTasks;

and the mean F1 score of all tasks by the most probable class and by ThresholdTasks.

    python benchmarks/calibration.py --data ../shared/data
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
from sklearn.base import clone
from sklearn.calibration import _SigmoidCalibration
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score, log_loss, roc_auc_score

from benchmarks.common.report import Table, versions
from skmtl import (
    CalibratedTasks,
    IndependentTasks,
    MultiTaskLinearClassifier,
    MultiTaskMLPClassifier,
    ThresholdTasks,
)
from skmtl.metrics import expected_calibration_error

MODELS = {
    "MultiTaskLinearClassifier": MultiTaskLinearClassifier("l2", alpha=1e-3),
    "MultiTaskMLPClassifier": MultiTaskMLPClassifier(random_state=0),
    "forest per task": IndependentTasks(RandomForestClassifier(50, random_state=0)),
}
COLUMNS = ["ECE rare", "ECE rare, equal number", "log loss rare", "ROC-AUC"]


class KeepsHeldOut(CalibratedTasks):
    """What was expected of held-out rows before calibration, for the peer to learn from."""

    def _hold_out(self, X, targets):
        found = super()._hold_out(X, targets)
        self.raw_ = found[0]
        return found


def read(folder, name):
    arrays = np.load(Path(folder, name, f"{name}.npz"), allow_pickle=True)
    if "X_packed" in arrays:
        X = np.unpackbits(arrays["X_packed"], axis=1)[:, : int(arrays["n_bits"])]
    else:
        X = arrays["X"]
    return X.astype(np.float32), arrays["Y"].astype(float)


def split(X, Y, seed, keep):
    """Training and test rows; the rarest tasks lose labels in training."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(X))
    train, test = rows[: len(X) // 2], rows[len(X) // 2 :]
    rare = np.argsort(np.nansum(Y, axis=0))[: Y.shape[1] // 2]
    Y_train = Y[train].copy()
    lost = rng.random((len(train), len(rare))) >= keep
    Y_train[:, rare] = np.where(lost, np.nan, Y_train[:, rare])
    return X[train], Y_train, X[test], Y[test], rare


def log_odds(p):
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def sigmoid_of_each(held_out, Y, p):
    """Platt scaling with Platt's targets, as scikit-learn has it."""
    found = []
    for t, (of_held_out, of_new) in enumerate(zip(held_out, p, strict=True)):
        known = ~np.isnan(Y[:, t]) & np.isfinite(of_held_out[:, 1])
        scale = _SigmoidCalibration().fit(log_odds(of_held_out[known, 1]), Y[known, t])
        positive = scale.predict(log_odds(of_new[:, 1]))
        found.append(np.column_stack([1 - positive, positive]))
    return found


def numbers(Y, p, rare):
    errors = [
        expected_calibration_error(Y[:, rare], [p[t] for t in rare], n_bins=n, strategy=how)
        for n, how in ((15, "uniform"), (10, "quantile"))
    ]
    known = ~np.isnan(Y)
    loss = np.mean([log_loss(Y[known[:, t], t], p[t][known[:, t]]) for t in rare])
    auc = np.mean(
        [roc_auc_score(Y[known[:, t], t], p[t][known[:, t], 1]) for t in range(Y.shape[1])]
    )
    return [*errors, loss, auc]


def mean_f1(Y, decided):
    known = ~np.isnan(Y)
    return np.mean(
        [
            f1_score(Y[known[:, t], t], decided[known[:, t], t], zero_division=0)
            for t in range(Y.shape[1])
        ]
    )


def compare(estimator, X, Y, seed, keep):
    """Numbers of every way to calibrate, and F1 scores of both ways to decide."""
    X_train, Y_train, X_test, Y_test, rare = split(X, Y, seed, keep)
    model = KeepsHeldOut(clone(estimator)).fit(X_train, Y_train)
    p = model.estimator_.predict_proba(X_test)
    ways = {
        "as it is": p,
        "sigmoid per task": sigmoid_of_each(model.raw_, Y_train, p),
        "CalibratedTasks": model.predict_proba(X_test),
    }
    decided = model.estimator_.predict(X_test)
    thresholds = ThresholdTasks(model).fit(X_train, Y_train)
    scores = [mean_f1(Y_test, d) for d in (decided, thresholds.predict(X_test))]
    return {way: numbers(Y_test, found, rare) for way, found in ways.items()}, scores


def cell(values):
    values = 100 * np.asarray(values)
    return f"{values.mean():.2f} ± {values.std(ddof=1) if len(values) > 1 else 0:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="folder with the sets")
    parser.add_argument("--sets", nargs="+", default=["tox21", "ml_yeast"])
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--keep", nargs="+", type=float, default=[1.0, 0.1])
    parser.add_argument("--splits", type=int, default=5)
    parser.add_argument("--markdown", action="store_true")
    arguments = parser.parse_args()
    print(versions(["scikit-learn"]))
    warnings.simplefilter("ignore")
    for name in arguments.sets:
        X, Y = read(arguments.data, name)
        for keep in arguments.keep:
            title = f"{name}, {keep:.0%} of the labels of rare tasks (%)"
            table = Table(title, ["estimator", "", *COLUMNS], markdown=arguments.markdown)
            f1 = {}
            for model in arguments.models:
                found = [
                    compare(MODELS[model], X, Y, seed, keep) for seed in range(arguments.splits)
                ]
                for way in found[0][0]:
                    by_split = np.array([of_split[way] for of_split, _ in found])
                    table.row(model, way, *map(cell, by_split.T))
                f1[model] = np.array([scores for _, scores in found])
            columns = ["estimator", "most probable class", "ThresholdTasks"]
            table = Table(f"{title}: mean F1 score", columns, markdown=arguments.markdown)
            for model, scores in f1.items():
                table.row(model, *map(cell, scores.T))


if __name__ == "__main__":
    main()
