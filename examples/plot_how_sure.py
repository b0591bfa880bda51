"""
How sure is it?
===============

Four sensors, each with its own noise; the last is noisier the higher its first feature. Intervals
say how far off a prediction may be: from the model, or from residuals on rows it has not seen.
"""

# %%
# Four tasks, one of uneven noise
# -------------------------------
# A third of the labels is missing.

import numpy as np

rng = np.random.default_rng(0)
X = rng.uniform(-1, 1, size=(900, 3))
signal = X @ np.array([[2.0, 1.0, 0.5]]).T + X @ (0.3 * rng.normal(size=(3, 4)))
noise = np.array([0.2, 0.4, 0.8, 0.6]) * np.ones((900, 4))
noise[:, 3] *= 0.1 + 0.9 * (X[:, 0] + 1)
Y = signal + noise * rng.normal(size=(900, 4))
Y[rng.random(Y.shape) < 1 / 3] = np.nan
train, test = slice(300), slice(300, None)

# %%
# From the model, and from residuals
# ----------------------------------
# :class:`~skmtl.MultiTaskBayesianLinear` assumes noise of one size per task.
# :class:`~skmtl.ConformalTasks` assumes nothing of the noise, and takes any estimator; normalised,
# its intervals are longer where residuals are larger.

from skmtl import ConformalTasks, MultiTaskBayesianLinear, MultiTaskLinearRegressor

linear = MultiTaskLinearRegressor("mean_deviation", alpha=0.01)
models = {
    "Bayesian linear": MultiTaskBayesianLinear(),
    "conformal, normalised": ConformalTasks(linear, conformity_score="normalized"),
}
for model in models.values():
    model.fit(X[train], Y[train])

# %%
# Did they cover?
# ---------------
# Nine of ten labels of the last task lie inside, with both. But the model's intervals are too long
# where the sensor is quiet, and too short where it is loud.

import matplotlib.pyplot as plt

seen = np.isfinite(Y[test, 3])
labels, feature = Y[test, 3][seen], X[test, 0][seen]
order = np.argsort(feature)
figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
for ax, (name, model) in zip(axes, models.items(), strict=True):
    low, high = model.predict_interval(X[test], 0.9)[seen, 3].T
    middle = (low + high) / 2
    inside = (low <= labels) & (labels <= high)
    for is_in, colour in ((True, "0.6"), (False, "#d55e00")):
        some = inside == is_in
        ax.scatter(feature[some], (labels - middle)[some], s=12, color=colour)
    ax.fill_between(feature[order], (low - middle)[order], (high - middle)[order], alpha=0.25)
    quiet, loud = inside[feature < 0].mean(), inside[feature > 0].mean()
    ax.set_title(
        f"{name}\ncovered: quiet half {quiet:.0%}, loud half {loud:.0%}", fontsize="medium"
    )
    ax.set_xlabel("first feature")
axes[0].set_ylabel("label less the middle of its interval")
plt.show()

# %%
# :class:`~skmtl.inspection.IntervalCoverageDisplay` draws the coverage of many tasks at once.
