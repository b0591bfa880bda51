"""Command line: which tables, numbers of tasks, methods and peers."""

import argparse
import warnings

import torch

from benchmarks.common.report import threads, versions
from benchmarks.neural import fits
from benchmarks.neural.architectures import architectures
from benchmarks.neural.balancing import balancing
from benchmarks.neural.memory import memory
from benchmarks.neural.problems import SETTINGS
from benchmarks.neural.sparse import sparse_features

TABLES = {
    "fits": fits.fits,
    "balancing": balancing,
    "architectures": architectures,
    "memory": memory,
    "sparse": sparse_features,
}
PEERS = [*fits.PEERS, "torchjd"]
DISTRIBUTIONS = (
    "scikit-learn", "torch", "numpy", "scipy", "skorch", "torchjd", "cvxpy", "quadprog", "ecos",
    "clarabel",
)  # fmt: skip


def parse():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.neural", description="What training a shared network costs."
    )
    parser.add_argument("--tables", nargs="+", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--tasks", nargs="+", type=int, default=[2, 10, 100])
    parser.add_argument("--networks", nargs="+", default=list(SETTINGS), choices=list(SETTINGS),
                        help="those of 'fits'")  # fmt: skip
    parser.add_argument("--only", nargs="+", help="aliases of methods or architectures")
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--limit", type=float, default=10.0,
                        help="CPU seconds for all repeats of one number")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    return parser.parse_args()


def main():
    settings = parse()
    # Training ends with its epochs, not with convergence.
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    print(
        f"{versions(DISTRIBUTIONS)}; {threads()}; seed {settings.seed}, {settings.repeats} "
        f"repeats, {settings.limit:g} s a number"
    )
    for name in settings.tables:
        TABLES[name](settings)


if __name__ == "__main__":
    main()
