"""What an experiment is, and how one method is measured on the splits of one setting."""

from dataclasses import dataclass, field

import numpy as np

from benchmarks.accuracy.data import Long, Wide
from benchmarks.accuracy.protocol import Clock, prepared, probabilities
from benchmarks.accuracy.results import Study


@dataclass(frozen=True)
class Experiment(Study):
    """A study with what its tables show.

    ``tables`` is {title: {column: (setting, measure)}}, where a column of papers alone has None;
    ``published`` has rows for each title. A method of ``only`` runs on these settings alone, the
    others being too slow for it.
    """

    tables: dict = field(default_factory=dict)
    published: dict = field(default_factory=dict)
    only: dict = field(default_factory=dict)
    decimals: int = 1
    about: str = ""


def labels(part):
    return part.y if isinstance(part, Long) else part.Y


def standardised(data, splits):
    """(training part, test part) of every split, gaps filled and features standardised as in one.

    Labels are left as they are. ``splits`` are pairs of row numbers, or of row numbers and a
    mask of the labels that count in training.
    """
    for train, test, *seen in splits:
        if isinstance(data, Long):
            Z = np.column_stack([data.X[:, 0], prepared(data.X[:, 1:], train)])
            yield Long(Z[train], data.y[train]), Long(Z[test], data.y[test])
        else:
            Z, Y = prepared(data.X, train), data.Y[train]
            Y = np.where(seen[0][train], Y, np.nan) if seen else Y
            yield Wide(Z[train], Y), Wide(Z[test], data.Y[test])


def regression(score, summary=None):
    """A measure; targets are standardised on the training part, for all methods."""

    def measure(make, pairs):
        found, clock = [], Clock()
        for train, test in pairs:
            y = labels(train)
            mean, scale = np.nanmean(y, axis=0), np.nanstd(y, axis=0) + 1e-12
            with clock:
                model = make(train).fit(train.X, (y - mean) / scale)
                predicted = np.reshape(model.predict(test.X), labels(test).shape)
            found.append(score(test, predicted * scale + mean, train))
        return (summary or means)(found) | {"seconds": clock.typical}

    return measure


def classification(score):
    """A measure of probabilities."""

    def measure(make, pairs):
        found, clock = [], Clock()
        for train, test in pairs:
            with clock:
                model = make(train).fit(train.X, labels(train))
                predicted = model.predict_proba(test.X)
            found.append(score(test, positive(predicted, test), train))
        return means(found) | {"seconds": clock.typical}

    return measure


def positive(predicted, part):
    """Probabilities of class 1, in the shape of the labels."""
    if isinstance(part, Long):
        return (predicted[0] if isinstance(predicted, list) else predicted)[:, 1]
    return probabilities(predicted, part.Y.shape[1])


def means(found):
    """{measure: mean over splits, measure sd: standard deviation}, of a dict per split."""
    result = {}
    for name in found[0]:
        values = [row[name] for row in found]
        result |= {name: float(np.mean(values)), f"{name} sd": float(np.std(values))}
    return result | {"splits": len(found)}


def by_task(part, predicted):
    """(labels, predictions) of every task of a long part."""
    for t in np.unique(part.X[:, 0]):
        rows = part.X[:, 0] == t
        yield part.y[rows], predicted[rows]


def rows_per_task(task, n, rng):
    """Row numbers: n of every task, and the others; of few rows one is kept for the test."""
    train = []
    for t in np.unique(task):
        rows = rng.permutation(np.flatnonzero(task == t))
        train.append(rows[: min(n, len(rows) - 1)])
    train = np.sort(np.concatenate(train))
    return train, np.setdiff1d(np.arange(len(task)), train)
