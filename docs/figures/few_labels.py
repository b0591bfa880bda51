"""Explained share of tasks that vary around a common model, by their number of labels."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import RidgeCV

from skmtl import IndependentTasks, MultiTaskLinear, PooledTasks
from skmtl.datasets import make_multitask_regression

N_LABELS = [5, 10, 20, 40, 80, 160, 320]


def learning_curves(n_repeats=3):
    """R2 on 100 new rows per task: a row for each model, a column for each number of labels."""
    ridge = RidgeCV(np.logspace(-2, 3, 12))
    models = [
        IndependentTasks(ridge, task_feature="task"),
        PooledTasks(ridge, task_feature="task"),
        MultiTaskLinear("mean_deviation", alpha="auto", task_feature="task"),
    ]
    scores = np.zeros((n_repeats, len(models), len(N_LABELS)))
    for seed in range(n_repeats):
        X, y = make_multitask_regression(
            N_LABELS[-1] + 100,
            10,
            n_tasks=30,
            relatedness=0.6,
            noise=1.0,
            form="long",
            as_frame=True,
            random_state=seed,
        )
        place = X.groupby("task").cumcount().to_numpy()
        test = place >= N_LABELS[-1]
        for column, n in enumerate(N_LABELS):
            for row, model in enumerate(models):
                model.fit(X[place < n], y[place < n])
                scores[seed, row, column] = model.score(X[test], y[test])
    return scores.mean(axis=0)


def draw(ink, colors):
    """Draw the three curves, each named at its end."""
    style = {
        "axes.edgecolor": ink,
        "axes.labelcolor": ink,
        "xtick.color": ink,
        "ytick.color": ink,
        "text.color": ink,
        "font.size": 12,
        "savefig.transparent": True,
    }
    plt.rcParams.update(style)
    _, ax = plt.subplots(figsize=(5.4, 3.5), layout="constrained")
    names = ["a model per task", "one model for all", "learned together"]
    places = [(26, 0.08), (72, 0.24), (8, 0.41)]
    for curve, name, color, place in zip(learning_curves(), names, colors, places, strict=True):
        ax.plot(N_LABELS, np.maximum(curve, -0.2), color=color, linewidth=2.5, marker="o")
        ax.annotate(name, place, color=color, weight="bold")
    ax.set_xscale("log")
    ax.set_xticks(N_LABELS, N_LABELS)
    ax.minorticks_off()
    ax.set_ylim(0, 0.5)
    ax.set_xlabel("labels per task (30 tasks)")
    ax.set_ylabel("share explained on new rows")
    ax.spines[["top", "right"]].set_visible(False)


def light():
    """Draw for a light page."""
    draw("#222832", ["#a35e00", "#0069a8", "#00765a"])


def dark():
    """Draw for a dark page."""
    draw("#ced6dd", ["#f0a830", "#63b5ee", "#3fd0a6"])
