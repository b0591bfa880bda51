"""Command line: which tables, shapes, gaps and peers."""

import argparse
import warnings

from benchmarks.common.report import threads, versions
from benchmarks.linear import glm_cv, glm_gaps, glm_tables, tables
from benchmarks.linear.glm_long import long_form
from benchmarks.linear.large import large
from benchmarks.linear.peers import PEERS
from benchmarks.linear.problems import LOW_RANK_SHAPES, SHAPES
from benchmarks.linear.school import school

DISTRIBUTIONS = (
    "scikit-learn", "numpy", "scipy", "numba", "celer", "skglm", "adelie", "spams-bin",
    "group-lasso", "cvxpy", "scs",
)  # fmt: skip
PROBLEMS = {
    **{name: lambda settings, name=name: tables.solvers(settings, name)
       for name in ("0.1", "0.01", "path")},
    "enet": tables.elastic_net,
    "fit": tables.fits,
    "cv": tables.cross_validation,
    "trace": tables.trace,
    "school": school,
    "large": large,
    "glm": glm_tables.quadratic,
    "glm_l21": glm_tables.rows,
    "glm_l1": glm_tables.sparse,
    "glm_cv": glm_cv.cross_validation,
    "glm_gaps": glm_gaps.certificates,
    "glm_scales": glm_gaps.scales,
    "glm_long": long_form,
}  # fmt: skip


def parse():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.linear",
        description="Linear fits beside other packages: CPU time to the same duality gap.",
    )
    shapes = [*SHAPES, *LOW_RANK_SHAPES]
    parser.add_argument(
        "--problems", nargs="+", default=["0.1", "0.01"], choices=list(PROBLEMS),
        help="a number is alpha over the largest one, for the solvers alone",
    )  # fmt: skip
    parser.add_argument(
        "--shapes", nargs="+", default=shapes, choices=shapes,
        help="E to H are those of 'trace', the others have their own",
    )  # fmt: skip
    parser.add_argument(
        "--tols", nargs="+", type=float, default=[1e-4, 1e-8],
        help="gaps to reach, over the sum of squares of Y, or the loss of constants",
    )  # fmt: skip
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=list(PEERS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--limit", type=int, default=60, help="CPU seconds a run may take")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", default="../shared/data/school/school.npz", help="School")
    parser.add_argument("--markdown", action="store_true", help="tables for a page")
    settings = parser.parse_args()
    settings.tols = sorted(settings.tols, reverse=True)
    return settings


def main():
    settings = parse()
    # Limits on iterations are met on the way down the ladders.
    warnings.simplefilter("ignore")
    print(
        f"{versions(DISTRIBUTIONS)}; {threads()}; seed {settings.seed}, "
        f"{settings.repeats} repeats, {settings.limit} s a run"
    )
    for name in settings.problems:
        PROBLEMS[name](settings)


if __name__ == "__main__":
    main()
