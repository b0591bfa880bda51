"""Which rows five folds hold out, where rows are sorted by task."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import KFold

from skmtl.model_selection import MultiTaskKFold

COLORS = ["#a35e00", "#0069a8", "#00765a", "#b03060", "#6a51a3"]

task = np.repeat(np.arange(6), 10)
X, y = task[:, None], np.random.default_rng(0).normal(size=60)

figure, axes = plt.subplots(2, 1, figsize=(6.4, 3.4), layout="constrained", sharex=True)
splitters = {
    "KFold(5): whole tasks are held out": KFold(5),
    "MultiTaskKFold(5): rows of every task are held out": MultiTaskKFold(5, task_feature=0),
}
for ax, (title, splitter) in zip(axes, splitters.items(), strict=True):
    for fold, (_, test) in enumerate(splitter.split(X, y)):
        ax.scatter(test, [fold] * len(test), s=22, marker="s", color=COLORS[fold])
    for start in range(10, 60, 10):
        ax.axvline(start - 0.5, color="black", linewidth=0.8)
    ax.set_title(title, loc="left")
    ax.set_yticks(range(5))
    ax.set_ylabel("fold")
    ax.invert_yaxis()
axes[1].set_xticks(np.arange(4.5, 60, 10), [f"task {name}" for name in "ABCDEF"])
axes[1].tick_params(axis="x", length=0)
