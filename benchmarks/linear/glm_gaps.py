"""What certificates say, and that results do not depend on the units of X."""

from dataclasses import replace

import numpy as np

from benchmarks.common.report import Table
from benchmarks.linear import ours
from benchmarks.linear.glm_problems import drawn, ridge
from benchmarks.linear.problems import bounds

FACTORS = (1e-6, 1e-3, 1.0, 1e3, 1e6)
# Penalty, alpha for X as it is, power of the factor that alpha goes along with.
HOMOGENEOUS = (
    ("l2", 0.01, 2), ("mean_deviation", 0.01, 2), ("temporal", 0.01, 2), ("l21", 0.01, 1),
    ("l1", 0.01, 1), ("l1inf", 0.01, 1), ("sparse_group", 0.01, 1), ("trace_norm", 0.01, 1),
    ("squared_trace_norm", 0.01, 2), ("fused", 0.01, 1), ("dirty", 0.01, 1),
)  # fmt: skip


def certificates(settings):
    """Whether ``dual_gap_`` bounds the distance to the optimum, and what the judge's gap is.

    The optimum lies between the best lower bound and the objective of a fit to a gap of 1e-10.
    """
    columns = ["loss", "penalty", "fits", "dual_gap_ / judge's gap", "distance / dual_gap_",
               "dual_gap_ / asked"]  # fmt: skip
    report = Table("Certificates, gaps asked for: "
                   + ", ".join(f"{tol:g}" for tol in settings.tols), columns,
                   markdown=settings.markdown)  # fmt: skip
    for loss in ("logistic", "softmax", "poisson"):
        for penalty in ("l2", "l1", "l21"):
            problems = _with_penalty(loss, penalty, settings)
            found = np.array([c for problem in problems for c in _checked(problem, settings)])
            claims, gaps, distances, asked = found.T
            shares = (claims / gaps, distances / claims, claims / asked)
            report.row(
                loss, penalty, str(len(found)), *(f"{r.min():.2g} to {r.max():.4g}" for r in shares)
            )


def _checked(problem, settings):
    """(``dual_gap_``, judge's gap, largest distance to the optimum, gap asked for) of fits."""
    (alpha,) = problem.alphas
    model = ours.estimator(problem, 1e-10).set_params(alpha=alpha / len(problem.Y))
    least = bounds(problem, model.fit(problem.X, problem.labels).coef_.T, alpha)[1]
    for tol in settings.tols:
        model.set_params(tol=tol).fit(problem.X, problem.labels)
        primal, dual = bounds(problem, model.coef_.T, alpha)
        claim, asked = model.dual_gap_ * len(problem.Y), tol * problem.scale
        yield claim, primal - dual, primal - max(least, dual), asked


def _with_penalty(loss, penalty, settings):
    """n > p and p > n, with intercepts and without, more and less penalty."""
    for n_samples, n_features in ((300, 10), (60, 100)):
        drawn_problem = drawn(loss, n_samples, n_features, 3, settings.seed)
        for has_intercept in (True, False):
            problem = replace(drawn_problem, has_intercept=has_intercept)
            problem = ridge(problem) if penalty == "l2" else replace(problem, norm=penalty)
            for fraction in (0.3, 0.01):
                yield problem.at(fraction)


def scales(settings):
    """Table of iterations as X is measured in other units, alpha along, and what changes."""
    report = Table(
        f"X times {', '.join(f'{factor:g}' for factor in FACTORS)}",
        ["loss", "penalty", "iterations", "largest / at 1", "difference of scores"],
        markdown=settings.markdown,
    )  # fmt: skip
    for loss in ("logistic", "softmax", "poisson"):
        problem = drawn(loss, 300, 10, 3, settings.seed)
        # Far from centred, so that intercepts and coefficients are of different size.
        problem = replace(problem, X=problem.X + 3.0)
        for penalty, alpha, power in HOMOGENEOUS:
            fits = [_scaled(problem, penalty, alpha, power, factor) for factor in FACTORS]
            iterations, scores = zip(*fits, strict=True)
            same = scores[FACTORS.index(1.0)]
            report.row(
                loss, penalty, ", ".join(map(str, iterations)),
                f"{max(iterations) / iterations[FACTORS.index(1.0)]:.1f}",
                f"{max(np.abs(S - same).max() for S in scores) / same.std():.0e}",
            )  # fmt: skip


def _scaled(problem, penalty, alpha, power, factor):
    """Iterations, and raw scores less their mean."""
    X = factor * problem.X
    model = ours.estimator(problem, 1e-8).set_params(penalty=penalty, alpha=alpha * factor**power)
    model.fit(X, problem.labels)
    S = X @ model.coef_.T
    return model.n_iter_, S - S.mean(axis=0)
