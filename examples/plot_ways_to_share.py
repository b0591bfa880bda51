"""
Hard, soft, or by attention?
============================

Six tasks may share all layers of a network ("hard sharing"), have networks of their own that are
pulled together ("soft sharing"), or look at shared layers through masks of their own, which is
called attention. When does it matter which? That depends on how much the tasks have in common, and
on how much room there is.
"""

# %%
# Tasks that are more or less alike
# ---------------------------------
# Made up, so that we know what they have in common: each task is a curve of six features. A share
# of its variance is the same curve for all tasks, the rest is its own. Labels are as much noise as
# signal, and there are 200 of each; predictions are compared with the curves themselves.

import numpy as np


def draw(share, seed, n=200, n_new=1000, n_tasks=6):
    """Features and noisy labels to learn from; features and true values of new rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + n_new, 6))
    waves = np.tanh(0.6 * X @ rng.normal(size=(6, 4 * (n_tasks + 1))))
    curves = (waves.reshape(len(X), -1, 4) * rng.normal(size=(n_tasks + 1, 4))).sum(axis=2)
    curves = (curves - curves.mean(axis=0)) / curves.std(axis=0)
    truth = np.sqrt(share) * curves[:, :1] + np.sqrt(1 - share) * curves[:, 1:]
    labels = truth + rng.normal(size=truth.shape)
    return X[:n], labels[:n], X[n:], truth[n:]


# %%
# Little room
# -----------
# Two layers of 16 units, for one task or for six: what they have to share is scarce. Three draws
# of each degree of kinship.

import pandas as pd
from sklearn.metrics import r2_score

from skmtl import MultiTaskMLP
from skmtl.neural.architectures import MTAN, HardSharing, Independent, SoftSharing

architectures = {
    "alone": Independent(),
    "hard sharing": HardSharing(),
    "soft sharing": SoftSharing(strength=0.3),
    "attention": MTAN(),
}


def scores(widths, shares, names):
    """R2 of new rows, the mean of six tasks and three draws, for every share and architecture."""
    rows = []
    for share in shares:
        for seed in range(3):
            X, y, X_new, truth = draw(share, seed)
            for name in names:
                model = MultiTaskMLP(
                    widths,
                    architecture=architectures[name],
                    linear_skip=False,
                    max_iter=60,
                    random_state=seed,
                ).fit(X, y)
                rows.append((share, name, r2_score(truth, model.predict(X_new))))
    found = pd.DataFrame(rows, columns=["in common", "architecture", "R2"])
    found = found.pivot_table(index="in common", columns="architecture", values="R2")
    return found[list(names)]


table = scores((16, 16), [0.0, 0.5, 0.9, 1.0], architectures)
print(table.round(3).to_string())

# %%
# Tasks that have nothing in common get in each other's way, and the more so the more they share.
# Hard sharing has most to lose and, when tasks are one and the same thing measured six times, most
# to gain, together with attention. Soft sharing lies between it and six networks; its ``strength``
# says where.
#
# More room
# ---------
# With four times as many units strangers live side by side in one trunk. So before an architecture
# is chosen for tasks that may have little in common: give them room.

print(scores((64, 64), [0.0], ["alone", "hard sharing"]).round(3).to_string())

# %%
# What sharing gains and costs
# ----------------------------

import matplotlib.pyplot as plt

figure, ax = plt.subplots(figsize=(7.4, 4.2), layout="constrained")
places = np.arange(len(table))
ax.axhline(0, color="black", linewidth=1)
ax.text(0, 0.003, "six networks, one per task", va="bottom")
looks = {
    "hard sharing": ("#D55E00", (0, -18)),
    "soft sharing": ("#0072B2", (0, 10)),
    "attention": ("#009E73", (0, 10)),
}
for name, (colour, offset) in looks.items():
    gain = (table[name] - table["alone"]).to_numpy()
    ax.plot(places, gain, "o-", color=colour, linewidth=2.5)
    at = (places[1], gain[1])
    ax.annotate(name, at, offset, textcoords="offset points", ha="right", color=colour)
ax.set_xticks(places, [f"{share:.0%}" for share in table.index])
ax.margins(y=0.12)
ax.set_xlabel("what the tasks have in common, share of their variance")
ax.set_ylabel("R2 less that of six networks")
ax.set_title("In a narrow trunk sharing pays only for tasks that are nearly alike")
ax.spines[["top", "right"]].set_visible(False)
plt.show()
