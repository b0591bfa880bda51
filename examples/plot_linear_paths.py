"""
Which pixels tell digits apart?
===============================

Ten tasks on small pictures of digits: is it a zero, is it a one, and so on. Each of the 64 pixels
is a feature. If every pixel that a reader looks at costs something, we want few of them, and the
same for all ten tasks: a pixel that one task needs is there for the others too. This is what the
penalty "l21" is made for, and two displays show what it does.
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
# The path
# --------
# The larger ``alpha``, the fewer pixels. :class:`~skmtl.MultiTaskLinearRegressorCV` fits a path of
# alphas on each fold. Its best alpha is that of the highest score, but fewer pixels may do nearly
# as well: ``selection="one_standard_error"`` takes the largest alpha whose score cannot be told
# from the best.

import matplotlib.pyplot as plt

from skmtl import MultiTaskLinearRegressorCV
from skmtl.inspection import RegularizationPathDisplay

together = MultiTaskLinearRegressorCV("l21", alphas=40, selection="one_standard_error")
together.fit(X, y)
path = RegularizationPathDisplay.from_estimator(together, X, y)
plt.show()

# %%
# On the right, where alpha is large, all coefficients are zero. Towards the left one pixel after
# the other comes in. The dashed line is the alpha that was chosen, the lower panel says why.

n_used = (together.coef_ != 0).any(axis=0).sum()
print(f"{n_used} of 64 pixels, R2 {together.score(X_new, y_new):.2f} on other pictures")

# %%
# The coefficients
# ----------------
# A row is a pixel ("pixel_5_1" is in row 5, column 1, counted from 0), a column is a task. Blue
# speaks for a digit, red against it. Grey pixels are used by no task; most lie at the margin.
#
# Next to it the same for tasks learned alone, each with a lasso of its own.

from sklearn.linear_model import LassoCV

from skmtl import IndependentTasks
from skmtl.inspection import CoefficientMapDisplay

alone = IndependentTasks(LassoCV(alphas=40), tasks="regression").fit(X, y)
figure, axes = plt.subplots(1, 2, figsize=(11, 9), layout="constrained")
maps = [
    CoefficientMapDisplay.from_estimator(model, ax=panel, max_features=None)
    for panel, model in zip(axes, [together, alone], strict=True)
]
for shown, name in zip(maps, ["together", "alone"], strict=True):
    shown.ax_.set_title(f"{name}: {shown.ax_.get_title()}")
plt.show()

# %%
# Alone, the tasks choose different pixels, so that fewer are left that nobody wants. The two on top
# are blank in nearly all pictures: their huge coefficients, beyond the end of the colour bar, rest
# on a few.

for name, shown in zip(["together", "alone"], maps, strict=True):
    is_used = shown.coef != 0
    each, some = is_used.sum(axis=1).mean(), is_used.any(axis=0).sum()
    print(f"{name}: {each:.0f} pixels a task, {some} in all")
print(f"R2 alone: {alone.score(X_new, y_new):.2f}")

# %%
# Twenty pixels
# -------------
# The score is the same, and the saving is small: nearly every pixel in the middle has something to
# say to one of ten tasks. But what if we could pay for twenty? The path has the answer: the
# smallest alpha at which no more than twenty have a coefficient. The penalty shrinks what it
# leaves, so a ridge regression is fitted to the chosen pixels.

from sklearn.linear_model import Ridge

n_pixels = (path.norms > 0).sum(axis=1)
chosen = path.norms[n_pixels <= 20][-1] > 0


def share_right(pixels):
    model = Ridge(0.01).fit(X.loc[:, pixels], y)
    return (model.predict(X_new.loc[:, pixels]).argmax(axis=1) == digit[X_new.index]).mean()


print(f"digits told right from {chosen.sum()} pixels: {share_right(chosen):.0%}")
print(f"digits told right from all: {share_right(X.columns):.0%}")

figure, axes = plt.subplots(1, 5, figsize=(11, 2.4), layout="constrained")
for panel, picture in zip(axes, X_new.to_numpy(), strict=False):
    panel.imshow(picture.reshape(8, 8), cmap="Greys")
    rows, columns = chosen.reshape(8, 8).nonzero()
    panel.scatter(columns, rows, s=60, facecolors="none", edgecolors="#D55E00", linewidths=1.5)
    panel.set_axis_off()
axes[0].set_title("the pixels, on new digits", loc="left")
plt.show()
