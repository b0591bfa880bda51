"""
Which label next?
=================

Labels cost money, and some tasks cost more than others. A model that knows how sure it is can say
before a label is bought what it would tell: :func:`~skmtl.uncertainty.label_value`.
"""

# %%
# A cheap task and a dear one
# ---------------------------
# Two soil values along a path: the first costs 1 and is noisy, the second costs 5. They rise and
# fall together. Six labels of the first and two of the second are there.

import numpy as np

rng = np.random.default_rng(1)
X = np.linspace(0, 10, 101).reshape(-1, 1)
curve = np.sin(X[:, 0]) + 0.3 * X[:, 0]
truth = np.column_stack([curve, 2 * curve + np.cos(X[:, 0] / 2)])
labels = truth + rng.normal(size=truth.shape) * [0.4, 0.1]
Y = np.full_like(labels, np.nan)
Y[[5, 15, 25, 35, 45, 55], 0] = labels[[5, 15, 25, 35, 45, 55], 0]
Y[[10, 40], 1] = labels[[10, 40], 1]

# %%
# Buying for 20
# -------------
# Each time the label that makes all predictions surest for its price. What it turns out to be does
# not matter for that, so that a whole shopping list is made before anyone leaves: labels on
# it are ``pending``.

from sklearn.gaussian_process.kernels import RBF

from skmtl import MultiTaskGaussianProcessRegressor
from skmtl.uncertainty import label_value

related = [[4.0, 7.0], [7.0, 16.0]]
model = MultiTaskGaussianProcessRegressor(
    RBF(0.6), task_covariance=related, noise=[0.16, 0.01], optimizer=None
)
costs, budget = np.array([1.0, 5.0]), 20.0
model.fit(X, Y)
listed = np.zeros(Y.shape, dtype=bool)
while budget >= costs.min():
    value = label_value(model, X, costs, pending=listed)
    value[listed | np.isfinite(Y) | (costs > budget)] = -np.inf
    row, task = np.unravel_index(value.argmax(), value.shape)
    listed[row, task], budget = True, budget - costs[task]
print(f"{listed[:, 0].sum()} labels of the cheap task, {listed[:, 1].sum()} of the dear one")

# %%
# Before and after
# ----------------
# Cheap labels go where nothing is known; they tell about the dear task, too.

import matplotlib.pyplot as plt

figure, axes = plt.subplots(2, 2, figsize=(9, 5), layout="constrained", sharex=True, sharey="row")
after = np.where(listed, labels, Y)
for column, (title, known) in enumerate({"before": Y, "after": after}.items()):
    model.fit(X, known)
    mean, intervals = model.predict(X), model.predict_interval(X)
    for task, name in enumerate(["cheap", "dear"]):
        ax = axes[task, column]
        ax.fill_between(X[:, 0], *intervals[:, task].T, alpha=0.2, linewidth=0)
        ax.plot(X, mean[:, task], label="predicted")
        ax.plot(X, truth[:, task], "k--", linewidth=1, label="true")
        ax.plot(X, known[:, task], "o", markersize=4, label="labels")
        ax.set_title(f"{name}, {title}", fontsize="medium")
axes[0, 0].legend(fontsize="small")
