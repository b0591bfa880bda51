"""
Sixty-five schools, few pupils each
===================================

4,059 pupils of 65 London schools took an exam at 16. It is to be predicted from what was known of
them at 11. Schools differ, so each is a task with rows of its own; but they do not differ much,
and many have few pupils. Three ways to go about it:

* *apart*: a ridge regression for each school, which knows nothing of the others;
* *pooled*: one ridge regression for all pupils, which knows nothing of schools;
* *together*: :class:`~skmtl.MultiTaskLinearRegressor` with the penalty
  ``"mean_deviation"``, a model for each school that is drawn towards the mean of all.
"""

# %%
# Long form
# ---------
# Every row belongs to one task. This is the *long* form: a column of ``X``, here ``school``, says
# which task, and ``y`` is 1-D. Estimators get its name as ``task_feature``, so the preprocessing
# must keep the column as it is, and hand on a DataFrame.

from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder

from skmtl.datasets import load_exam

X, y = load_exam(return_X_y=True)
prepare = make_column_transformer(
    (OneHotEncoder(drop="first", sparse_output=False), ["intake", "sex", "schgend"]),
    remainder="passthrough",
    verbose_feature_names_out=False,
).set_output(transform="pandas")
prepare.fit_transform(X).head()

# %%
# Three models
# ------------
# Each searches its own penalty. ``intercept_alpha`` says how strongly the schools' levels are
# drawn together, ``alpha`` does so for the coefficients. In small samples a school may have no
# pupil at all: ``unknown_task="shared"`` predicts for it with what is known of all schools.

import numpy as np
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skmtl import IndependentTasks, MultiTaskLinearRegressor

long_form = {"task_feature": "school", "unknown_task": "shared"}
candidates = {
    "apart": (
        IndependentTasks(Ridge(), **long_form),
        {"independenttasks__estimator__alpha": np.logspace(0, 3, 4)},
    ),
    "pooled": (
        make_pipeline(
            make_column_transformer(("drop", ["school"]), remainder="passthrough"), Ridge()
        ),
        {"pipeline__ridge__alpha": np.logspace(-1, 2, 4)},
    ),
    "together": (
        MultiTaskLinearRegressor("mean_deviation", **long_form),
        {
            "multitasklinearregressor__alpha": np.logspace(-2, 1, 4),
            "multitasklinearregressor__intercept_alpha": np.logspace(-2, 0, 3),
        },
    ),
}

# %%
# How many pupils does it take?
# -----------------------------
# The models learn from 5 % of the pupils, about three a school, up to 80 %, about fifty, and
# predict another 20 %; three random splits each. The score is R2 over all these pupils.
#
# Schools with a single pupil in training give a warning. They are the point here, so it is
# silenced.

import warnings

import pandas as pd
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, ShuffleSplit

from skmtl.tasks import LabelWarning

warnings.simplefilter("ignore", LabelWarning)

shares = [0.05, 0.1, 0.2, 0.8]
scores = {name: {} for name in candidates}
of_few_pupils = {}
for share in shares:
    splits = ShuffleSplit(3, train_size=share, test_size=0.2, random_state=0)
    for name, (model, grid) in candidates.items():
        pipeline = make_pipeline(prepare, model)
        search = GridSearchCV(pipeline, grid, cv=splits, refit=False).fit(X, y)
        scores[name][share] = search.best_score_
        if share == 0.1:
            rows, _ = next(splits.split(X))
            best = clone(pipeline).set_params(**search.best_params_)
            of_few_pupils[name] = best.fit(X.iloc[rows], y.iloc[rows])

table = pd.DataFrame(scores).rename_axis("share of pupils")
print(table.round(3).to_string())

# %%
# With few pupils, a model for each school is far behind one for all. From 10 % on, together is
# better than either. With 5 %, three pupils a school, there is next to nothing to tell schools
# apart by, and the pooled model is the best.

# %%
# What drawing together does
# --------------------------
# The lines are predictions for a girl of the middle intake band, over her reading score at 11: one
# line a school, learned from 10 % of the pupils. Apart, the lines of small schools follow the
# accidents of their few pupils. Together, schools differ in level as far as there is evidence for
# it, and hardly in slope. Schools that are not among the 10 % get what is known of all.

import matplotlib.pyplot as plt

girls = X.drop_duplicates("school").assign(intake="mid 50%", sex="F")
readings = np.linspace(-2, 2, 2)
looks = {
    "apart": {"color": "#E69F00", "marker": "s"},
    "pooled": {"color": "#666666", "marker": "^"},
    "together": {"color": "#0072B2", "marker": "o"},
}
figure, (curve, apart, together) = plt.subplots(1, 3, figsize=(12, 4.2), layout="constrained")
places = {"apart": (0.2, (8, -10)), "pooled": (0.1, (0, -16)), "together": (0.2, (-8, 10))}
for name, look in looks.items():
    curve.plot(100 * table.index, table[name], linewidth=2.5, **look)
    share, offset = places[name]
    at = (100 * share, table.loc[share, name])
    curve.annotate(name, at, offset, textcoords="offset points", color=look["color"])
curve.set_title("Together is best from 10 % of the pupils on")
curve.set_xscale("log")
curve.set_xticks([100 * share for share in shares], [f"{100 * share:.0f}" for share in shares])
curve.minorticks_off()
curve.set_xlabel("pupils learned from (%)")
curve.set_ylabel("R2 on other pupils")

titles = {"apart": "Apart, small schools are guesses", "together": "Together, they differ in level"}
for axes, (name, title) in zip((apart, together), titles.items(), strict=True):
    lines = [of_few_pupils[name].predict(girls.assign(standLRT=reading)) for reading in readings]
    axes.plot(readings, lines, color=looks[name]["color"], linewidth=1, alpha=0.7)
    axes.set_title(title)
    axes.set_xlabel("reading score at 11 (standard deviations)")
apart.set_ylabel("predicted exam score (standard deviations)")
together.sharey(apart)
for axes in (curve, apart, together):
    axes.spines[["top", "right"]].set_visible(False)
plt.show()
