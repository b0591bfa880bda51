"""
A task that comes later, with twenty labels
===========================================

A model of many tasks has learned something that a new one can use: what other tasks look at, and
how their functions vary. ``add_task`` learns a further task from few labels with that as its prior,
and changes nothing else.

Here the tasks are questions about handwritten digits: is it a zero, is it a one, ... Nine of them
have 900 labels; the tenth, whether it is a four, comes later.
"""

# %%
# Nine tasks
# ----------
# Each is a column of ``y``. A network shares its hidden layers between them; the linear model shares
# the features that count.

import numpy as np
from sklearn.datasets import load_digits

from skmtl import MultiTaskLinearClassifier, MultiTaskMLPClassifier

X, digit = load_digits(return_X_y=True)
order = np.random.default_rng(0).permutation(len(X))
train, test = order[:900], order[900:]
later = 4
known = [k for k in range(10) if k != later]
Y = np.column_stack([digit == k for k in known])

models = {
    "network": MultiTaskMLPClassifier(random_state=0).fit(X[train], Y[train]),
    "linear": MultiTaskLinearClassifier().fit(X[train], Y[train]),
}

# %%
# The tenth
# ---------
# Ten images of a four and ten of other digits are labelled. ``predict`` has one column more, and the
# other nine are what they were.

rng = np.random.default_rng(1)
fours, others = (rng.permutation(train[(digit[train] == later) == k]) for k in (True, False))
few = np.concatenate([fours[:10], others[:10]])

network = models["network"]
before = network.predict(X[test])
network.add_task(X[few], digit[few] == later, name="four")
after = network.predict(X[test])
print(f"{after.shape[1]} tasks, the others unchanged: {(after[:, :-1] == before).all()}")
network.drop_task("four")

# %%
# How many labels does it take?
# -----------------------------
# Beside logistic regression of the same labels, all scored on images that no model has seen. The
# mean of five draws.

import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

sizes = [4, 10, 20, 40, 80]
areas = {f"added to the {name} model": [] for name in models} | {"logistic regression": []}
for size in sizes:
    found = {name: [] for name in areas}
    for seed in range(5):
        rng = np.random.default_rng(seed)
        few = np.concatenate([rng.permutation(part)[: size // 2] for part in (fours, others)])
        labels = digit[few] == later
        for name, model in models.items():
            model.add_task(X[few], labels, name="four")
            score = model.predict_proba(X[test])[-1][:, 1]
            model.drop_task("four")
            area = roc_auc_score(digit[test] == later, score)
            found[f"added to the {name} model"].append(area)
        alone = LogisticRegression(max_iter=1000).fit(X[few], labels)
        area = roc_auc_score(digit[test] == later, alone.predict_proba(X[test])[:, 1])
        found["logistic regression"].append(area)
    for name, of_draws in found.items():
        areas[name].append(np.mean(of_draws))

figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
for name, of_sizes in areas.items():
    ax.plot(sizes, of_sizes, marker="o", label=name)
ax.set(xscale="log", xlabel="labels of the new task", ylabel="area under the ROC curve")
ax.set_xticks(sizes, sizes)
ax.minorticks_off()
ax.grid(alpha=0.3)
ax.legend(frameon=False)
plt.show()

# %%
# How strongly the other tasks count is no setting: the labels tell, by their marginal likelihood.
# With hundreds of labels a task goes its own way.
