"""
Nine tasks in one model
=======================

Project STAR followed 11,598 pupils in Tennessee from kindergarten to third grade. Of each we know
the school, the class, the teacher and some facts about the child, and would like to predict nine
things: a reading and a math score in each of four grades, and whether the pupil qualified for
free lunch in third grade. Pupils came and went, so that almost half of these labels are missing.

With an estimator per task this means nine models, each on its own subset of the rows. Here one
:class:`~skmtl.MultiTaskMLP` learns from all labels that exist. Whether that helps is a question
for the data, so nine linear models are fitted too.
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
# A third of the pupils is put aside, to see what becomes of predictions.

from sklearn.model_selection import train_test_split

X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=1 / 3, random_state=0)

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
# have its label: linear models, each of which chooses its penalty within the training rows. With
# hundreds of columns, most of them 0 or 1, they are hard to beat.

import numpy as np
from sklearn.linear_model import LogisticRegressionCV, RidgeCV

from skmtl import IndependentTasks, MultiTaskMLP

ridge = RidgeCV(np.logspace(0, 3, 10))
logistic = LogisticRegressionCV(
    Cs=[0.01, 0.03, 0.1],
    cv=3,
    scoring="neg_log_loss",
    l1_ratios=(0.0,),
    use_legacy_attributes=False,
)
models = {
    "nine linear models": IndependentTasks(regressor=ridge, classifier=logistic),
    "one network": MultiTaskMLP(random_state=0),
}

# %%
# Did it help?
# ------------
# The score of a task is the share explained on pupils the model has not seen: R2 for the eight
# scores, explained log loss for the lunch. 1 is perfect, 0 no better than a constant.
# :func:`~skmtl.task_scores` gives that of every task.

import pandas as pd

from skmtl import task_scores

fitted, scores = {}, {}
for name, model in models.items():
    fitted[name] = make_pipeline(prepare, model).fit(X_train, y_train)
    scores[name] = task_scores(fitted[name], X_test, y_test)

table = pd.DataFrame(scores)
print(table.to_string(float_format="{:.3f}".format))

# %%
# Each score has some 4,000 labels to learn from, and there is little that it could borrow from the
# others: one network for all is about level with nine linear models. What it saves is work: there
# is one fit, and one model to keep. :class:`~skmtl.MultiTaskMLPCV`, several networks blended by
# what held-out rows say, takes longer and is often more accurate.
#
# A task with few labels
# ----------------------
# Suppose that only 300 pupils had sat the math test of third grade so far. The other labels of
# ``math3`` are hidden, and the models are scored on pupils they have not seen, as before. Every
# task's loss is an average over its own labels, so the 300 would count as much as the thousands of
# another task. With ``task_weight="labels"`` every label counts the same.

models_of_few = {
    "a linear model": IndependentTasks(ridge),
    "a network": MultiTaskMLP(random_state=0),
    "one network": MultiTaskMLP(random_state=0),
    "one network, labels count the same": MultiTaskMLP(task_weight="labels", random_state=0),
}
y_few = y_train.copy()
y_few.loc[y_few["math3"].dropna().index[300:], "math3"] = np.nan
math3 = {}
for name, model in models_of_few.items():
    tasks = list(y) if "one" in name else ["math3"]
    model = make_pipeline(prepare, model).fit(X_train, y_few[tasks])
    math3[name] = task_scores(model, X_test, y_test[tasks])["math3"]

print("share explained of math3, learned from 300 labels")
print(pd.Series(math3).to_string(float_format="{:.3f}".format))

# %%
# Here sharing wins, if every label counts the same: what the network learned from the other tests
# serves this one. If every task counts the same, it follows the accidents of 300 pupils instead.
# (:ref:`sphx_glr_auto_examples_plot_exam_schools.py` is about tasks that all have few labels.)
#
# Both as a figure:

import matplotlib.pyplot as plt

pairs = {task: tuple(table.loc[task]) for task in y.columns}
rare = "math3 from 300 labels"
pairs[rare] = math3["a linear model"], math3["one network, labels count the same"]
figure, ax = plt.subplots(figsize=(7.2, 4.6), layout="constrained")
for row, (linear, network) in enumerate(pairs.values()):
    ax.plot([linear, network], [row, row], color="#0072B2", linewidth=2, zorder=1)
    ax.plot(linear, row, "o", color="#8C8C8C", markersize=8)
    ax.plot(network, row, "o", color="#0072B2", markersize=8)
ax.text(linear - 0.01, row, "linear model ", color="#666666", ha="right", va="center")
ax.text(network + 0.01, row, " one network", color="#0072B2", va="center")
ax.axhline(8.5, color="black", linewidth=0.8, linestyle=":")
ax.set_yticks(range(len(pairs)), pairs)
ax.invert_yaxis()
ax.set_xlim(0, 0.6)
ax.set_xlabel("share explained on pupils that are new")
gain = pairs[rare][1] - pairs[rare][0]
ax.set_title(
    "One network is level with linear models where labels are many,\n"
    f"and {gain:+.2f} where they are few"
)
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# New pupils
# ----------
# ``predict_frame`` gives a table with a column per task, and ``predict_proba`` a list with one
# entry per task: None for a score, (n_samples, n_classes) for the lunch.

from skmtl import predict_frame

together, X_new, y_new = fitted["one network"], X_test[:3], y_test[:3]
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
