"""
Which pixels tell digits apart?
===============================

Ten tasks on small pictures of digits: is it a zero, is it a one, and so on. Each of the 64 pixels
is a feature. If every pixel that a reader looks at costs something, we want few of them, and the
same for all ten tasks: a pixel that one task needs is there for the others too. This is what the
penalty "l21" is made for.
"""

# %%
# Data
# ----
# The pictures come with scikit-learn. The tasks are the columns of ``y``: 1 for yes, 0 for no. They
# are learned as numbers, by least squares, which is fast, and good enough to choose pixels.

import pandas as pd
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

X, digit = load_digits(return_X_y=True, as_frame=True)
X = X / 16
y = pd.get_dummies(digit).astype(float).rename(columns="is it {}?".format)
X, X_new, y, y_new = train_test_split(X, y, train_size=600, random_state=0)

# %%
# How many pixels does it take?
# -----------------------------
# The larger ``alpha``, the fewer pixels have a coefficient. The penalty also shrinks what it
# leaves, so a ridge regression is fitted to the pixels that are chosen, and names the digit with
# the largest of its ten answers.

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter
from sklearn.linear_model import Ridge

from skmtl import MultiTaskLinearRegressor


def share_right(pixels):
    """Share of new digits that are told right from these pixels."""
    model = Ridge(0.01).fit(X.loc[:, pixels], y)
    return (model.predict(X_new.loc[:, pixels]).argmax(axis=1) == digit[X_new.index]).mean()


chosen = {}
for alpha in np.logspace(-1.1, -3.5, 60):
    used = (MultiTaskLinearRegressor("l21", alpha=alpha).fit(X, y).coef_ != 0).any(axis=0)
    chosen.setdefault(used.sum(), used)
right = {n: share_right(used) for n, used in chosen.items()}
of_all = share_right(X.columns)

figure, ax = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
ax.axhline(of_all, color="#8C8C8C", linestyle="--")
ax.text(1, of_all, f"all 64 pixels: {of_all:.0%}", color="#8C8C8C", va="bottom")
ax.plot(list(right), list(right.values()), color="#0072B2", linewidth=2.5)
twenty = max(n for n in right if n <= 20)
enough = min(n for n in right if right[n] >= of_all - 0.01)
for n in (twenty, enough):
    ax.plot(n, right[n], "o", color="#D55E00", markersize=9)
    text = f"{n} pixels: {right[n]:.0%}"
    ax.annotate(text, (n, right[n]), (8, -16), textcoords="offset points", color="#D55E00")
ax.set(xlabel="pixels that the penalty leaves", ylabel="new digits told right", xlim=(0, 60))
ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
ax.set_title(f"{enough} of 64 pixels tell the digits nearly as well as all")
ax.spines[["top", "right"]].set_visible(False)
plt.show()

# %%
# Those few, on new digits:

figure, axes = plt.subplots(1, 6, figsize=(10, 2.2), layout="constrained")
for panel, picture in zip(axes, X_new.to_numpy(), strict=False):
    panel.imshow(picture.reshape(8, 8), cmap="Greys")
    rows, columns = chosen[twenty].reshape(8, 8).nonzero()
    panel.scatter(columns, rows, s=50, facecolors="none", edgecolors="#D55E00", linewidths=1.5)
    panel.set_axis_off()
figure.suptitle(f"{twenty} pixels (rings) are enough to tell {right[twenty]:.0%} right")
plt.show()

# %%
# How many are worth it?
# ----------------------
# :class:`~skmtl.MultiTaskLinearRegressorCV` chooses alpha by cross-validation. Fewer pixels may do
# nearly as well as the best: ``selection="one_standard_error"`` takes the largest alpha whose score
# cannot be told from the best. Next to it ten tasks that are learned alone, each with a lasso.

from sklearn.linear_model import LassoCV

from skmtl import IndependentTasks, MultiTaskLinearRegressorCV

models = {
    "together": MultiTaskLinearRegressorCV("l21", alphas=40, selection="one_standard_error"),
    "alone": IndependentTasks(LassoCV(alphas=40), tasks="regression"),
}
coefs = {}
for name, model in models.items():
    model.fit(X, y)
    coefs[name] = (
        model.coef_ if name == "together" else np.stack([m.coef_ for m in model.estimators_])
    )
    is_used = coefs[name] != 0
    print(f"{name}: {is_used.sum(axis=1).mean():.0f} pixels a task,", end=" ")
    print(f"{is_used.any(axis=0).sum()} in all, R2 {model.score(X_new, y_new):.2f}")

# %%
# What speaks for a digit
# -----------------------
# The coefficients of each task as a picture: blue speaks for the digit, red against it, and grey
# pixels are not used. Together, all ten leave out the same pixels, at the margin. Alone, each
# leaves out others, so that in the end fewer are left that nobody wants.

figure, axes = plt.subplots(2, 10, figsize=(11, 2.9), layout="constrained")
for row, (name, coef) in zip(axes, coefs.items(), strict=True):
    for panel, task, weights in zip(row, y.columns, coef, strict=True):
        panel.set_facecolor("#BBBBBB")
        limit = np.quantile(np.abs(weights), 0.95)
        picture = np.ma.masked_equal(weights.reshape(8, 8), 0)
        panel.imshow(picture, cmap="RdBu", vmin=-limit, vmax=limit)
        panel.set_xticks([])
        panel.set_yticks([])
        if name == "together":
            panel.set_title(task, fontsize="medium")
    row[0].set_ylabel(name)
figure.suptitle("Together, ten tasks leave out the same pixels (grey)")
plt.show()

# %%
# With many features :class:`~skmtl.inspection.RegularizationPathDisplay` draws how they come in
# along the path, and :class:`~skmtl.inspection.CoefficientMapDisplay` the largest coefficients.
