"""Long form with binary labels, about as many tasks and rows as School, and on School itself."""

from pathlib import Path

import numpy as np

from benchmarks.common.report import Table, cells
from benchmarks.common.timing import Failed, cpu_time, in_turns
from benchmarks.linear.losses import LOSSES
from benchmarks.linear.problems import row_norms

TOL = 1e-6
# Penalty, alpha; of the largest one for "l21".
CASES = (("mean_deviation", 0.1), ("mean_deviation", 0.01), ("l21", 0.1), ("l21", 0.01))


def drawn(seed, n_tasks=139, n_rows=110, n_features=27):
    """Rows of each task, and labels from coefficients around shared ones; the task in column 0."""
    rng = np.random.default_rng(seed)
    task = np.repeat(np.arange(n_tasks), rng.integers(n_rows // 5, 2 * n_rows, n_tasks))
    X = rng.normal(size=(len(task), n_features))
    W = rng.normal(size=n_features) + 0.5 * rng.normal(size=(n_tasks, n_features))
    S = (X * W[task]).sum(axis=1)
    y = rng.random(len(S)) < LOSSES["logistic"].expected(2.0 * S / S.std())
    return np.column_stack([task, X]), y.astype(int)


def above_median(path):
    """School, sorted by task: whether a pupil's score is above the median."""
    data = np.load(path)
    order = np.argsort(data["task"], kind="stable")
    y = data["y"] > np.median(data["y"])
    return np.column_stack([data["task"], data["X"]])[order], y[order].astype(int)


def blocks(X, y):
    """(X, y) of every task, without the task."""
    starts = np.flatnonzero(np.diff(X[:, 0])) + 1
    return list(zip(np.split(X[:, 1:], starts), np.split(y, starts), strict=True))


def largest_alpha(X, y):
    """The smallest alpha at which "l21" leaves no feature."""
    slopes = [rows.T @ (labels - labels.mean()) / len(labels) for rows, labels in blocks(X, y)]
    return row_norms(np.stack(slopes, axis=1)).max()


def loss_of_constants(X, y):
    """Sum over tasks of the mean loss at the best intercepts."""
    logistic, total = LOSSES["logistic"], 0.0
    for _, labels in blocks(X, y):
        zeros = np.zeros((len(labels), 1))
        b = logistic.intercepts(zeros, labels[:, None])
        total += logistic.value(zeros + b, labels[:, None]) / len(labels)
    return total


def a_fit_per_task(X, y):
    """Scikit-learn's `LogisticRegression`, for scale: it minimises something else."""
    from sklearn.linear_model import LogisticRegression

    return [
        LogisticRegression(max_iter=10_000).fit(rows, labels).coef_
        for rows, labels in blocks(X, y)
        if np.ptp(labels)
    ]


def long_form(settings):
    """Table of seconds, iterations and certified gaps."""
    from skmtl import MultiTaskLinearClassifier

    data = {"drawn": drawn(settings.seed)}
    if Path(settings.data).is_file():
        data["School, above the median"] = above_median(settings.data)
    report = Table(
        f"Long form, binary labels, gap {TOL:g} of the loss of constants",
        ["data", "penalty", "skmtl", "a LogisticRegression per task", "iterations", "gap left"],
        markdown=settings.markdown,
    )  # fmt: skip
    for name, (X, y) in data.items():
        for penalty, alpha in CASES:
            strength = alpha * (largest_alpha(X, y) if penalty == "l21" else 1.0)
            model = MultiTaskLinearClassifier(penalty, alpha=strength, tol=TOL, task_feature=0)
            calls = {"skmtl": lambda m=model, X=X, y=y: cpu_time(m.fit, X, y)[0]}
            if "scikit-learn" in settings.peers:
                calls["peer"] = lambda X=X, y=y: cpu_time(a_fit_per_task, X, y)[0]
            results = in_turns(calls, repeats=settings.repeats, limit=settings.limit)
            certificate = ("-", "-")
            if not isinstance(results["skmtl"], Failed):
                gap = model.dual_gap_ / loss_of_constants(X, y)
                certificate = str(model.n_iter_), f"{gap:.0e}"
            report.row(
                f"{name}, {len(y):,} rows", f"{penalty}, {alpha}",
                *(cells(results) if len(results) == 2 else [*cells(results), "-"]), *certificate,
            )  # fmt: skip
