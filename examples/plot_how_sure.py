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
# Both hold 90 % of the labels of every task, or more. In the last task the model's intervals
# are too long where it is quiet, and too short where it is loud.

for name, model in models.items():
    low, high = np.moveaxis(model.predict_interval(X[test], 0.9), -1, 0)[:, :, 3]
    seen = np.isfinite(Y[test, 3])
    inside = (low <= Y[test, 3]) & (Y[test, 3] <= high)
    loud = X[test, 0] > 0
    quiet_share, loud_share = inside[seen & ~loud].mean(), inside[seen & loud].mean()
    print(f"{name}: quiet {quiet_share:.0%}, loud {loud_share:.0%}")

# %%

import matplotlib.pyplot as plt

from skmtl.inspection import IntervalCoverageDisplay

figure, axes = plt.subplots(1, 2, figsize=(11, 3), layout="constrained", sharex=True)
for ax, (name, model) in zip(axes, models.items(), strict=True):
    IntervalCoverageDisplay.from_estimator(model, X[test], Y[test], ax=ax, sort=False)
    ax.set_title(name, pad=24)
