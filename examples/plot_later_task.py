"""
A task that comes later, with twenty labels
===========================================

A model of many tasks has learned what a new one can use: which features matter, and in which ways
the tasks differ. ``add_task`` learns a further task from few labels with that as its prior, and
changes nothing else.

The tasks are eight quantities that follow from the same three hidden movements, of which X shows
forty noisy mixtures.
"""

# %%
# Seven tasks
# -----------
# Seven of eight columns of ``y`` are there from the start.

import numpy as np

from skmtl import MultiTaskLinear, MultiTaskMLP, ReducedRankRegressor

rng = np.random.default_rng(0)
movements = rng.normal(size=(2000, 3))
X = movements @ rng.normal(size=(3, 40)) + 0.5 * rng.normal(size=(2000, 40))
quantities = np.tanh(movements @ rng.normal(size=(3, 6))) @ rng.normal(size=(6, 8))
Y = quantities + 0.3 * rng.normal(size=quantities.shape)
train, test = slice(0, 1000), slice(1000, None)

models = {
    "network": MultiTaskMLP(random_state=0).fit(X[train], Y[train, :7]),
    "linear": MultiTaskLinear().fit(X[train], Y[train, :7]),
    "low rank": ReducedRankRegressor(3).fit(X[train], Y[train, :7]),
}

# %%
# The eighth
# ----------
# Twenty rows of it are measured. ``predict`` has one column more, and the other seven are what they
# were.

network = models["network"]
before = network.predict(X[test])
network.add_task(X[:20], Y[:20, 7], name="eighth")
after = network.predict(X[test])
print(f"{after.shape[1]} tasks, the others unchanged: {(after[:, :7] == before).all()}")
network.drop_task("eighth")

# %%
# How many labels does it take?
# -----------------------------
# Each model learns the eighth task with more and more labels, beside models of their own, of the
# same labels; R2 of rows that none has seen, the mean of three draws.

import warnings

import matplotlib.pyplot as plt
from sklearn.base import clone
from sklearn.metrics import r2_score

sizes = [5, 10, 20, 50, 200]
added = {name: [] for name in models}
own = {name: [] for name in ("network", "linear")}
for size in sizes:
    scores = {(form, name): [] for form in ("added", "own") for name in models}
    for seed in range(3):
        few = np.random.default_rng(seed).permutation(1000)[:size]
        for name, model in models.items():
            model.add_task(X[few], Y[few, 7], name="eighth")
            scores["added", name].append(r2_score(Y[test, 7], model.predict(X[test])[:, 7]))
            model.drop_task("eighth")
        for name in own:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of alphas that leave nothing of so few labels
                alone = clone(models[name]).fit(X[few], Y[few, 7])
            scores["own", name].append(r2_score(Y[test, 7], alone.predict(X[test])))
    for name in added:
        added[name].append(np.mean(scores["added", name]))
    for name in own:
        own[name].append(np.mean(scores["own", name]))

figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
colours = dict(zip(models, ("C0", "C1", "C2"), strict=True))
for name, of_sizes in added.items():
    ax.plot(sizes, of_sizes, marker="o", color=colours[name], label=f"added to the {name} model")
for name, of_sizes in own.items():
    ax.plot(sizes, of_sizes, "--", color=colours[name], label=f"{name} model of its own")
ax.set(xscale="log", xlabel="labels of the new task", ylabel="R2", ylim=(-0.2, 1.0))
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.grid(alpha=0.3)
ax.set_title("Few labels go further where other tasks are known")
ax.legend(frameon=False)
plt.show()

# %%
# With few labels the task takes from the others nearly all that it has; how much is no setting, but
# what the labels and the other tasks make likely. Where tasks have little in common, as detectors
# of different digits do, it is little.
#
# The representation itself is what ``transform`` gives: for the model of low rank, three directions
# of the forty features.

models["low rank"].set_output(transform="pandas").transform(X[:3]).round(1)
