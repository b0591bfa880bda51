"""
Nine tasks in one model
=======================

Project STAR followed 11,598 pupils in Tennessee from kindergarten to third grade. Of each we know
the school, the class, the teacher and some facts about the child, and would like to predict nine
things: a reading and a math score in each of four grades, and whether the pupil qualified for
free lunch in third grade. Pupils came and went, so that almost half of these labels are missing.

With an estimator per task this means nine models, each on its own subset of the rows. Here one
:class:`~skmtl.MultiTaskMLP` learns from all labels that exist. Whether that helps is a question
for the data, so nine separate models are fitted too, under the same folds.
"""

# %%
# Data
# ----
# Eight columns of ``y`` are numbers, in scaled score points; ``lunch3`` is "yes" or "no". A missing
# label is NaN in either. The numbers in ``X`` are made float32, because a network trains in the
# precision of ``X`` and half of it is enough.

from skmtl.datasets import load_star

X, y = load_star(return_X_y=True)
X = X.astype(dict.fromkeys(X.select_dtypes("number"), "float32"))
print(f"{len(X)} pupils, {X.shape[1]} features, {y.shape[1]} tasks")
print((100 * y.isna().mean()).round().astype(int).rename("labels missing in %").to_string())

# %%
# Three pupils are put aside. They stand for the new ones that we want predictions for in the end.

from sklearn.model_selection import train_test_split

X, X_new, y, y_new = train_test_split(X, y, test_size=3, random_state=0)

# %%
# Features
# --------
# ``X`` has gaps as well: nobody recorded the kindergarten teacher of a pupil who came in second
# grade. The estimators do not guess what to put there, a pipeline says it: the median for numbers;
# for categories, "missing" becomes one more category. The school ids alone give some 300 columns.

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

prepare = make_column_transformer(
    (
        make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
        make_column_selector(dtype_include="number"),
    ),
    (
        OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype="float32"),
        make_column_selector(dtype_include="category"),
    ),
)

# %%
# Nine tasks together
# -------------------
# The tasks share two layers of 64 units, on which each has an output of its own. The network is
# given ``y`` as it is. It has no setting that you must choose: how long it trains and how strongly
# its weights are held back follow from the rows, and from how much of the labels is noise.
#
# Nine models
# -----------
# :class:`~skmtl.IndependentTasks` fits a clone of an estimator to each task, on the pupils that
# have its label. Two such baselines:
#
# * linear models; each chooses its penalty within the training rows. With over 400 columns, most of
#   them 0 or 1, they are hard to beat;
# * the same network, once for each task, with all that is chosen for it from the labels of that
#   task. Compared with this one, the gain is that of sharing alone.
#
# The accurate one is :class:`~skmtl.MultiTaskMLPCV`: shared networks of several settings, trained
# side by side in folds of the training rows, and blended by what the held-out rows say.

import numpy as np
from sklearn.linear_model import LogisticRegressionCV, RidgeCV

from skmtl import (
    IndependentTasks,
    MultiTaskMLP,
    MultiTaskMLPClassifier,
    MultiTaskMLPCV,
    MultiTaskMLPRegressor,
)

linear = {
    "regressor": RidgeCV(np.logspace(0, 3, 10)),
    "classifier": LogisticRegressionCV(
        Cs=[0.01, 0.03, 0.1],
        cv=3,
        scoring="neg_log_loss",
        l1_ratios=(0.0,),
        use_legacy_attributes=False,
    ),
}
networks = {
    "regressor": MultiTaskMLPRegressor(random_state=0),
    "classifier": MultiTaskMLPClassifier(random_state=0),
}
models = {
    "linear alone": IndependentTasks(**linear),
    "network alone": IndependentTasks(**networks),
    "together": MultiTaskMLP(random_state=0),
    "together, CV": MultiTaskMLPCV(random_state=0),
}

# %%
# Did it help?
# ------------
# The score of a task is the share explained on pupils the model has not seen: R2 for the eight
# scores, explained log loss for the lunch. 1 is perfect, 0 no better than a constant.
# :func:`~skmtl.task_scores` gives that of every task. All choices are made within the training
# rows of a fold, for one model as for nine.

import pandas as pd
from sklearn.model_selection import KFold, cross_validate

from skmtl import task_scores

folds = KFold(3, shuffle=True, random_state=0)
scores, seconds = {}, {}
for name, model in models.items():
    found = cross_validate(
        make_pipeline(prepare, model), X, y, cv=folds, scoring=task_scores, n_jobs=2
    )
    scores[name] = pd.DataFrame({task: found[f"test_{task}"] for task in y.columns})
    seconds[name] = found["fit_time"].mean()

table = pd.DataFrame({name: found.mean() for name, found in scores.items()})
table.loc["mean"] = table.mean()
table.loc["seconds for a fit"] = seconds
print(table.to_string(float_format="{:.3f}".format))

# %%
# Each score has some 4,000 labels to learn from in a fold, and there is little that it could borrow
# from the others: one network for all is level with eight networks and with eight linear models, a
# little better in reading, a little worse in math. In ``lunch3``, where a network alone is too sure
# of itself, sharing holds it back. The blend is ahead of the linear models in every task, and takes
# longer. What one model saves is work: its fit takes a fraction of the time of nine networks.
#
# A task with few labels
# ----------------------
# Suppose that only 300 pupils had sat the math test of third grade so far. In the training part of
# each fold the other labels of ``math3`` are hidden, and the models are scored on pupils they have
# not seen, as before. Every task's loss is an average over its own labels, so the 300 would count
# as much as the thousands of another task. With ``task_weight="labels"`` every label counts the
# same.

models_of_few = {
    "linear alone": IndependentTasks(linear["regressor"]),
    "network alone": IndependentTasks(networks["regressor"]),
    "together, tasks count the same": MultiTaskMLP(random_state=0),
    "together, labels count the same": MultiTaskMLP(task_weight="labels", random_state=0),
}
few = []
for train, test in folds.split(X):
    y_few = y.iloc[train].copy()
    y_few.loc[y_few["math3"].dropna().index[300:], "math3"] = np.nan
    fold = {}
    for name, model in models_of_few.items():
        tasks = ["math3"] if "alone" in name else list(y.columns)
        model = make_pipeline(prepare, model).fit(X.iloc[train], y_few[tasks])
        fold[name] = task_scores(model, X.iloc[test], y.iloc[test][tasks])["math3"]
    few.append(fold)

math3 = pd.DataFrame(few).rename(index="fold {}".format).T
print("share explained of math3, learned from 300 labels")
print(math3.assign(mean=math3.mean(axis=1)).to_string(float_format="{:.3f}".format))

# %%
# Here sharing wins, if every label counts the same: what the network learned from the other tests
# serves this one. If every task counts the same, it follows the accidents of 300 pupils instead.
# (:ref:`sphx_glr_auto_examples_plot_exam_schools.py` is about tasks that all have few labels.)
#
# Both comparisons as a figure; small dots are the folds.

import matplotlib.pyplot as plt

looks = {
    "linear alone": {"color": "#E69F00", "marker": "s"},
    "network alone": {"color": "#0072B2", "marker": "o"},
    "together": {"color": "black", "marker": "D"},
    "together, CV": {"color": "#009E73", "marker": "^"},
}
figure = plt.figure(figsize=(13, 5.5), layout="constrained")
left, middle, right = figure.subplots(1, 3)
rows = np.arange(len(y.columns))
heights = np.linspace(-0.24, 0.24, len(looks))
for height, (name, look) in zip(heights, looks.items(), strict=True):
    left.scatter(scores[name].mean(), rows + height, s=45, label=name, **look)
    if name == "linear alone":
        continue
    gain = scores[name] - scores["linear alone"]
    middle.scatter(gain.mean(), rows + height, s=45, **look)
    for _, fold in gain.iterrows():
        middle.scatter(fold, rows + height, s=8, color=look["color"])
left.legend(loc="center right")
left.set_title("All labels: score of each task")
left.set_xlabel(f"share explained, mean of {folds.n_splits} folds")
middle.axvline(0, color="black", linewidth=1)
middle.set_title("All labels: what networks add")
middle.set_xlabel("network minus linear models")
# Linear near 0, where the differences are.
middle.set_xscale("symlog", linthresh=0.05)
middle.set_xticks([-0.5, -0.05, 0, 0.05], ["-0.5", "-0.05", "0", "0.05"])
middle.minorticks_off()

for row, (name, values) in enumerate(math3.iterrows()):
    look = looks[name.split(",")[0]]
    right.scatter(values.mean(), row, s=45, **look)
    right.scatter(values, [row] * len(values), s=8, color=look["color"])
right.set_title("math3 learned from 300 labels")
right.set_xlabel("share explained")
right.set_xlim(left=min(0, right.get_xlim()[0]))

for axes, labels in [(left, y.columns), (middle, y.columns), (right, math3.index)]:
    axes.set_yticks(range(len(labels)), [label.replace(", ", ",\n") for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)

# %%
# New pupils
# ----------
# ``predict_frame`` gives a table with a column per task, and ``predict_proba`` a list with one
# entry per task: None for a score, (n_samples, n_classes) for the lunch.

from skmtl import predict_frame

together = make_pipeline(prepare, models["together"]).fit(X, y)
predicted = predict_frame(together, X_new)
lunch = y.columns.get_loc("lunch3")
is_yes = together[-1].classes_[lunch].tolist().index("yes")
predicted["P(lunch3=yes)"] = together.predict_proba(X_new)[lunch][:, is_yes]

print("predicted")
print(predicted.round(2).to_string())
print("observed")
print(y_new.to_string())

# %%
# A fitted model is pickled like any other, and predicts the same afterwards.

import pickle

restored = pickle.loads(pickle.dumps(together))
assert np.array_equal(restored.predict(X_new), together.predict(X_new))

# %%
# Run as a script, this keeps the figure.

from pathlib import Path

path = Path("build", "quickstart.png")
path.parent.mkdir(exist_ok=True)
figure.savefig(path, dpi=150)
print("The figure is in", path.resolve())
