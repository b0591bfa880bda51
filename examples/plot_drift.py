"""
When relations drift
====================

Sensors age, prices move, people change: what was learned last year may be wrong today. Rows of
such a stream come in chunks, and the linear models learn from them by ``partial_fit``. Two
questions come up: has anything changed, and how fast should the past be forgotten?

The stream here is planted. Three tasks share features; after 2000 of 4000 rows their coefficients
change. Of each row one label in three is missing.
"""

import numpy as np


def make_stream(kind, n_rows=4000, n_features=8, n_tasks=3, seed=0):
    """Features and labels whose relation stays, jumps in the middle, or moves all the time."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    before, after = rng.normal(size=(2, n_features, n_tasks))
    time = np.linspace(0, 1, n_rows)
    share = {"none": 0 * time, "sudden": time >= 0.5, "slow": time}[kind][:, None]
    Y = (1 - share) * (X @ before) + share * (X @ after) + rng.normal(size=(n_rows, n_tasks))
    Y[rng.random(Y.shape) < 1 / 3] = np.nan
    return X, Y


# %%
# Learn from each chunk, and be judged by it first
# ------------------------------------------------
# Every call of ``partial_fit`` predicts its rows before it learns from them, and writes the errors
# down in ``history_``. No rows have to be held out: all of them are new when they are predicted.
#
# Without ``half_life`` the model is that of all rows so far, the same as one ``fit``. With
# ``half_life=100`` a row counts half after a hundred others have come.

from skmtl import MultiTaskLinearRegressor


def errors_of(half_life, X, Y, chunk=40):
    """Mean squared error of every chunk before it was learned."""
    model = MultiTaskLinearRegressor("l2", half_life=half_life)
    for start in range(0, len(X), chunk):
        model.partial_fit(X[start : start + chunk], Y[start : start + chunk])
    return np.nanmean(model.history_["deviance"][1:], axis=1)


X, Y = make_stream("sudden")
curves = {half_life: errors_of(half_life, X, Y) for half_life in (None, 500, 100, 20)}
for half_life, errors in curves.items():
    last = errors[-12:].mean()
    print(f"half-life {half_life}: error {errors[25:49].mean():.2f} before, {last:.2f} long after")

# %%
# The variance of the noise is 1: less is not to be had. The model that forgets nothing is best as
# long as nothing happens, and 2000 rows later it still is the mean of two truths. The one with a
# half-life of 100 rows is back after a few hundred. The one with 20 is back at once, and pays for
# it all the time: eight coefficients of a task are learned from about twenty labels.

# %%
# How fast to forget
# ------------------
# The errors of a stream are honest, so that they may choose: take the half-life whose mean error
# over the stream is least. Where nothing drifts, that is none; where everything moves all the
# time, it is a compromise.

half_lives = [20, 50, 100, 200, 500, 1000, None]
means = {
    kind: [errors_of(half_life, *make_stream(kind)).mean() for half_life in half_lives]
    for kind in ("none", "sudden", "slow")
}
for kind, of_kind in means.items():
    print(f"drift: {kind:6s} best half-life {half_lives[int(np.argmin(of_kind))]}")

# %%
# Both pictures
# -------------

import matplotlib.pyplot as plt

figure, (over_time, choice) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
looks = {
    None: ("#666666", "none"),
    500: ("#CC79A7", "500"),
    100: ("#0072B2", "100"),
    20: ("#E69F00", "20"),
}
for half_life, errors in curves.items():
    color, label = looks[half_life]
    smooth = np.convolve(errors, np.full(3, 1 / 3), mode="valid")
    over_time.plot(100 + 40 * np.arange(len(smooth)), smooth, color=color, label=label)
over_time.axvline(2000, color="black", linewidth=0.8, linestyle=":")
over_time.axhline(1.0, color="black", linewidth=0.8)
over_time.set_yscale("log")
over_time.set_yticks([1, 2, 5, 10, 20], ["1 (noise)", "2", "5", "10", "20"])
over_time.minorticks_off()
over_time.set_ylim(0.7, 30)
over_time.set_title("Errors of labels that are new")
over_time.set_xlabel("rows so far")
over_time.set_ylabel("mean squared error")
over_time.legend(title="half-life (rows)")

places = np.arange(len(half_lives))
for kind, marker in (("none", "s"), ("sudden", "o"), ("slow", "^")):
    choice.plot(places, means[kind], marker=marker, label=kind)
    best = int(np.argmin(means[kind]))
    choice.plot(
        places[best], means[kind][best], marker="o", markersize=14, color="black", fillstyle="none"
    )
choice.set_xticks(places, ["none" if h is None else str(h) for h in half_lives])
choice.set_yscale("log")
choice.set_yticks([1, 1.5, 2, 3, 5], ["1", "1.5", "2", "3", "5"])
choice.minorticks_off()
choice.set_title("Mean error of the whole stream")
choice.set_xlabel("half-life (rows)")
choice.legend(title="drift")
plt.show()
