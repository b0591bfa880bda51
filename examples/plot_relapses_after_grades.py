"""
First the grades, then the relapses
==================================

How ill a patient is can be graded on the day of admission; how long the patient stays well is known
years later, and of many only that it has been longer than the study. So there are many grades and
few times. If the same frailty is behind both, the grades tell most of what there is to learn about
the times.

The data are simulated so that this is true: a frailty that is linear in twenty features moves an
ordered grade, and shortens a time. Where two tasks have nothing in common, nothing is gained.
"""

# %%
# Data
# ----
# A patient has a grade, and a time until relapse: where no event was seen,
# :func:`~skmtl.tasks.censored` writes the time up to which it was not with a minus.

import numpy as np

from skmtl.tasks import censored


def draw(rng, n, weights):
    X = rng.normal(size=(n, len(weights)))
    frailty = X @ weights
    grade = np.digitize(1.5 * frailty + rng.logistic(size=n), [-1.0, 1.0])
    time = np.exp(1.0 - 0.8 * frailty + 0.7 * rng.normal(size=n))
    return X, np.array(["mild", "moderate", "severe"])[grade], time


rng = np.random.default_rng(0)
weights = rng.normal(size=20)
weights /= np.linalg.norm(weights)
X, grade, time = draw(rng, 600, weights)
end = rng.exponential(4.0, size=600)
relapse = censored(np.minimum(time, end), time < end)
print(f"{(relapse > 0).mean():.0%} of the times are those of an event")

# %%
# Grades first
# ------------
# A model of the grades alone, which keep their order (:class:`~skmtl.tasks.Ordinal`). The times
# come later, of the first 50 patients that were followed: ``add_task`` learns them from few rows,
# with the function of the grades as what is expected beforehand.

import pandas as pd

from skmtl import MultiTaskLinear

order = ["mild", "moderate", "severe"]
grades = pd.DataFrame({"grade": pd.Categorical(grade, order, ordered=True)})
model = MultiTaskLinear("l2").fit(X, grades)
model.add_task(X[:50], relapse[:50], name="relapse", task="survival")
print(dict(zip(model.task_names_in_, model.tasks_, strict=True)))

# %%
# The probabilities to be well after one, two and four years, of three patients: of the best
# twentieth, of the middle, and of the worst twentieth.

rank = np.argsort(model.predict_frame(X)["relapse"])
some = rank.iloc[[570, 300, 30]]
print(model.predict_survival(X[some], [1.0, 2.0, 4.0])[1].round(2))

# %%
# Does it help?
# -------------
# The concordance on 2,000 new patients: the share of pairs that are in the right order, 0.5 by
# chance. Six studies are drawn anew, each with a few to 200 patients that were followed.

import matplotlib.pyplot as plt

from skmtl.metrics import d2_score

followed, studies = [15, 25, 50, 100, 200], range(6)
ways = {"times alone": [], "after the grades": []}
for n in followed:
    for study in studies:
        rng = np.random.default_rng(study)
        weights = rng.normal(size=20)
        weights /= np.linalg.norm(weights)
        X, grade, time = draw(rng, 600, weights)
        end = rng.exponential(4.0, size=600)
        relapse = censored(np.minimum(time, end), time < end)
        X_new, _, time_new = draw(rng, 2000, weights)
        alone = MultiTaskLinear("l2", tasks=["survival"]).fit(X[:n], relapse[:n, None])
        grades = pd.DataFrame({"grade": pd.Categorical(grade, order, ordered=True)})
        after = MultiTaskLinear("l2").fit(X, grades)
        after.add_task(X[:n], relapse[:n], name="relapse", task="survival")
        for way, fitted in zip(ways, (alone, after), strict=True):
            predicted = fitted.predict_frame(X_new).iloc[:, -1]
            # 1 if all pairs are in order, 0 by chance.
            somers_d = d2_score(time_new, predicted.to_numpy(), tasks="survival")
            ways[way].append(0.5 + 0.5 * somers_d)

fig, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
for (way, found), color in zip(ways.items(), ("tab:gray", "tab:blue"), strict=True):
    found = np.reshape(found, (len(followed), -1))
    ax.plot(followed, found, ".", color=color, alpha=0.4)
    ax.plot(followed, found.mean(axis=1), color=color, linewidth=2.5)
    at = followed[0], found[0].mean()
    ax.annotate(way, at, (8, -22), textcoords="offset points", color=color)
ax.set(xscale="log", xlabel="patients that were followed", ylabel="concordance on new patients")
ax.set_xticks(followed, followed)
ax.minorticks_off()
ax.set_title("600 grades tell who relapses first, before many relapses are seen")
