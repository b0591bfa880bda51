"""
Three questions about one picture
=================================

Of a handwritten digit one may ask which it is, whether it is even or odd, and how much ink it
took: ten classes, two classes and a number. The last two cost nothing, somebody has to answer the
first. Here one network with a trunk for images learns all three, from 797 pictures of which only
some have a digit. Do the cheap questions help with the expensive one?
"""

# %%
# Pictures and labels
# -------------------
# A picture has 8 x 8 pixels. ``X`` keeps its shape, (n, 1, 8, 8), because the trunk below wants
# it. ``y`` is a table of three tasks.

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

pixels, digit = load_digits(return_X_y=True)
X = pixels.reshape(-1, 1, 8, 8).astype("float32") / 16
y = pd.DataFrame(
    {
        "digit": digit.astype(str),
        "parity": np.where(digit % 2, "odd", "even"),
        "ink": X.sum(axis=(1, 2, 3)),
    }
)
y.head(3)

# %%
# A trunk for images
# ------------------
# Any PyTorch module can be the trunk, as long as it makes one vector of a picture. What comes on
# top, a layer of 64 units and a head for each task, is the network's own.

from torch import nn

from skmtl import MultiTaskMLP
from skmtl.neural.architectures import HardSharing


def convolutions():
    """Two layers of filters, each followed by a pooling layer."""
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
    )


def network(seed):
    """One of these, untrained."""
    return MultiTaskMLP((64,), architecture=HardSharing(trunk=convolutions), random_state=seed)


# %%
# Together and alone
# ------------------
# In two random splits, 1,000 pictures are kept for the test. Of the others the first 50, 100 or
# all have a digit. The same network learns the digits alone, from just these, and together with
# the parity and the ink of all pictures.

from sklearn.model_selection import train_test_split


def accuracy(model, X_test, y_test):
    """Share of the digits that are read correctly."""
    return (model.predict_frame(X_test)["digit"].to_numpy() == y_test["digit"].to_numpy()).mean()


rows, networks = [], {}
for seed in range(2):
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, test_size=1000, stratify=digit, random_state=seed
    )
    for n_labels in (50, 100, len(X_train)):
        y_few = y_train.reset_index(drop=True)
        y_few.loc[n_labels:, "digit"] = None
        together = network(seed).fit(X_train, y_few)
        alone = network(seed).fit(X_train[:n_labels], y_few.loc[: n_labels - 1, ["digit"]])
        networks[n_labels] = together
        for name, model in (("together", together), ("alone", alone)):
            rows.append((n_labels, name, seed, accuracy(model, X_test, y_test)))

found = pd.DataFrame(rows, columns=["digit labels", "learned", "split", "accuracy"])
table = found.pivot_table(index="digit labels", columns="learned", values="accuracy")
print(table.round(3).to_string())

# %%
# With 50 labels, five a digit, the network that also learns what is free reads clearly more digits.
# Whoever can tell even from odd has learned to see loops and strokes, and that is what the digits
# are made of. With all labels there is nothing left to borrow.
#
# Nothing is for free on the other side, though. The amount of ink is a sum over pixels, which a
# network alone learns better than one that has filters for digits to think of:

from skmtl import task_scores

ink_alone = network(seed).fit(X_train, y_train[["ink"]])
print(f"R2 of ink, together: {task_scores(together, X_test, y_test)['ink']:.3f}")
print(f"R2 of ink, alone:    {ink_alone.score(X_test, y_test[['ink']]):.3f}")

# %%
# Three answers a picture
# -----------------------
# The network that knows 100 digits answers all three questions. Where the digit it reads and the
# parity it sees contradict each other, one of the two is wrong, and nobody has to know the truth to
# see that: digits are read wrongly far more often there than elsewhere.

import matplotlib.pyplot as plt
from matplotlib.ticker import PercentFormatter

answers = networks[100].predict_frame(X_test)
is_odd = answers["digit"].astype(int) % 2 == 1
contradicts = (is_odd != (answers["parity"] == "odd")).to_numpy()
truth = y_test["digit"].to_numpy()
is_wrong = answers["digit"].to_numpy() != truth
print(f"{contradicts.mean():.1%} of the pictures have answers that contradict each other")
print(f"digits read wrongly: {is_wrong[contradicts].mean():.0%} of these, ", end="")
print(f"{is_wrong[~contradicts].mean():.0%} of the others")

figure = plt.figure(figsize=(10, 4.2), layout="constrained")
left, right = figure.subfigures(1, 2, width_ratios=[1.2, 1])
axes = left.subplots()
for name, colour, offset in (("together", "#0072B2", (-6, 8)), ("alone", "#E69F00", (10, -8))):
    group = found[found["learned"] == name]
    axes.scatter(group["digit labels"], group["accuracy"], s=10, color=colour)
    axes.plot(table.index, table[name], "o-", color=colour, linewidth=2.5)
    at = (100, table.loc[100, name])
    axes.annotate(name, at, offset, textcoords="offset points", color=colour)
axes.set_xscale("log")
axes.set_xticks(table.index, table.index)
axes.minorticks_off()
axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
axes.set_xlabel("pictures with a digit")
axes.set_ylabel("digits read correctly")
axes.spines[["top", "right"]].set_visible(False)
few = table.loc[50]
axes.set_title(f"Free questions: from 50 digits, {few['together']:.0%} and not {few['alone']:.0%}")

for panel, row in zip(right.subplots(2, 3).ravel(), np.flatnonzero(contradicts), strict=False):
    panel.imshow(X_test[row, 0], cmap="gray_r")
    answer = answers.iloc[row]
    panel.set_title(f'"{answer["digit"]}" and "{answer["parity"]}"\nit is {truth[row]}', fontsize=9)
    panel.set_axis_off()
there, elsewhere = is_wrong[contradicts].mean(), is_wrong[~contradicts].mean()
right.suptitle(f"Answers contradict: {there:.0%} of digits are wrong, else {elsewhere:.0%}")
plt.show()
