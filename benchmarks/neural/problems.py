"""Data of functions that the tasks share, and the networks that learn them."""

from dataclasses import dataclass

import numpy as np

N_FEATURES, N_FUNCTIONS = 32, 16
CHUNK = 4000
LEARNING_RATE, ALPHA = 1e-3, 1e-4


@dataclass(frozen=True)
class Setting:
    """A network, how it is trained, and on how many rows."""

    hidden: tuple
    batch_size: int
    n_rows: int = 4000
    epochs: int = 50

    def __str__(self):
        return f"hidden {self.hidden}, batch {self.batch_size}"

    @property
    def n_steps(self):
        return self.epochs * -(-self.n_rows // self.batch_size)


# By name.
SETTINGS = {
    "wide": Setting((128, 128), 200),
    "small": Setting((32, 32), 32),
}


def wide(n_rows, n_tasks, seed, noise=0.3):
    """X and standardised Y (n_rows, n_tasks), float32: every task mixes the same functions."""
    rng = np.random.default_rng(seed)
    X, directions = rng.normal(size=(n_rows, N_FEATURES)), _directions(rng)
    Y = np.tanh(X @ directions) @ rng.normal(size=(N_FUNCTIONS, n_tasks))
    Y += noise * Y.std(axis=0) * rng.normal(size=Y.shape)
    Y = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    return X.astype(np.float32), Y.astype(np.float32)


def long(n_rows, n_tasks, seed, noise=1.0):
    """Each row with the label of one task alone: X with the task in column 0, and y.

    In chunks, so that making them takes no memory that a fit could hide in.
    """
    rng = np.random.default_rng(seed)
    directions, mixes = _directions(rng), rng.normal(size=(n_tasks, N_FUNCTIONS))
    X = np.empty((n_rows, 1 + N_FEATURES), dtype=np.float32)
    y = np.empty(n_rows, dtype=np.float32)
    X[:, 0] = rng.integers(n_tasks, size=n_rows)
    # Every task has a row.
    X[:n_tasks, 0] = np.arange(n_tasks)
    for first in range(0, n_rows, CHUNK):
        rows = slice(first, first + CHUNK)
        X[rows, 1:] = rng.normal(size=X[rows, 1:].shape)
        mix = mixes[X[rows, 0].astype(int)]
        y[rows] = (np.tanh(X[rows, 1:] @ directions) * mix).sum(axis=1)
        y[rows] += noise * rng.normal(size=len(mix))
    return X, y


def _directions(rng):
    """What the functions are functions of, of length about 1."""
    return rng.normal(size=(N_FEATURES, N_FUNCTIONS)) / np.sqrt(2 * N_FEATURES)


def options(setting, seed):
    """Parameters that skmtl and scikit-learn share; training never ends early."""
    return {
        "hidden_layer_sizes": setting.hidden,
        "batch_size": setting.batch_size,
        "max_iter": setting.epochs,
        "n_iter_no_change": setting.epochs + 1,
        "tol": 0.0,
        "alpha": ALPHA,
        "learning_rate_init": LEARNING_RATE,
        "random_state": seed,
    }
