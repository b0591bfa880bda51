"""What six penalties make of the coefficients of the same eight tasks."""

import matplotlib.pyplot as plt
import numpy as np

from skmtl import MultiTaskLinearRegressor
from skmtl.linear.penalties import Clustered

PENALTIES = {
    '"l1": features of its own': ("l1", 0.35),
    '"l21": the same features': ("l21", 1.0),
    '"trace_norm": few directions': ("trace_norm", 2.5),
    '"mean_deviation": one model': ("mean_deviation", 10.0),
    "Clustered(2): two groups": (Clustered(2, eta=0.05), 20.0),
    '"temporal": like its neighbours': ("temporal", 20.0),
}

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 12))
first, second = rng.normal(size=(2, 12)) * (np.arange(12) < 6)
share = np.r_[np.linspace(0, 0.2, 4), np.linspace(0.8, 1, 4)][:, None]
Y = X @ ((1 - share) * first + share * second).T + 1.5 * rng.normal(size=(60, 8))

figure, axes = plt.subplots(
    2, 3, figsize=(7.6, 4.6), layout="constrained", sharex=True, sharey=True
)
for ax, (title, (penalty, alpha)) in zip(axes.flat, PENALTIES.items(), strict=True):
    coef = MultiTaskLinearRegressor(penalty, alpha=alpha).fit(X, Y).coef_
    limit = abs(coef).max()
    ax.imshow(coef, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    ax.set_title(title, fontsize=9, loc="left")
    ax.set_xticks([])
    ax.set_yticks([])
for ax in axes[:, 0]:
    ax.set_ylabel("task")
for ax in axes[1]:
    ax.set_xlabel("feature")
