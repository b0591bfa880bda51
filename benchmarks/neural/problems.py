"""Data of functions that the tasks share, and the networks that learn them."""

from dataclasses import dataclass

import numpy as np

N_FEATURES, N_FUNCTIONS = 32, 16
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


# By name; as many steps each.
SETTINGS = {
    "wide": Setting((128, 128), 200),
    "small": Setting((32, 32), 32, epochs=8),
}


def wide(n_rows, n_tasks, seed, noise=0.3):
    """X and standardised Y (n_rows, n_tasks), float32: every task mixes the same functions."""
    rng = np.random.default_rng(seed)
    X, shared = _functions(n_rows, rng)
    Y = shared @ rng.normal(size=(N_FUNCTIONS, n_tasks))
    Y += noise * Y.std(axis=0) * rng.normal(size=Y.shape)
    Y = (Y - Y.mean(axis=0)) / Y.std(axis=0)
    return X.astype(np.float32), Y.astype(np.float32)


def long(n_rows, n_tasks, seed, noise=0.3):
    """Each row with the label of one task alone: X with the task in column 0, and y."""
    rng = np.random.default_rng(seed)
    X, shared = _functions(n_rows, rng)
    task = rng.integers(n_tasks, size=n_rows)
    # Every task has a row.
    task[:n_tasks] = np.arange(n_tasks)
    mixes = rng.normal(size=(n_tasks, N_FUNCTIONS))
    y = (shared * mixes[task]).sum(axis=1)
    y += noise * y.std() * rng.normal(size=n_rows)
    return np.column_stack([task, X]).astype(np.float32), (y / y.std()).astype(np.float32)


def _functions(n_rows, rng):
    """X, and the functions of it that the tasks share."""
    X = rng.normal(size=(n_rows, N_FEATURES))
    return X, np.tanh(X @ rng.normal(size=(N_FEATURES, N_FUNCTIONS)) / 4.0)


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
