"""One function for each kind of table: which problems, which competitors, which columns."""

from dataclasses import replace

import numpy as np

from benchmarks.common.report import Table, cells
from benchmarks.linear import ours
from benchmarks.linear.peers import PEERS
from benchmarks.linear.problems import (
    LOW_RANK_SHAPES,
    N_ALPHAS,
    SHAPES,
    label,
    low_rank,
    row_sparse,
)
from benchmarks.linear.timing import time_to_gaps

PATH = np.geomspace(1.0, 1e-3, N_ALPHAS)


def solvers(settings, problem_name):
    """The solver alone, on centred data: one alpha, or a path of 100."""
    fractions = PATH if problem_name == "path" else float(problem_name)
    title = f"Solvers, path of {N_ALPHAS} alphas"
    if problem_name != "path":
        title = f"Solvers, alpha {problem_name} of the largest"
    problems = _row_sparse(settings, lambda problem: problem.at(fractions))
    compare(title, ours.SOLVER | _peers(settings), problems, settings)


def elastic_net(settings):
    """The solver alone, half of the penalty is a ridge."""
    for fraction in (0.1, 0.01):
        problems = _row_sparse(settings, lambda p, f=fraction: replace(p, l1_ratio=0.5).at(f))
        title = f"Elastic net, l1_ratio 0.5, alpha {fraction} of the largest"
        compare(title, ours.SOLVER | _peers(settings), problems, settings)


def fits(settings):
    """Whole fits with intercepts, through the public classes."""
    for fraction in (0.1, 0.01):
        problems = _row_sparse(settings, lambda p, f=fraction: p.at(f), has_intercept=True)
        title = f"Whole fits with intercepts, alpha {fraction} of the largest"
        compare(title, ours.FITS | _peers(settings), problems, settings)


def cross_validation(settings):
    """5 folds x 100 alphas and the final fit; whether the choice is the same."""
    for tol in settings.tols:
        columns = ["shape", *ours.CV, "alpha / largest", "same alpha", "mse / mse - 1"]
        table = Table(f"5-fold CV of 100 alphas, tol {tol:g}", columns, markdown=settings.markdown)
        for name, problem in _row_sparse(settings, lambda p: p.at(PATH), has_intercept=True):
            _, results, found = next(time_to_gaps(ours.CV, problem, [tol], settings))
            table.row(name, *cells(results), *_choices(found, problem))


def _choices(found, problem):
    """What scikit-learn chose, who agrees, and the relative differences of the errors."""
    if "scikit-learn" not in found or len(found) < len(ours.CV):
        return "-", "-", "-"
    alpha, error = found.pop("scikit-learn")
    agree = [bool(np.isclose(theirs, alpha, rtol=1e-6)) for theirs, _ in found.values()]
    differences = [mse / error - 1.0 for _, mse in found.values()]
    return (
        f"{alpha * len(problem.Y) / problem.alphas[0]:.3g}",
        ", ".join("yes" if same else "no" for same in agree),
        ", ".join(f"{difference:+.0e}" for difference in differences),
    )


def trace(settings):
    """Whole fits without intercepts, trace norm."""
    for fraction in (0.1, 0.01):
        shapes = [name for name in settings.shapes if name in LOW_RANK_SHAPES]
        problems = ((name, low_rank(name, settings.seed).at(fraction)) for name in shapes)
        problems = ((label(name, problem), problem) for name, problem in problems)
        title = f"Trace norm, alpha {fraction} of the largest"
        compare(title, ours.TRACE | _peers(settings), problems, settings)


def _row_sparse(settings, finish, **options):
    """(label, problem) for the shapes asked for, one at a time."""
    for name in settings.shapes:
        if name in SHAPES:
            problem = finish(row_sparse(name, settings.seed, **options))
            yield label(name, problem), problem


def _peers(settings):
    return {name: PEERS[name] for name in settings.peers}


def compare(title, competitors, problems, settings):
    """Table of CPU times to the gaps asked for; ``problems`` are pairs of (label, problem)."""
    table = None
    for name, problem in problems:
        if table is None:
            # Who takes none of them has no column.
            competitors = {n: c for n, c in competitors.items() if _may_take(c, problem)}
            table = Table(
                title, ["shape", "gap", *competitors, "largest gap"], markdown=settings.markdown
            )
        for gap, results, found in time_to_gaps(competitors, problem, settings.tols, settings):
            gaps = [competitors[n].judge(problem, path) for n, path in found.items()]
            table.row(name, f"{gap:.0e}", *cells(results), f"{max(gaps, default=np.nan):.0e}")


def _may_take(competitor, problem):
    """Whether dense data of this kind are taken."""
    return competitor.takes(replace(problem, X=np.empty((0, 0))))
