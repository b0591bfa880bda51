"""
Clicks and conversions
======================

A shop shows an item to a user, who may click on it, and having clicked may buy it. Both are to be
predicted. Of 12,000 exposures all have a click or none, but only those with a click can have a
purchase. What the others would have done is not "no", it is unknown: a missing label. This example
compares networks that share in three ways with one network per task, and shows what becomes of the
purchases where "unknown" is read as "no".
"""

# %%
# A shop of one's own
# -------------------
# In a simulation we know what no shop knows: whether somebody who did not click would have bought.
# A user has four tastes and a budget, an item four traits, a picture and a price. Interest is how
# well tastes and traits go together. A loud picture brings clicks, and disappointment: it speaks
# against a purchase.

import numpy as np
import pandas as pd


def expose(n_rows, rng):
    """Features, clicks, would-be purchases, and their true log-odds."""
    tastes, traits = rng.normal(size=(2, n_rows, 4))
    picture, price, budget = rng.normal(size=(3, n_rows))
    interest = (tastes * traits).sum(axis=1) / 2
    click = -3.0 + 1.5 * interest + 1.2 * picture
    buy = -1.0 + 1.5 * interest - 1.0 * picture + budget - price
    X = np.column_stack([tastes, traits, picture, price, budget]).astype("float32")
    happened = [rng.random(n_rows) < 1 / (1 + np.exp(-odds)) for odds in (click, buy)]
    return X, *happened, click, buy


X, click, buy, *_ = expose(12000, np.random.default_rng(0))
y = pd.DataFrame({"click": click, "buy": np.where(click, buy, None)})
print(y.apply(lambda task: task.value_counts(dropna=False)).fillna(0).astype(int))

# %%
# Five ways to learn it
# ---------------------
# All networks have two layers of 64 units. With ``"hard_sharing"`` both tasks share them. In
# :class:`~skmtl.neural.architectures.MMoE` they share several such parts, the experts, of which
# each task draws its own mixture, by a gate that looks at the row.
# :class:`~skmtl.neural.architectures.PLE` gives each task experts of its own besides those that are
# shared. Alone, a network learns one of the tasks, the purchases from the rows with a click.

from sklearn.metrics import roc_auc_score

from skmtl import MultiTaskMLP
from skmtl.neural.architectures import PLE, MMoE


def network(seed, architecture="hard_sharing"):
    """One of these, untrained."""
    return MultiTaskMLP((64, 64), architecture=architecture, random_state=seed)


def probabilities(models, X):
    """Probability of "yes", for each task of the models."""
    return [p[:, 1] for model in models for p in model.predict_proba(X)]


def learn(seed, X, click, buy):
    """Fitted models by name: one, or one for each task."""
    y = pd.DataFrame({"click": click, "buy": np.where(click, buy, None)})
    unknown_as_no = pd.DataFrame({"click": click, "buy": click & buy})
    return {
        "alone": [
            network(seed).fit(X, y[["click"]]),
            network(seed).fit(X[click], y.loc[click, ["buy"]]),
        ],
        "hard sharing": [network(seed).fit(X, y)],
        "MMoE": [network(seed, MMoE()).fit(X, y)],
        "PLE": [network(seed, PLE()).fit(X, y)],
        "MMoE, unknown is no": [network(seed, MMoE()).fit(X, unknown_as_no)],
    }


# %%
# Two shops, each tested on 20,000 new exposures. The area under the ROC curve is the share of
# pairs that come in the right order; ranking is what a shop does with such numbers. Purchases are
# judged over all exposures, because all of them are ranked, not only those that are clicked on. No
# model can do better than the true log-odds.

rows = []
for seed in range(2):
    rng = np.random.default_rng(seed)
    models = learn(seed, *expose(12000, rng)[:3])
    X_new, click, buy, *truth = expose(20000, rng)
    scores = {name: probabilities(given, X_new) for name, given in models.items()}
    for name, (of_click, of_buy) in {**scores, "best possible": truth}.items():
        areas = roc_auc_score(click, of_click), roc_auc_score(buy, of_buy)
        rows.append((name, seed, *areas))

found = pd.DataFrame(rows, columns=["model", "shop", "click", "buy"]).set_index("model")
table = found.groupby("model", sort=False)[["click", "buy"]].mean()
print(table.round(3).to_string())

# %%
# Purchases gain by every kind of sharing: some 1,500 of them are known, and what interest is can be
# learned from 12,000 clicks. With hard sharing the clicks gain nothing: a loud picture means
# opposite things to the two tasks, and one set of layers has to serve both. MMoE and PLE were made
# for that, and here both tasks gain. By far the largest difference, though, is what a missing label
# is taken for. "No" where nobody looked teaches that whoever does not click does not want it: the
# order of the purchases is then that of the clicks, loud pictures first.

import matplotlib.pyplot as plt

figure, panels = plt.subplots(1, 2, figsize=(9, 3.2), sharey=True, layout="constrained")
names = [name for name in table.index if name != "best possible"]
for axes, task, title in zip(panels, ("click", "buy"), ("clicks", "purchases"), strict=True):
    for row, name in enumerate(names):
        colour = "#8C8C8C" if name == "alone" else "#D55E00" if "unknown" in name else "#0072B2"
        axes.scatter(found.loc[name, task], [row] * 2, s=9, color=colour)
        axes.scatter(table.loc[name, task], row, s=60, color=colour, marker="D")
    axes.axvline(table.loc["alone", task], color="#8C8C8C", linewidth=1, linestyle=":")
    axes.axvline(table.loc["best possible", task], color="black", linewidth=1)
    axes.set_title(title)
    axes.set_xlabel("area under the ROC curve")
    axes.locator_params(axis="x", nbins=5)
    axes.grid(axis="x", alpha=0.3)
    best = {"xy": (table.loc["best possible", task], 0.5), "xycoords": ("data", "axes fraction")}
    axes.annotate("best possible", rotation=90, ha="right", va="center", fontsize=8, **best)
panels[0].set_yticks(range(len(names)), names)
panels[0].invert_yaxis()

# %%
# Run as a script, this keeps the figure.

from pathlib import Path

path = Path("build", "recommendation.png")
path.parent.mkdir(exist_ok=True)
figure.savefig(path, dpi=100)
