"""Whole fits: skmtl, scikit-learn, skorch and plain PyTorch, to the same loss."""

from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import count, pairwise

import numpy as np

from benchmarks.common.report import Table, cell
from benchmarks.common.timing import Failed, cpu_time, in_turns
from benchmarks.neural.problems import ALPHA, LEARNING_RATE, N_FEATURES, SETTINGS, options, wide


def skmtl(setting, X, Y, seed):
    from skmtl import MultiTaskMLPRegressor

    model = MultiTaskMLPRegressor(**options(setting, seed), n_threads=1)
    return model.fit(X, Y).predict


def scikit_learn(setting, X, Y, seed):
    from sklearn.neural_network import MLPRegressor

    return MLPRegressor(**options(setting, seed)).fit(X, Y).predict


def skorch(setting, X, Y, seed):
    """One linear layer for the outputs of all tasks."""
    import torch
    from skorch import NeuralNetRegressor

    torch.manual_seed(seed)
    net = NeuralNetRegressor(
        torch.nn.Sequential(*_trunk(setting), _linear(setting.hidden[-1], Y.shape[1])),
        optimizer=torch.optim.Adam, lr=LEARNING_RATE, optimizer__weight_decay=ALPHA,
        batch_size=setting.batch_size, max_epochs=setting.epochs,
        iterator_train__shuffle=True, train_split=None, verbose=0,
    )  # fmt: skip
    return net.fit(X, Y).predict


def pytorch(setting, X, Y, seed):
    """The loop that multi-task code usually has: a head and a loss a task, a DataLoader."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(seed)
    trunk = torch.nn.Sequential(*_trunk(setting))
    heads = torch.nn.ModuleList(_linear(setting.hidden[-1], 1) for _ in range(Y.shape[1]))
    parameters = [*trunk.parameters(), *heads.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=LEARNING_RATE, weight_decay=ALPHA)
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    loader = DataLoader(data, setting.batch_size, shuffle=True)
    mse = torch.nn.MSELoss()
    for _ in range(setting.epochs):
        for x, y in loader:
            optimizer.zero_grad()
            z = trunk(x)
            sum(mse(head(z)[:, 0], y[:, t]) for t, head in enumerate(heads)).backward()
            optimizer.step()

    def predict(X):
        with torch.no_grad():
            z = trunk(torch.from_numpy(X))
            return torch.cat([head(z) for head in heads], dim=1).numpy()

    return predict


def _trunk(setting):
    """Hidden layers and activations."""
    import torch

    for n_inputs, n_units in pairwise([N_FEATURES, *setting.hidden]):
        yield _linear(n_inputs, n_units)
        yield torch.nn.ReLU()


def _linear(n_inputs, n_outputs):
    """A layer that starts as those of skmtl and scikit-learn do, so that losses are alike."""
    import torch

    layer = torch.nn.Linear(n_inputs, n_outputs)
    torch.nn.init.xavier_uniform_(layer.weight)
    return layer


# Function, module it needs.
FITS = {
    "skmtl": (skmtl, "skmtl"),
    "scikit-learn": (scikit_learn, "sklearn"),
    "skorch": (skorch, "skorch"),
    "PyTorch": (pytorch, "torch"),
}
PEERS = [name for name in FITS if name != "skmtl"]


def fits(settings):
    """Tables of seconds, of microseconds a step, and of the losses reached."""
    names = [name for name in FITS if name == "skmtl" or name in settings.peers]
    for setting in map(SETTINGS.get, settings.networks):
        title = (
            f"Whole fits, {setting}, {setting.n_rows} rows, {setting.epochs} epochs: seconds (over "
            "skmtl); microseconds a step; mean squared error on the training rows"
        )
        table = Table(title, ["tasks", "of", *names], markdown=settings.markdown)
        for n_tasks in settings.tasks:
            _rows(table, setting, n_tasks, names, settings)


def _rows(table, setting, n_tasks, names, settings):
    """The three rows for a number of tasks."""
    X, Y = wide(setting.n_rows, n_tasks, settings.seed)
    errors = {}
    calls = {name: _call(name, setting, X, Y, errors, settings) for name in names}
    results = in_turns(calls, repeats=settings.repeats, limit=settings.limit)
    base = results["skmtl"]
    table.row(
        str(n_tasks), "seconds",
        *(cell(r, None if n == "skmtl" else base) for n, r in results.items()),
    )  # fmt: skip
    each = [r if isinstance(r, Failed) else 1e6 * r / setting.n_steps for r in results.values()]
    table.row(str(n_tasks), "us a step", *map(cell, each))
    losses = [f"{np.median(errors[n]):.4f}" if n in errors else "-" for n in names]
    table.row(str(n_tasks), "error", *losses)


def _call(name, setting, X, Y, errors, settings):
    """Fit once, note the error, return the CPU seconds of the fit."""
    fit, module = FITS[name]
    if find_spec(module) is None:
        return Failed("not installed")

    # Imports, and what libraries prepare on first use.
    fit(replace(setting, epochs=1), X, Y, settings.seed)
    seeds = count(settings.seed)

    def call():
        seconds, predict = cpu_time(partial(fit, setting, X, Y), next(seeds))
        errors.setdefault(name, []).append(float(np.mean((predict(X) - Y) ** 2)))
        return seconds

    return call
