"""How many labels `label_value` saves: labels chosen one by one against labels drawn at random.

Labels of some rows can be asked for, others are predicted. Both ways begin with the same labels
drawn at random, go on in batches, and fit the same estimator after each. A batch is chosen
greedily: the label of largest value, then the one of largest value if that was known, and so on.
Printed is the mean error at the end of labels drawn at random (root mean squared error over the
standard deviation of the task, mean over tasks and repetitions), how many labels chosen ones need
to the same error, and a 95 % interval of their share from 2,000 bootstrap samples of repetitions.

    python benchmarks/label_acquisition.py jura --data ../shared/data
    python benchmarks/label_acquisition.py star --data ../shared/data
"""

import argparse
import platform
import time

import numpy as np
import sklearn
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import StandardScaler

import skmtl
from skmtl import MultiTaskBayesianLinear
from skmtl.uncertainty import label_value

SETS = {
    "jura": {
        "file": "mtr_jura/mtr_jura.npz",
        "rows": 359,
        "to_ask": 259,
        "start": 30,
        "batch": 10,
        "end": 150,
    },
    "star": {
        "file": "rd_star/rd_star.npz",
        "rows": 6000,
        "start": 160,
        "batch": 40,
        "end": 640,
        "to_ask": 3000,
    },
}


def load(name, data, rng):
    """Features and labels of the rows to ask, and of those to predict."""
    spec = SETS[name]
    stored = np.load(f"{data}/{spec['file']}", allow_pickle=True)
    X, Y = np.asarray(stored["X"], float), np.asarray(stored["Y"], float)
    rows = rng.permutation(np.flatnonzero(np.isfinite(Y).any(axis=1)))[: spec["rows"]]
    X = StandardScaler().fit_transform(SimpleImputer(strategy="median").fit_transform(X[rows]))
    n = spec["to_ask"]
    return X[:n], Y[rows[:n]], X[n:], Y[rows[n:]]


def error(model, X, Y):
    """Mean over tasks of the root mean squared error, relative to the standard deviation."""
    left = np.sqrt(np.nanmean((model.predict(X) - Y) ** 2, axis=0))
    return float((left / np.nanstd(Y, axis=0)).mean())


def chosen(model, X, can_ask, n, wanted):
    """A batch of labels, each worth most given those before it."""
    pending = np.zeros_like(can_ask)
    for _ in range(n):
        value = np.where(
            can_ask & ~pending, label_value(model, X, reference=wanted, pending=pending), -np.inf
        )
        pending[np.unravel_index(value.argmax(), value.shape)] = True
    return pending


def drawn(model, X, can_ask, n, rng):
    """A batch of labels drawn at random."""
    pending = np.zeros(can_ask.size, dtype=bool)
    pending[rng.choice(np.flatnonzero(can_ask), n, replace=False)] = True
    return pending.reshape(can_ask.shape)


def curves(name, data, seed, make):
    """Errors after every batch, chosen and drawn."""
    spec, found = SETS[name], {}
    X, Y, Z, T = load(name, data, np.random.default_rng(seed))
    for way in ("chosen", "drawn"):
        rng = np.random.default_rng(seed)
        known = drawn(None, X, np.isfinite(Y), spec["start"], rng)
        errors = []
        while True:
            model = make().fit(X, np.where(known, Y, np.nan))
            errors.append(error(model, Z, T))
            if known.sum() >= spec["end"]:
                break
            can_ask = np.isfinite(Y) & ~known
            if way == "chosen":
                known |= chosen(model, X, can_ask, spec["batch"], Z)
            else:
                known |= drawn(model, X, can_ask, spec["batch"], rng)
        found[way] = errors
    return found["chosen"], found["drawn"]


def share(n_labels, chosen, drawn):
    """Chosen labels that are needed to the error that all drawn ones have, over their number."""
    best = np.minimum.accumulate(chosen)
    return float(np.interp(-drawn[-1], -best, n_labels) / n_labels[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", choices=SETS)
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--repetitions", type=int, default=20)
    arguments = parser.parse_args()
    spec = SETS[arguments.name]
    print(
        f"{arguments.name}: {spec}; skmtl {skmtl.__version__}, scikit-learn {sklearn.__version__}, "
        f"Python {platform.python_version()}"
    )
    start = time.process_time()
    runs = [
        curves(arguments.name, arguments.data, seed, MultiTaskBayesianLinear)
        for seed in range(arguments.repetitions)
    ]
    found = np.array(runs)
    n_labels = np.minimum(
        spec["start"] + spec["batch"] * np.arange(found.shape[2]), spec["end"]
    ).astype(float)
    print("labels", n_labels.astype(int).tolist())
    for way, errors in zip(("chosen", "drawn"), found.mean(axis=0), strict=True):
        print(f"{way:7}", np.round(errors, 3).tolist())
    rng = np.random.default_rng(0)
    samples = rng.integers(len(found), size=(2000, len(found)))
    shares = [share(n_labels, *found[sample].mean(axis=0)) for sample in samples]
    low, high = np.quantile(shares, [0.025, 0.975])
    needed = share(n_labels, *found.mean(axis=0))
    print(
        f"error {found[:, 1, -1].mean():.3f}: {100 * needed:.0f} % of the labels "
        f"(95 %: {100 * low:.0f} to {100 * high:.0f}); "
        f"{time.process_time() - start:.0f} s of CPU"
    )


if __name__ == "__main__":
    main()
