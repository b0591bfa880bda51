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
# The tasks share a layer of 128 units, on which each has an output of its own. The network is given
# ``y`` as it is. ``early_stopping`` holds a tenth of the pupils back and stops when their labels
# are predicted no better.
#
# Width and dropout come from a cross-validation on these data, in which they mattered little: with
# their best ``alpha``, networks with one or two layers of 64 to 256 units, with and without
# dropout, had a mean score between 0.303 and 0.312. ``alpha``, the strength of the L2 penalty, is
# searched here. :func:`~skmtl.task_scores` gives the search the score of every task and their
# mean; the mean decides.

from sklearn.model_selection import GridSearchCV, KFold

from skmtl import MultiTaskMLP, task_scores

folds = KFold(3, shuffle=True, random_state=0)
network = {
    "hidden_layer_sizes": (128,),
    "dropout": 0.5,
    "early_stopping": True,
    "random_state": 0,
}
alphas = [0.001, 0.003, 0.01]

together = GridSearchCV(
    make_pipeline(prepare, MultiTaskMLP(**network)),
    {"multitaskmlp__alpha": alphas},
    scoring=task_scores,
    refit="mean",
    cv=folds,
    n_jobs=2,
).fit(X, y)
print(f"alpha = {together.best_params_['multitaskmlp__alpha']}, mean {together.best_score_:.3f}")

# %%
# Nine models
# -----------
# :class:`~skmtl.IndependentTasks` fits a clone of an estimator to each task, on the pupils that
# have its label. Two such baselines:
#
# * linear models, :class:`~sklearn.linear_model.Ridge` for the scores and
#   :class:`~sklearn.linear_model.LogisticRegression` for the lunch; with over 400 columns, most of
#   them 0 or 1, they are hard to beat;
# * the same network, once for each task. Compared with this one, the gain is that of sharing alone.

from sklearn.linear_model import LogisticRegression, Ridge

from skmtl import IndependentTasks, MultiTaskMLPClassifier, MultiTaskMLPRegressor


def search_alone(regressor, classifier, pairs):
    """Fit a model for each task, with each pair of parameters, under the same folds."""
    return GridSearchCV(
        make_pipeline(prepare, IndependentTasks(regressor=regressor, classifier=classifier)),
        [{f"independenttasks__{name}": [value] for name, value in pair.items()} for pair in pairs],
        scoring=task_scores,
        refit=False,
        cv=folds,
        n_jobs=2,
    ).fit(X, y)


linear_alone = search_alone(
    Ridge(),
    LogisticRegression(max_iter=1000),
    [{"regressor__alpha": a, "classifier__C": 1 / a} for a in [3, 10, 30, 100]],
)
network_alone = search_alone(
    MultiTaskMLPRegressor(**network),
    MultiTaskMLPClassifier(**network),
    [{"regressor__alpha": a, "classifier__alpha": a} for a in alphas],
)

# %%
# Did it help?
# ------------
# The score of a task is the share explained on pupils the model has not seen: R2 for the eight
# scores, explained log loss for the lunch. 1 is perfect, 0 no better than a constant. The shared
# network has one ``alpha`` for all tasks; alone, every task may keep the one that suits it best.

import numpy as np
import pandas as pd


def scores_of_folds(search, *, own_choice):
    """Scores (n_folds, n_tasks) with the best parameters, of each task or of all on average."""
    results = search.cv_results_
    scores = {}
    for task in y.columns:
        best = results[f"rank_test_{task if own_choice else 'mean'}"].argmin()
        scores[task] = [results[f"split{k}_test_{task}"][best] for k in range(folds.n_splits)]
    return pd.DataFrame(scores)


shared = scores_of_folds(together, own_choice=False)
alone = {
    "linear": scores_of_folds(linear_alone, own_choice=True),
    "network": scores_of_folds(network_alone, own_choice=True),
}
gain = {name: shared - scores for name, scores in alone.items()}

table = pd.DataFrame(
    {
        "linear alone": alone["linear"].mean(),
        "network alone": alone["network"].mean(),
        "together": shared.mean(),
        "gain on linear": gain["linear"].mean(),
        "gain on network": gain["network"].mean(),
    }
)
table.loc["mean"] = table.mean()
print(table.to_string(float_format="{:.3f}".format))

# %%
# On these data, hardly. The shared network is level with nine linear models or a little better, and
# a little worse than nine networks, mostly in math. The differences are small beside the scores,
# and often the folds disagree on their sign. Each task has some 4,000 labels to learn from in a
# fold, and there is little that it could borrow from the others. What one model saves is work:

for name, search in {"one shared network": together, "nine networks": network_alone}.items():
    print(f"{name}: {search.cv_results_['mean_fit_time'].mean():.1f} s for a fit")

# %%
# A task with few labels
# ----------------------
# Suppose that only 300 pupils had sat the math test of third grade so far. In the training part of
# each fold the other labels of ``math3`` are hidden, and the models are scored on pupils they have
# not seen, as before. Every task's loss is an average over its own labels, so the 300 would count
# as much as the thousands of another task. With ``task_weight="labels"`` every label counts the
# same. The networks keep their settings from above.

from sklearn.linear_model import RidgeCV

settings = {**network, "alpha": together.best_params_["multitaskmlp__alpha"]}
scores = []
for train, test in folds.split(X):
    y_few = y.iloc[train].copy()
    y_few.loc[y_few["math3"].dropna().index[300:], "math3"] = np.nan
    models = {
        "linear alone": IndependentTasks(RidgeCV(np.logspace(0, 3, 10))),
        "network alone": IndependentTasks(MultiTaskMLPRegressor(**settings)),
        "together, tasks count the same": MultiTaskMLP(**settings),
        "together, labels count the same": MultiTaskMLP(**settings, task_weight="labels"),
    }
    fold = {}
    for name, model in models.items():
        tasks = ["math3"] if "alone" in name else list(y.columns)
        model = make_pipeline(prepare, model).fit(X.iloc[train], y_few[tasks])
        fold[name] = task_scores(model, X.iloc[test], y.iloc[test][tasks])["math3"]
    scores.append(fold)

math3 = pd.DataFrame(scores).rename(index="fold {}".format).T
print("share explained of math3, learned from 300 labels")
print(math3.assign(mean=math3.mean(axis=1)).to_string(float_format="{:.3f}".format))

# %%
# Here the shared network wins, if every label counts the same: what it learned from the other tests
# serves this one. If every task counts the same, it follows the accidents of 300 pupils instead.
# (:ref:`sphx_glr_auto_examples_plot_exam_schools.py` is about tasks that all have few labels.)
#
# Both comparisons as a figure; small dots are the folds.

import matplotlib.pyplot as plt

looks = {
    "linear": {"color": "#E69F00", "marker": "s", "label": "nine linear models"},
    "network": {"color": "#0072B2", "marker": "o", "label": "nine networks"},
}
figure = plt.figure(figsize=(13, 5.5), layout="constrained")
left, middle, right = figure.subplots(1, 3)
rows = np.arange(len(y.columns))
for offset, (name, look) in zip([-0.15, 0.15], looks.items(), strict=True):
    left.scatter(alone[name].mean(), rows + offset, s=45, **look)
    middle.scatter(gain[name].mean(), rows + offset, s=45, **look)
    for _, fold in gain[name].iterrows():
        middle.scatter(fold, rows + offset, s=8, color=look["color"])
left.scatter(shared.mean(), rows, s=250, marker="|", color="black", label="one shared network")
left.legend(loc="upper right")
left.set_title("All labels: score of each task")
left.set_xlabel(f"share explained, mean of {folds.n_splits} folds")
middle.axvline(0, color="black", linewidth=1)
middle.set_title("All labels: what sharing adds")
middle.set_xlabel("shared network minus nine models")

for row, (name, values) in enumerate(math3.iterrows()):
    look = looks[name.split()[0]] if "alone" in name else {"color": "black", "marker": "D"}
    right.scatter(values.mean(), row, s=45, color=look["color"], marker=look["marker"])
    right.scatter(values, [row] * len(values), s=8, color=look["color"])
right.set_title("math3 learned from 300 labels")
right.set_xlabel("share explained")
right.set_xlim(left=0)

for axes, labels in [(left, y.columns), (middle, y.columns), (right, math3.index)]:
    axes.set_yticks(range(len(labels)), [label.replace(", ", ",\n") for label in labels])
    axes.set_ylim(len(labels) - 0.5, -0.5)
    axes.grid(axis="x", alpha=0.3)

# %%
# New pupils
# ----------
# The search has fitted the best settings to all pupils. ``predict`` gives one column per task, and
# ``predict_proba`` a list with one entry per task: None for a score, (n_samples, n_classes) for the
# lunch.

predicted = pd.DataFrame(together.predict(X_new), columns=y.columns, index=X_new.index)
lunch = y.columns.get_loc("lunch3")
is_yes = together.classes_[lunch].tolist().index("yes")
predicted["P(lunch3=yes)"] = together.predict_proba(X_new)[lunch][:, is_yes]

print("predicted")
print(predicted.infer_objects().round(2).to_string())
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
