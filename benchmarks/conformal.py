"""ConformalTasks: how often intervals, sets and regions cover, and how large they are.

Synthetic data of 100 repetitions for every method, with even noise and with noise that depends on
X; four real tables over random splits; regions for all tasks beside intervals by Bonferroni.

    python -m benchmarks.conformal --data ../shared/data
"""

import argparse
import warnings
from functools import partial
from pathlib import Path

import numpy as np
from scipy.special import gammaln
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.common.report import Table, threads, versions
from skmtl import ConformalTasks, MultiTaskBayesianLinear, MultiTaskLinear
from skmtl.tasks import Ordinal, Quantile

COVERAGE, N_TEST = 0.9, 2_000
LINEAR = MultiTaskLinear("l2", alpha=1e-3)


# Synthetic data.


def numbers(n, rng, *, is_even, n_tasks=1):
    """Rows, labels, and how noisy each row is."""
    X = rng.uniform(-1, 1, size=(n, 4))
    noise = np.ones(n) if is_even else np.exp(1.5 * X[:, 0])
    Y = X @ rng.normal(size=(4, n_tasks)) + noise[:, None] * rng.normal(size=(n, n_tasks))
    return X, Y[:, 0] if n_tasks == 1 else Y, noise


def classes(n, rng, *, is_even):
    X = rng.uniform(-1, 1, size=(n, 4))
    noise = np.ones(n) if is_even else np.exp(1.5 * X[:, 0])
    y = np.digitize(2 * X[:, 1] + noise * rng.logistic(size=n), [-1.5, -0.5, 0.5, 1.5])
    return X, y, noise


LEVELS = Quantile([0.05, 0.5, 0.95])
# What is asked, of how many rows: numbers of held-out labels plus 1 are multiples of 10.
NUMBERS = {
    "split, residuals": (partial(ConformalTasks, Ridge(), "split"), 495),
    "cv+, residuals": (partial(ConformalTasks, Ridge(), "cv+"), 499),
    "jackknife+, residuals": (partial(ConformalTasks, Ridge(), "jackknife+"), 99),
    "split, learned scale": (
        partial(ConformalTasks, Ridge(), "split", conformity_score="normalized"),
        495,
    ),
    "split, standard deviations": (
        partial(ConformalTasks, MultiTaskBayesianLinear(), "split"),
        495,
    ),
    "cv+, standard deviations": (partial(ConformalTasks, MultiTaskBayesianLinear(), "cv+"), 499),
    "split, quantiles": (partial(ConformalTasks, LINEAR, "split", tasks=LEVELS), 495),
    "cv+, quantiles": (partial(ConformalTasks, LINEAR, "cv+", tasks=LEVELS), 499),
    "cv+, 20 folds, quantiles": (
        partial(ConformalTasks, LINEAR, "cv+", tasks=LEVELS, cv=20),
        499,
    ),
}
CLASSES = {
    f"{method}{', 20 folds' if cv == 20 else ''}, {how}": (
        partial(
            ConformalTasks,
            LINEAR,
            method,
            cv=cv,
            tasks=Ordinal() if how == "ordinal" else "multiclass",
            set_score="lac" if how == "ordinal" else how,
            random_state=0,
        ),
        n,
    )
    for method, n, cv in (("split", 495, 5), ("cv+", 499, 5), ("cv+", 499, 20))
    for how in ("lac", "aps", "aps_random", "ordinal")
}


def cover_once(make, n, draw, rng, *, is_even):
    """Coverage of all rows and of the noisiest third, and length or number of classes."""
    X, y, noise = draw(n + N_TEST, rng, is_even=is_even)
    model = make().fit(X[:n], y[:n])
    X, y, noise = X[n:], y[n:], noise[n:]
    if draw is classes:
        sets = model.predict_set(X)
        inside, size = sets[np.arange(len(y)), y], sets.sum(axis=1)
    else:
        ends = model.predict_interval(X)
        inside, size = (ends[:, 0] <= y) & (y <= ends[:, 1]), ends[:, 1] - ends[:, 0]
    return inside.mean(), inside[np.argsort(noise)[-len(y) // 3 :]].mean(), size.mean()


def synthetic(title, asked, draw, settings):
    table = Table(
        f"{title}: coverage in % over {settings.repeats} repetitions",
        ["", "noise", "coverage", "2 errors", "noisiest third", "mean size"],
        markdown=settings.markdown,
    )
    for name, (make, n) in asked.items():
        for is_even in (True, False):
            rngs = (np.random.default_rng([settings.seed, r]) for r in range(settings.repeats))
            found = np.array([cover_once(make, n, draw, rng, is_even=is_even) for rng in rngs])
            mean, error = found.mean(axis=0), found.std(axis=0) / np.sqrt(len(found))
            table.row(
                name,
                "even" if is_even else "uneven",
                f"{100 * mean[0]:.1f}",
                f"{200 * error[0]:.1f}",
                f"{100 * mean[1]:.1f}",
                f"{mean[2]:.2f}",
            )


# Real data.


def wide(path):
    with np.load(path) as data:
        return data["X"], data["Y"], None


def long(path):
    with np.load(path) as data:
        X = np.column_stack([data["task"], StandardScaler().fit_transform(data["X"])])
        # A task of a few rows may have none of them in training.
        kept = np.bincount(data["task"].astype(int))[data["task"].astype(int)] >= 20
        return X[kept], data["y"].ravel()[kept], 0


ROWS = make_pipeline(SimpleImputer(), StandardScaler(), MultiTaskLinear("l2", alpha=0.01))
TASKS = MultiTaskLinear("mean_deviation", alpha=3.0, intercept_alpha=0.01)
# Reader, estimator, file and number of splits: enough for a standard error below 1 % a task.
REAL = {
    "STAR": (wide, ROWS, "rd_star/rd_star.npz", 0.1),
    "Sarcos": (wide, ROWS, "sarcos/sarcos.npz", 0.1),
    "School": (long, TASKS, "school/school.npz", 1.0),
    "Exam": (long, TASKS, "rd_exam/rd_exam.npz", 1.0),
}


def by_task(inside, index, n_tasks):
    """Share inside of every task: NaN where there is no label."""
    if index is None:
        return np.nanmean(inside, axis=0)
    counts = np.bincount(index, minlength=n_tasks)
    return np.bincount(index, inside, n_tasks) / np.where(counts, counts, np.nan)


def real(settings):
    table = Table(
        "Intervals for 90 % of labels, tasks with 100 labels or more, over random splits",
        ["", "method", "tasks", "splits", "coverage", "least", "largest", "error", "length / sd"],
        markdown=settings.markdown,
    )
    for name, (read, estimator, path, share) in REAL.items():
        X, Y, feature = read(Path(settings.data) / path)
        index = None if feature is None else np.unique(X[:, 0], return_inverse=True)[1]
        counts = (~np.isnan(Y)).sum(axis=0) if index is None else np.bincount(index)
        found, lengths, n_splits = [], [], round(settings.splits * share)
        for r in range(n_splits):
            order = np.random.default_rng([settings.seed, r]).permutation(len(X))
            train, test = np.split(order, [3 * len(X) // 4])
            model = ConformalTasks(estimator, task_feature=feature).fit(X[train], Y[train])
            ends, labels = model.predict_interval(X[test]), Y[test]
            inside = np.where(
                np.isnan(labels), np.nan, (ends[..., 0] <= labels) & (labels <= ends[..., 1])
            )
            found.append(by_task(inside, None if index is None else index[test], len(counts)))
            lengths.append(np.mean((ends[..., 1] - ends[..., 0]) / np.nanstd(Y, axis=0)))
        used = np.array(found)[:, counts >= 100]
        mean = 100 * np.nanmean(used, axis=0)
        error = 100 * (np.nanstd(used, axis=0) / np.sqrt(n_splits)).max()
        table.row(
            name,
            model.method_,
            str(len(mean)),
            str(n_splits),
            f"{mean.mean():.1f}",
            f"{mean.min():.1f}",
            f"{mean.max():.1f}",
            f"{error:.1f}",
            f"{np.mean(lengths):.2f}",
        )


# Regions.


def correlated(n, rng, n_tasks=6, rho=0.8):
    X = rng.normal(size=(n, 4))
    root = np.linalg.cholesky(rho * np.ones((n_tasks, n_tasks)) + (1 - rho) * np.eye(n_tasks))
    return X, X @ rng.normal(size=(4, n_tasks)) + rng.normal(size=(n, n_tasks)) @ root.T


def region_once(estimator, X, Y, n, missing, rng):
    """Coverage by Bonferroni, box and ellipsoid; lengths a task of the latter over the first's."""
    labels = np.where(rng.random((n, Y.shape[1])) < missing, np.nan, Y[:n])
    model = ConformalTasks(estimator, "cv+").fit(X[:n], labels)
    X, Y, n_tasks = X[n:], Y[n:], Y.shape[1]
    boxes = [model.predict_interval(X, 1 - (1 - COVERAGE) / n_tasks), model.predict_region(X)]
    centre, matrix = model.predict_region(X, shape="ellipsoid")
    r = Y - centre
    covered = [((b[..., 0] <= Y) & (b[..., 1] >= Y)).all(axis=1).mean() for b in boxes]
    square = (r * np.linalg.solve(matrix, r[..., None])[..., 0]).sum(axis=1)
    covered.append((square <= 1).mean())
    log_ball = n_tasks / 2 * np.log(np.pi) - gammaln(n_tasks / 2 + 1)
    logs = [np.log(b[..., 1] - b[..., 0]).sum(axis=1).mean() for b in boxes]
    logs.append(log_ball + 0.5 * np.linalg.slogdet(matrix)[1].mean())
    return [*covered, *np.exp((np.array(logs[1:]) - logs[0]) / n_tasks)]


def regions(settings):
    table = Table(
        "All labels of a row inside, in %, and the T-th root of the volume beside Bonferroni",
        ["", "missing", "Bonferroni", "box", "ellipsoid", "box / B.", "ellipsoid / B."],
        markdown=settings.markdown,
    )
    _, sarcos, _ = wide(Path(settings.data) / REAL["Sarcos"][2])
    X_sarcos = wide(Path(settings.data) / REAL["Sarcos"][2])[0]
    for name, estimator in (("synthetic, 0.8", LINEAR), ("Sarcos", ROWS)):
        for missing in (0.0, 0.5):
            found = []
            for r in range(settings.repeats // 5):
                rng = np.random.default_rng([settings.seed, r])
                X, Y = correlated(500 + N_TEST, rng)
                if name == "Sarcos":
                    order = rng.permutation(len(sarcos))
                    X, Y = X_sarcos[order], sarcos[order]
                found.append(region_once(estimator, X, Y, 500, missing, rng))
            mean = np.mean(found, axis=0)
            table.row(
                name,
                f"{missing:.0%}",
                *(f"{100 * share:.1f}" for share in mean[:3]),
                *(f"{ratio:.2f}" for ratio in mean[3:]),
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="folder of the real data sets")
    parser.add_argument("--repeats", type=int, default=100)
    parser.add_argument("--splits", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=["numbers", "classes", "real", "regions"])
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    settings = parser.parse_args()
    print(f"{versions(['scikit-learn', 'numpy'])}; {threads()}; seed {settings.seed}")
    warnings.simplefilter("ignore")
    if "numbers" in settings.only:
        synthetic("Numbers", NUMBERS, numbers, settings)
    if "classes" in settings.only:
        synthetic("Five classes", CLASSES, classes, settings)
    if "real" in settings.only:
        real(settings)
    if "regions" in settings.only:
        regions(settings)


if __name__ == "__main__":
    main()
