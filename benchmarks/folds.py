"""How even the folds of MultiTaskKFold are, and what they cost.

Half of the labels are missing, 3 % of the others are positive. Beside it, what scikit-learn offers
for such a table: one StratifiedKFold for each task, on the rows that have its label, which gives
no common folds, and one KFold that knows of no label.
"""

import argparse
import warnings

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold

from benchmarks.common.report import Table, cell, threads, versions
from benchmarks.common.timing import cpu_time
from skmtl.model_selection import MultiTaskKFold

SHAPES = (200, 5), (1_000, 20), (5_000, 20), (20_000, 50), (100_000, 100)
N_FOLDS, POSITIVE, MISSING = 5, 0.03, 0.5


def labels(n_rows, n_tasks, seed):
    """0, 1 and NaN."""
    rng = np.random.default_rng(seed)
    Y = (rng.random((n_rows, n_tasks)) < POSITIVE).astype(float)
    Y[rng.random(Y.shape) < MISSING] = np.nan
    return Y


def ours(Y, seed):
    folds = MultiTaskKFold(N_FOLDS, shuffle=True, random_state=seed, tasks="binary")
    return [test for _, test in folds.split(Y, Y)]


def task_by_task(Y, seed):
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    return [list(folds.split(column, column)) for column in (y[~np.isnan(y)] for y in Y.T)]


def blind(Y, seed):
    return [test for _, test in KFold(N_FOLDS, shuffle=True, random_state=seed).split(Y)]


def distances(Y, folds):
    """Labels from the even share, of every task and of each of its classes in every fold."""
    marks = ~np.isnan(Y), Y == 0, Y == 1
    return np.abs([[m[test].sum(0) - m.sum(0) / N_FOLDS for m in marks] for test in folds])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    settings = parser.parse_args()
    print(f"{versions(['scikit-learn', 'numpy', 'numba'])}; {threads()}; seed {settings.seed}")
    # Of classes with fewer labels than folds.
    warnings.simplefilter("ignore")
    # Compiled before anything is timed.
    ours(labels(100, 2, 0), 0)
    table = Table(
        f"{N_FOLDS} folds: CPU seconds (over skmtl); labels from the even share",
        [
            "rows x tasks",
            "skmtl",
            "StratifiedKFold a task",
            "cells",
            "beyond 1",
            "largest",
            "KFold",
        ],
        markdown=settings.markdown,
    )
    for n_rows, n_tasks in SHAPES:
        Y = labels(n_rows, n_tasks, settings.seed)
        seconds, folds = cpu_time(ours, Y, settings.seed)
        theirs, _ = cpu_time(task_by_task, Y, settings.seed)
        off = distances(Y, folds)
        table.row(
            f"{n_rows:,} x {n_tasks}",
            cell(seconds),
            cell(theirs, seconds),
            f"{off.size:,}",
            f"{(off > 1 + 1e-9).sum():,}",
            f"{off.max():.1f}",
            f"{distances(Y, blind(Y, settings.seed)).max():.1f}",
        )


if __name__ == "__main__":
    main()
