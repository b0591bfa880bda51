"""Gaussian processes of many tasks: time beside GPyTorch, and what other tasks are worth on jura.

``python -m benchmarks.gaussian_process time`` (with gpytorch) fits one complete table by both, each
with the family of kernels and task covariances of the other, until GPyTorch has the likelihood
that skmtl has found, or gives up. ``... jura [folder]`` predicts cadmium, known at 100 of 359
places, with the other metals and without. ``... coverage`` counts the labels of new rows that are
inside intervals of 90 %, over 100 repetitions of draws with few rows. ``... kernels [folder]`` is
what the default kernel was chosen by: root mean squared errors, in standard deviations, in five
folds.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, Matern
from sklearn.model_selection import KFold

from skmtl import MultiTaskGaussianProcessRegressor, MultiTaskKernelRidgeCV

N_ROWS, N_TASKS, RANK = 1_000, 10, 2
MOST_STEPS = 200
DRAWS = 20
REPETITIONS, N_NEW = 100, 100


def table() -> tuple[Any, Any]:
    """Draws of a Gaussian process with two factors, standardised."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, 5))
    L = np.linalg.cholesky(RBF(2.0)(X) + 1e-8 * np.eye(N_ROWS))
    factors = L @ rng.normal(size=(N_ROWS, RANK))
    own = L @ rng.normal(size=(N_ROWS, N_TASKS))
    Y = factors @ rng.normal(size=(RANK, N_TASKS)) + 0.3 * own
    Y += 0.3 * rng.normal(size=Y.shape)
    return X, (Y - Y.mean(axis=0)) / Y.std(axis=0)


def by_skmtl(X: Any, Y: Any) -> tuple[float, float]:
    """CPU seconds and log likelihood."""
    start = time.process_time()
    model = MultiTaskGaussianProcessRegressor(
        RBF(1.0), task_covariance=RANK, fit_intercept=False, feature_scaling=None
    ).fit(X, Y)
    return time.process_time() - start, model.log_marginal_likelihood_value_


def by_gpytorch(X: Any, Y: Any, aim: float, learning_rate: float) -> tuple[float, float, int]:
    """CPU seconds, log likelihood and steps of Adam, to the likelihood ``aim`` if it gets there."""
    import gpytorch
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    x, y = torch.tensor(X), torch.tensor(Y)
    start = time.process_time()
    likelihood = gpytorch.likelihoods.MultitaskGaussianLikelihood(N_TASKS, has_global_noise=False)

    class Model(gpytorch.models.ExactGP):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(x, y, likelihood)
            self.mean = gpytorch.means.MultitaskMean(gpytorch.means.ZeroMean(), N_TASKS)
            of_rows = gpytorch.kernels.RBFKernel()
            self.kernel = gpytorch.kernels.MultitaskKernel(of_rows, N_TASKS, rank=RANK)

        def forward(self, x: Any) -> Any:
            cls = gpytorch.distributions.MultitaskMultivariateNormal
            return cls(self.mean(x), self.kernel(x))

    model = Model().double()
    likelihood.double()
    model.train()
    evidence = gpytorch.mlls.ExactMarginalLogLikelihood(likelihood, model)
    optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
    best, step = -np.inf, 0
    while step < MOST_STEPS:
        step += 1
        optimizer.zero_grad()
        loss = -evidence(model(x), y)
        loss.backward()
        best = max(best, -float(loss) * Y.size)
        if best >= aim:
            break
        optimizer.step()
    return time.process_time() - start, best, step


def compare_times() -> None:
    """Both in this process, one thread each."""
    X, Y = table()
    by_skmtl(X[:50], Y[:50])
    ours, value = by_skmtl(X, Y)
    print(f"skmtl     {ours:7.1f} s  log likelihood {value:10.2f}", flush=True)
    for rate in (0.1, 0.3):
        # A nat is no difference of 10,000 labels.
        theirs, found, steps = by_gpytorch(X, Y, value - 1.0, rate)
        print(
            f"gpytorch  {theirs:7.1f} s  log likelihood {found:10.2f}  {steps} steps of "
            f"Adam({rate})  {theirs / ours:.1f} times as long",
            flush=True,
        )


def compare_errors(folder: Path) -> None:
    """Mean absolute and root mean squared errors of cadmium over draws of 100 places."""
    data = np.load(folder / "mtr_jura" / "mtr_jura.npz")
    X, Y = data["X"].astype(float), data["Y"].astype(float)
    names = [str(name) for name in data["feature_names"]]
    metals = [names.index(name) for name in ("Ni", "Zn")]
    # The table as it is (Co and Cu are tasks, other metals features), and places alone as features.
    cases = {
        "all features; Co, Cu": (X, Y),
        "places; Ni, Zn": (X[:, :2], np.column_stack([Y[:, 0], X[:, metals]])),
    }
    for case, (features, labels) in cases.items():
        errors = []
        for seed in range(DRAWS):
            known = np.random.default_rng(seed).permutation(len(X))[:100]
            left = np.setdiff1d(np.arange(len(X)), known)
            some = labels.copy()
            some[left, 0] = np.nan
            model = MultiTaskGaussianProcessRegressor()
            joint = model.fit(features, some).predict(features[left])[:, 0]
            ends = model.predict_interval(features[left])[:, 0]
            alone = model.fit(features[known], labels[known, 0]).predict(features[left])
            truth = labels[left, 0]
            inside = ((ends[:, 0] <= truth) & (truth <= ends[:, 1])).mean()
            row = [np.abs(found - truth).mean() for found in (joint, alone)]
            row += [np.sqrt(np.square(found - truth).mean()) for found in (joint, alone)]
            errors.append([*row, inside])
        mean = np.mean(errors, axis=0)
        gain = np.diff(np.array(errors)[:, :2], axis=1)
        print(
            f"{case}: mean absolute error {mean[0]:.3f}, alone {mean[1]:.3f} (difference "
            f"{gain.mean():.3f} +- {gain.std(ddof=1) / np.sqrt(DRAWS):.3f}); root mean squared "
            f"{mean[2]:.3f}, alone {mean[3]:.3f}; {100 * mean[4]:.1f} % in 90 % intervals",
            flush=True,
        )


def draw(seed: int, n: int, n_tasks: int, gaps: float, uneven: float) -> tuple[Any, ...]:
    """Rows and labels of two factors, with gaps; the same of new rows, without.

    Noise differs between tasks; its logarithm has the slope ``uneven`` in the first feature.
    """
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, size=(n + N_NEW, 2))
    L = np.linalg.cholesky(RBF(1.0)(X) + 1e-9 * np.eye(len(X)))
    loadings = np.random.default_rng(n_tasks).normal(size=(2, n_tasks))
    F = L @ rng.normal(size=(len(X), 2)) @ loadings + 0.5 * L @ rng.normal(size=(len(X), n_tasks))
    noise = np.linspace(0.2, 0.5, n_tasks) * np.exp(uneven * X[:, :1])
    Y = F + noise * rng.normal(size=F.shape)
    new = Y[n:].copy()
    Y[rng.random(Y.shape) < gaps] = np.nan
    return X[:n], Y[:n], X[n:], new


def count_inside() -> None:
    """Coverage of 90 % intervals and its standard error, for tables of few rows."""
    cases = [(50, 3, 0.3, uneven) for uneven in (0.0, 0.25, 0.5)]
    cases += [
        (n, n_tasks, gaps, 0.0) for n in (50, 100) for n_tasks in (2, 3, 6) for gaps in (0, 0.3)
    ]
    cases += [(200, 3, 0.0, 0.0), (200, 3, 0.3, 0.0)]
    for n, n_tasks, gaps, uneven in dict.fromkeys(cases):
        shares = []
        for seed in range(REPETITIONS):
            X, Y, new, truth = draw(seed, n, n_tasks, gaps, uneven)
            low, high = np.moveaxis(
                MultiTaskGaussianProcessRegressor().fit(X, Y).predict_interval(new), -1, 0
            )
            shares.append(((low <= truth) & (truth <= high)).mean(axis=0))
        found = 100 * np.array(shares)
        error = found.mean(axis=1).std(ddof=1) / np.sqrt(REPETITIONS)
        print(
            f"{n:4} rows, {n_tasks} tasks, {100 * gaps:2.0f} % missing, noise of slope {uneven:4}: "
            f"{found.mean():.1f} +- {error:.1f} %; of tasks {found.mean(axis=0).round(1)}",
            flush=True,
        )


def compare_kernels(folder: Path) -> None:
    """Errors and likelihoods of kernels, beside `MultiTaskKernelRidgeCV`."""
    for name in ("slump", "edm", "jura", "enb", "atp1d"):
        data = np.load(folder / f"mtr_{name}" / f"mtr_{name}.npz")
        some = np.random.default_rng(0).permutation(len(data["X"]))[:400]
        X, Y = data["X"][np.sort(some)].astype(float), data["Y"][np.sort(some)].astype(float)
        p, w = X.shape[1], float(np.sqrt(X.shape[1]))
        lengths = (0.03 * w, 100.0 * w)

        def linear(p: int = p) -> Any:
            return ConstantKernel(0.1 / p, (1e-6, 1e2)) * DotProduct(0.0, "fixed")

        cases = {"kernel ridge cv": None, "default": None}
        for nu in (0.5, 1.5, np.inf):
            cases[f"matern {nu}"] = Matern(w, lengths, nu=nu)
            cases[f"matern {nu} + linear"] = Matern(w, lengths, nu=nu) + linear()
            if p <= 60:
                cases[f"matern {nu} of each feature + linear"] = (
                    Matern([w] * p, lengths, nu=nu) + linear()
                )
        for case, kernel in cases.items():
            errors, values = [], []
            for train, test in KFold(5, shuffle=True, random_state=0).split(X):
                ridge = case == "kernel ridge cv"
                model: Any = MultiTaskKernelRidgeCV()
                model = model if ridge else MultiTaskGaussianProcessRegressor(kernel)
                left = model.fit(X[train], Y[train]).predict(X[test]) - Y[test]
                errors.append(np.sqrt(np.square(left).mean(axis=0)) / Y[train].std(axis=0))
                values.append(np.nan if ridge else model.log_marginal_likelihood_value_)
            print(f"{name:6} {case:40} {np.mean(errors):.4f} {np.mean(values):9.1f}", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    what, *rest = sys.argv[1:] or ["time"]
    if what in ("time", "coverage"):
        {"time": compare_times, "coverage": count_inside}[what]()
    else:
        compare = {"jura": compare_errors, "kernels": compare_kernels}[what]
        compare(Path(rest[0] if rest else "../shared/data"))
