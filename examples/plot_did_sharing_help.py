"""
Did sharing help?
=================

A model of many tasks can be better than one model per task, or worse, and for some tasks better
and for others worse. This example asks four questions of such a model: what did each task gain,
which tasks belong together, what if only those share, and what do the predictions look like?

The first data set is made up, so that we know what should come out. The second is real.
"""

# %%
# Eight assays
# ------------
# A laboratory tests molecules, described by 100 numbers, in eight assays: six on a kinase, two on
# an ion channel. Molecules that block one kinase assay tend to block the others, but the channel
# has nothing to do with them. Every molecule was tested in a few assays only: 70 % of the labels
# are missing.

from skmtl.datasets import make_multitask_regression

X, y = make_multitask_regression(
    n_samples=1400,
    n_features=100,
    n_informative=100,
    n_tasks=12,
    n_groups=2,
    relatedness=0.95,
    noise=1.0,
    missing=0.7,
    as_frame=True,
    random_state=0,
)
# Even columns are one group, odd columns the other.
y = y.iloc[:, [0, 2, 4, 6, 8, 10, 1, 3]]
kinase = [f"kinase {k}" for k in range(1, 7)]
channel = ["channel 1", "channel 2"]
y.columns = kinase + channel
X, X_new, y, y_new = X[:1000], X[1000:], y[:1000], y[1000:]
print(y.count().rename("labels").to_string())

# %%
# What did each task gain?
# ------------------------
# The penalty "mean_deviation" draws the coefficients of all tasks towards their mean: it believes
# that tasks are alike. The baseline is a ridge regression for each assay. Both choose how strongly
# to regularise by cross-validation, in every fold.
#
# A gain of 20 % says that a fifth of the baseline's squared error is gone, measured on labels that
# neither has seen. Its interval allows for the folds having molecules in common.

import numpy as np
from sklearn.linear_model import RidgeCV

from skmtl import IndependentTasks, MultiTaskLinearRegressorCV
from skmtl.inspection import TransferGainDisplay
from skmtl.model_selection import MultiTaskShuffleSplit

together = MultiTaskLinearRegressorCV("mean_deviation", alphas=10, cv=3)
alone = IndependentTasks(RidgeCV(np.logspace(-1, 3, 9)))
splits = MultiTaskShuffleSplit(20, test_size=0.2, random_state=0)
gains = TransferGainDisplay.from_estimator(together, X, y, baseline=alone, cv=splits)

# %%
# The channel assays pay for it; where a whole interval lies below zero, beyond doubt. They are two
# of eight, so that the mean to which all are drawn is that of the kinase. The kinase assays seem to
# gain, some of them beyond doubt. The mean over the tasks would have told nothing of all this:

print(f"mean gain: {100 * gains.gain.gain.mean():.1f} %")

# %%
# Which tasks belong together?
# ----------------------------
# An affinity is a guess. Here every assay is learned alone, and two are close if their coefficients
# point the same way. Rows and columns are sorted so that similar tasks stand side by side.

from skmtl.inspection import TaskAffinityDisplay

affinity = TaskAffinityDisplay.from_estimator(
    MultiTaskLinearRegressorCV("l2", alphas=8), X, y, method="coef_cosine"
)

# %%
# Two blocks, and they are the right ones. That is a hint, not a proof: affinities can mislead, so
# what they suggest has to be measured like anything else.

# %%
# Only those that belong together
# -------------------------------
# One model for the kinase, one for the channel. Like those of scikit-learn, displays draw into axes
# that they are given.

import matplotlib.pyplot as plt
from matplotlib.ticker import PercentFormatter

figure, axes = plt.subplots(2, 1, figsize=(6.4, 4.6), height_ratios=[5, 2], layout="constrained")
for panel, group in zip(axes, [kinase, channel], strict=True):
    TransferGainDisplay.from_estimator(
        together, X, y[group], baseline=alone, cv=splits, ax=panel, sort=False
    )
    panel.set_xlim(-0.1, 0.4)
axes[0].set_xlabel("")
plt.show()

# %%
# Nothing is harmed beyond doubt any more, and most kinase assays gain more than before. We cannot
# be sure of each: with 300 labels, of which 60 are in a test fold, the intervals are wide.

# %%
# What do the predictions look like?
# ----------------------------------
# A model of the six, on molecules that were put aside in the beginning. Only observed labels are
# drawn.

from skmtl.inspection import TaskPredictionDisplay

model = together.fit(X, y[kinase])
TaskPredictionDisplay.from_estimator(model, X_new, y_new[kinase])
plt.show()

# %%
# Sixty-three schools
# -------------------
# Now real data: the exam scores of pupils in schools with ten pupils at least. Each school is a
# task with rows of its own, drawn towards the mean of all, and the baseline is again a ridge
# regression for each (:ref:`sphx_glr_auto_examples_plot_exam_schools.py` tells more of them).

from sklearn.compose import make_column_transformer
from sklearn.model_selection import ShuffleSplit
from sklearn.preprocessing import OneHotEncoder

from skmtl import transfer_gain
from skmtl.datasets import load_exam

pupils, score = load_exam(return_X_y=True)
is_kept = pupils.groupby("school")["school"].transform("size") >= 10
prepare = make_column_transformer(
    (OneHotEncoder(drop="first", sparse_output=False), ["intake", "sex", "schgend"]),
    remainder="passthrough",
    verbose_feature_names_out=False,
).set_output(transform="pandas")
pupils, score = prepare.fit_transform(pupils[is_kept]), score[is_kept]

together = MultiTaskLinearRegressorCV(
    "mean_deviation",
    alphas=np.logspace(-2, 1, 4),
    grid={"intercept_alpha": [0.03, 0.1, 0.3]},
    cv=3,
    task_feature="school",
)
schools = transfer_gain(
    together,
    pupils,
    score,
    baseline=IndependentTasks(RidgeCV(np.logspace(0, 3, 7)), task_feature="school"),
    cv=ShuffleSplit(10, test_size=0.2, random_state=0),
)
print(schools.verdict)

# %%
# Taken one by one, hardly a school can be told to gain: a dozen pupils in a test fold say little.
# So all of them are drawn without their intervals, as bars from the largest gain to the largest
# loss; only the mean of all, which is sure, has one.

gain = np.sort(schools.gain)[::-1]
n_gain = (gain > 0).sum()
low, high = schools.mean_interval
figure, ax = plt.subplots(figsize=(7, 3.8), layout="constrained")
ax.bar(range(len(gain)), gain, color=np.where(gain > 0, "#0072B2", "#D55E00"), width=0.8)
ax.axhspan(low, high, color="#8C8C8C", alpha=0.4, linewidth=0, zorder=0)
text = f"mean {schools.mean_gain:.0%} ({low:.0%} to {high:.0%})"
ax.text(len(gain) - 1, high, text, ha="right", va="bottom", color="#555555")
ax.text(0, gain[n_gain // 2] / 2, f" {n_gain} gain", color="white", va="center")
ax.text(len(gain) - 1, gain[-1], f"{len(gain) - n_gain} lose   ", color="#D55E00", ha="right")
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.set_ylabel("share of the loss saved")
ax.set_xlabel("schools")
ax.set_xticks([])
ax.spines[["top", "right", "bottom"]].set_visible(False)
ax.set_title(f"Sharing pays for {n_gain} of {len(gain)} schools")
plt.show()

# %%
# Were sharing of no use, about half of the bars would point down.
