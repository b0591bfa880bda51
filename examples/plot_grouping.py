"""
Who belongs together?
=====================

Nine tasks are of three kinds, and nobody says which is of which. Learned all together they get in
each other's way; learned alone each has too few labels. :class:`~skmtl.TaskGrouping` finds groups
by what tasks have in common, and a comparison on unseen rows says whether that was worth it.
"""

# %%
# Nine tasks of three kinds
# -------------------------
# Synthetic: tasks of a kind have nearly the same coefficients, those of different kinds have
# nothing in common.

from skmtl.datasets import make_multitask_regression

X, y = make_multitask_regression(
    60, 20, n_tasks=9, n_groups=3, relatedness=0.97, noise=2.0, random_state=0
)

# %%
# What they have in common
# ------------------------
# Cosines between coefficients of tasks learned alone. Only what is beyond the noise, which two
# halves of the rows tell, has a colour.

from skmtl import MultiTaskLinearRegressor
from skmtl.inspection import task_affinity

model = MultiTaskLinearRegressor("mean_deviation", alpha="auto")
alone = MultiTaskLinearRegressor("l2", alpha="auto")
affinity = task_affinity(alone, X, y, method="coef_cosine", noise=True)
affinity

# %%
# Three ways, on the same unseen rows
# -----------------------------------

import matplotlib.pyplot as plt
import numpy as np

from skmtl import IndependentTasks, TaskGrouping, transfer_gain
from skmtl.inspection import TaskAffinityDisplay

baseline = IndependentTasks(alone)
ways = {
    "all together": model,
    "in groups": TaskGrouping(model, n_groups=3, affinity="coef_cosine"),
}
gains = {name: transfer_gain(way, X, y, baseline=baseline) for name, way in ways.items()}
for name, gain in gains.items():
    print(f"{name}: {gain.verdict}, {gain.mean_gain:+.0%}")

# %%
# Left the groups, right what they are worth. No task has labels enough to tell by itself; their
# mean, printed above, has.

figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
TaskAffinityDisplay(affinity).plot(ax=left)
places = np.arange(9)
for shift, (name, gain), look in zip((-0.15, 0.15), gains.items(), ("o", "D"), strict=True):
    reach = np.abs(gain.interval - gain.gain[:, None]).T
    right.errorbar(100 * gain.gain, places + shift, xerr=100 * reach, fmt=look, label=name)
right.axvline(0, color="black", linewidth=1)
right.set_yticks(places, [f"task {t}" for t in places])
right.invert_yaxis()
right.set_xlabel("% of the loss of learning alone that is saved")
right.legend(frameon=False)
plt.show()

# %%
# The groups are those that the data were made of: tasks 0, 3, 6; 1, 4, 7; and 2, 5, 8.

grouped = ways["in groups"].fit(X, y)
grouped.groups_
