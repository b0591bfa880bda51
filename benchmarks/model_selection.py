"""Folds of many tasks with missing labels: how even they are, and what they cost.

5 folds of binary tasks, half of the labels missing at random, 3 % of the rest positive.

    python -m benchmarks.model_selection --markdown
"""

import argparse
import warnings
from functools import partial
from importlib.util import find_spec

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from benchmarks.common.report import Table, cells, threads, versions
from benchmarks.common.timing import Failed, cpu_time, in_turns
from skmtl.model_selection import MultiTaskKFold

K = 5
SHAPES = ("50x20", "200x20", "500x20", "1000x30", "10000x30", "10000x50", "100000x20", "100000x100")


def labels(n_rows, n_tasks, seed):
    rng = np.random.default_rng(seed)
    y = (rng.random((n_rows, n_tasks)) < 0.03).astype(float)
    y[rng.random(y.shape) < 0.5] = np.nan
    return y


def fold_of(splits, n_rows):
    fold = np.full(n_rows, -1)
    for f, (_, test) in enumerate(splits):
        fold[test] = f
    return fold


def skmtl(X, y, seed):
    return fold_of(MultiTaskKFold(K, shuffle=True, random_state=seed).split(X, y), len(y))


def k_fold(X, y, seed):
    return fold_of(KFold(K, shuffle=True, random_state=seed).split(X), len(y))


def stratified_k_folds(X, y, seed):
    """A split a task, of its labelled rows: even, but no folds that tasks can share."""
    splitter = StratifiedKFold(K, shuffle=True, random_state=seed)
    for column in y.T:
        rows = np.flatnonzero(~np.isnan(column))
        list(splitter.split(X[rows], column[rows]))


def iterative_stratification(X, y, seed):
    """Sechidis' algorithm without repair, on a column for each class of each task."""
    from iterstrat.ml_stratifiers import MultilabelStratifiedKFold

    splitter = MultilabelStratifiedKFold(K, shuffle=True, random_state=seed)
    return fold_of(splitter.split(X, np.column_stack([y == 0, y == 1])), len(y))


def deviations(y, fold):
    """Labels of each task and class in each fold, less the even share."""
    masks = np.concatenate([~np.isnan(y), y == 0, y == 1], axis=1)
    counts = np.array([masks[fold == f].sum(axis=0) for f in range(K)])
    return np.abs(counts - counts.mean(axis=0))


def evenness(splitter, shape, seeds):
    """Counts further than one label from the even share, all counts, and the furthest."""
    found = []
    for seed in range(seeds):
        y = labels(*shape, seed)
        found.append(deviations(y, splitter(np.zeros((len(y), 1)), y, seed)))
    off = sum(int((deviation > 1 + 1e-9).sum()) for deviation in found)
    return f"{off} of {sum(d.size for d in found):,}; {max(d.max() for d in found):.1f}"


def row(shape, settings):
    """One shape: seconds of every splitter in turns, then how even the folds are."""
    y = labels(*shape, 0)
    X = np.zeros((len(y), 1))
    is_small = y.size <= settings.cells and find_spec("iterstrat")
    calls = {
        "a StratifiedKFold a task": partial(_seconds, stratified_k_folds, X, y),
        "skmtl": partial(_seconds, skmtl, X, y),
        "iterstrat": partial(_seconds, iterative_stratification, X, y) if is_small else Failed("-"),
    }
    times = cells(in_turns(calls, repeats=settings.repeats, limit=settings.limit))
    even = [evenness(s, shape, settings.seeds) for s in (skmtl, k_fold)]
    even.append(evenness(iterative_stratification, shape, settings.seeds) if is_small else "-")
    return [*times, *even]


def _seconds(splitter, X, y):
    return cpu_time(splitter, X, y, 0)[0]


def parse():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.model_selection", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), help="rows x tasks")
    parser.add_argument("--seeds", type=int, default=3, help="data sets whose folds are judged")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=20.0,
                        help="CPU seconds for all repeats of one number")  # fmt: skip
    parser.add_argument("--cells", type=int, default=1_000_000,
                        help="largest rows x tasks for iterstrat")  # fmt: skip
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    return parser.parse_args()


def main():
    settings = parse()
    warnings.simplefilter("ignore")
    print(
        f"{versions(('scikit-learn', 'numpy', 'numba', 'iterative-stratification'))}; {threads()}; "
        f"seeds 0 to {settings.seeds - 1}, {settings.repeats} repeats"
    )
    # Compiled on first use, or read from a cache.
    skmtl(np.zeros((40, 1)), labels(40, 8, 0), 0)
    columns = ["rows x tasks", "a StratifiedKFold a task, s", "skmtl, s", "iterstrat, s"]
    columns += ["off: skmtl", "off: KFold", "off: iterstrat"]
    table = Table("Folds", columns, markdown=settings.markdown)
    for name in settings.shapes:
        table.row(name.replace("x", " x "), *row(tuple(map(int, name.split("x"))), settings))


if __name__ == "__main__":
    main()
