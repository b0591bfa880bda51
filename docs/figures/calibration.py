"""Predicted and observed share of a class, before and after calibration."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.naive_bayes import GaussianNB

from skmtl import CalibratedTasks, IndependentTasks
from skmtl.metrics import task_calibration_curve

rng = np.random.default_rng(0)
signal = rng.normal(size=(3000, 1))
X = signal + 0.1 * rng.normal(size=(3000, 5))
Y = signal + rng.logistic(size=(3000, 1)) > 0
train, test = slice(1000), slice(1000, None)

figure, ax = plt.subplots(figsize=(4.4, 3.8), layout="constrained")
ax.plot([0, 1], [0, 1], color="gray", linestyle="--")
models = {
    "naive Bayes": (IndependentTasks(classifier=GaussianNB()), "#a35e00"),
    "the same in CalibratedTasks": (CalibratedTasks(GaussianNB()), "#00765a"),
}
for name, (model, color) in models.items():
    probability = model.fit(X[train], Y[train]).predict_proba(X[test])
    curve = task_calibration_curve(Y[test], probability, n_bins=10)["0"]
    ax.plot(curve.predicted, curve.observed, marker="o", color=color, label=name)
ax.set_xlabel("predicted probability")
ax.set_ylabel("observed share")
ax.legend(frameon=False)
