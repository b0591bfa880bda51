"""
Twelve assays, three labels of four missing
===========================================

A laboratory tests molecules for twelve kinds of harm. Few molecules are harmful, and none is tested
for everything. The usual model is a random forest per assay, on bits that say which fragments a
molecule has. Does one network for all assays, which reads the same bits, know more?

Molecules and assays are made up, shaped like those of the Tox21 challenge, whose data no package
brings along. On the real ones, of which a sixth of the labels is missing, network and forests are
nearly level (``benchmarks/README.md`` has the table): more labels, less to borrow.
"""

# %%
# A library of molecules
# ----------------------
# Molecules of a series have a skeleton in common, and side groups that come and go. What does harm
# are four mechanisms, each set off by some fragments. An assay sees some of the mechanisms, and a
# few fragments of its own. Between 2 and 15 % of the molecules are hits of an assay, and of each
# molecule a quarter of the twelve answers is known.

import numpy as np

N_BITS, N_ASSAYS = 256, 12


def fingerprints(n, rng):
    """Bits of n molecules from 40 series, some of them large."""
    skeleton = rng.random((40, N_BITS)) < 0.08
    series = rng.choice(40, size=n, p=rng.dirichlet(np.ones(40)))
    frequency = np.minimum(12 * rng.dirichlet(np.full(N_BITS, 0.5)), 0.5)
    return (skeleton[series] | (rng.random((n, N_BITS)) < frequency)).astype("float32")


def effect(X, n_fragments, rng):
    """What some fragments do together."""
    some = rng.choice(N_BITS, size=n_fragments, replace=False)
    return X[:, some] @ rng.normal(size=n_fragments)


def hits(X, rng):
    """Whether each molecule is a hit of each assay."""
    mechanisms = np.tanh(np.column_stack([effect(X, 12, rng) for _ in range(4)]))
    seen = 3 * rng.dirichlet(np.full(4, 0.5), size=N_ASSAYS)
    own = np.column_stack([effect(X, 8, rng) for _ in range(N_ASSAYS)])
    harm = mechanisms @ seen.T + own / 2
    limit = [np.quantile(h, 1 - rng.uniform(0.02, 0.15)) for h in harm.T]
    return rng.random(harm.shape) < 1 / (1 + np.exp(-2 * (harm - limit)))


# %%
# Forests and networks
# --------------------
# Three libraries. 1,500 molecules are learned from, with their gaps; the areas are those of 2,000
# others. ``architecture="independent"`` is the same network once per assay: it tells what is due
# to sharing.

import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from skmtl import IndependentTasks, MultiTaskMLP

rows = []
for seed in range(3):
    rng = np.random.default_rng(seed)
    X = fingerprints(3500, rng)
    truth = hits(X, rng)
    train, test = slice(1500), slice(1500, None)
    y = np.where(rng.random(truth.shape) < 0.25, truth, np.nan)[train]
    models = {
        "forest per assay": IndependentTasks(RandomForestClassifier(100, random_state=seed)),
        "network per assay": MultiTaskMLP(architecture="independent", random_state=seed),
        "one network": MultiTaskMLP(random_state=seed),
    }
    for name, model in models.items():
        probabilities = model.fit(X[train], y).predict_proba(X[test])
        for assay, p in enumerate(probabilities):
            area = roc_auc_score(truth[test, assay], p[:, 1])
            rows.append((seed, assay, int(np.nansum(y[:, assay])), name, area))

found = pd.DataFrame(rows, columns=["library", "assay", "hits", "model", "area"])
table = found.pivot_table(index=["library", "assay", "hits"], columns="model", values="area")
print(table.groupby("library").mean().round(3).to_string())

# %%
# The network per assay is no better than the forest: it is sharing that makes the difference. It
# does so for assays with few hits and for those with many.

gain = (table["one network"] - table["forest per assay"]).rename("gain").reset_index()
few = gain["hits"] <= gain["hits"].median()
print(f"better than the forest in {(gain['gain'] > 0).sum()} of {len(gain)} assays")
print(f"mean gain in area: {gain['gain'][few].mean():+.3f} with few hits,", end=" ")
print(f"{gain['gain'][~few].mean():+.3f} with many")

# %%
# The twelve assays of each library
# ---------------------------------
# A line goes from the forest to the network of all assays.

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
for _, assay in table.reset_index().iterrows():
    ends = assay[["forest per assay", "one network"]]
    colour = "#0072B2" if ends.iloc[1] > ends.iloc[0] else "#D55E00"
    arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", (assay["hits"], ends.iloc[1]), (assay["hits"], ends.iloc[0]), arrowprops=arrow)
    ax.plot(assay["hits"], ends.iloc[0], "o", color="#8C8C8C", markersize=4)
ax.set_xscale("log")
ax.set_xticks([20, 50, 100], [20, 50, 100])
ax.minorticks_off()
ax.set_ylim(table.to_numpy().min() - 0.01, table.to_numpy().max() + 0.01)
ax.set(xlabel="hits among the known labels of the assay", ylabel="area under the ROC curve")
ax.set_title(
    f"From a forest per assay (dots) to one network (arrow heads):\n"
    f"{(gain['gain'] > 0).sum()} of {len(gain)} assays gain"
)
ax.spines[["top", "right"]].set_visible(False)
plt.show()
