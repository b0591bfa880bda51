"""
Watching a network learn nine tasks
===================================

A loss that falls on average may hide a task that is learned by heart and another that learns
nothing. This example trains networks on the nine tasks of Project STAR
(:ref:`sphx_glr_auto_examples_plot_quickstart.py` tells what they are) and looks inside: which
labels are there, how fast is each task learned, what does balancing do, and do the tasks pull the
shared layer in different directions?
"""

# %%
# Which labels are there?
# -----------------------
# 3,000 of the pupils are enough here. Without the ids of their schools, about a hundred features
# are left.

from skmtl.datasets import load_star
from skmtl.inspection import LabelCoverageDisplay

X, y = load_star(return_X_y=True)
X = X.drop(columns=[name for name in X if name.startswith("schoolid")])
X = X.sample(3000, random_state=0)
y = y.loc[X.index]
LabelCoverageDisplay.from_labels(y)

# %%
# On top the labels of each task; the orange part is the rarer answer to whether a pupil got free
# lunch. Below are the patterns in which labels are missing. Reading and math of a grade come and go
# together, because a pupil who was at school sat both tests. The most frequent pattern has
# everything, the next has kindergarten only: those pupils left. The right side counts pupils with
# labels of both of two tasks.

# %%
# How fast is each task learned?
# ------------------------------
# A layer of 64 units is shared by all tasks. Losses of different tasks are not comparable, so every
# curve is divided by the first training loss of its task.

from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skmtl import MultiTaskMLP
from skmtl.inspection import TaskLearningCurveDisplay

prepare = make_column_transformer(
    (
        make_pipeline(SimpleImputer(strategy="median"), StandardScaler()),
        make_column_selector(dtype_include="number"),
    ),
    (
        OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=10, sparse_output=False),
        make_column_selector(dtype_include="category"),
    ),
)
X = prepare.fit_transform(X).astype("float32")

network = MultiTaskMLP((64,), dropout=0.3, early_stopping=True, random_state=0)
network.fit(X, y)
TaskLearningCurveDisplay.from_estimator(network)


# %%
# Most tasks are at their best after a dozen epochs or earlier: from then on the training loss falls
# and the validation loss does not, so that what is learned is learned by heart. The free lunch
# takes its time and is not done in the end. The dotted line is the epoch whose weights were kept,
# that of the lowest mean over the tasks: a compromise, as the best epochs of the single tasks show.

import pandas as pd

best = network.history_["validation_loss"].argmin(axis=0) + 1
print(pd.Series(best, index=y.columns, name="best epoch").to_string())

# %%
# What does balancing do?
# -----------------------
# "gradnorm" changes the weights of the tasks so that all are learned at a similar pace. More than
# six tasks are drawn as a heat map, sorted by their last weight.

import matplotlib.pyplot as plt

from skmtl.inspection import TaskWeightDisplay

balanced = MultiTaskMLP(
    (64,), dropout=0.3, early_stopping=True, balancing="gradnorm", random_state=0
)
balanced.fit(X, y)
TaskWeightDisplay.from_estimator(balanced)
plt.show()

# %%
# It sees the same as we do: the lunch lags behind and counts most in the first epochs, until it has
# caught up. Does that make the network any better?

for name, model in {"equal weights": network, "gradnorm": balanced}.items():
    print(f"{name}: mean score {model.best_validation_score_:.3f} after {model.n_iter_} epochs")

# %%
# Hardly: these are the scores of 300 pupils, and another seed may turn the order around.

# %%
# Do the tasks pull in different directions?
# ------------------------------------------
# Balancing would have more to do if the tasks were in conflict: a step along the gradient of one
# loss would then raise that of another. The left panel counts the pairs of tasks with opposite
# gradients, the right one shows which pairs agree.

from skmtl.inspection import GradientConflictDisplay

GradientConflictDisplay.from_estimator(network, X, y)
plt.show()

# %%
# Few pairs have opposite gradients, and on average next to no two tasks oppose each other. Without
# having been told, the map knows the design of the study: reading and math of a grade agree most,
# then the same subject one grade apart. The lunch stands alone; its gradient has next to nothing
# to do with those of the tests.
#
# So there is nothing to repair here. Where the map has dark red blocks, try to learn these tasks
# apart, and let :func:`~skmtl.transfer_gain` judge.
