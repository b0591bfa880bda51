"""Cross-validation of classes: 5 folds x 100 values of C beside LogisticRegressionCV(Cs=100).

All have the same folds and, on them, the same problems. skmtl chooses one alpha for all tasks,
LogisticRegressionCV one for each: what is compared is the best mean over folds and tasks.
"""

from functools import partial

import numpy as np
from sklearn.model_selection import KFold

from benchmarks.common.report import Table, cells
from benchmarks.linear.glm_problems import drawn, ridge, shape, table
from benchmarks.linear.peers import MAX_ITER, Competitor
from benchmarks.linear.timing import time_to_gaps

CS = np.logspace(-4, 4, 100)
"""What ``Cs=100`` stands for."""
SCORINGS = ("accuracy", "neg_log_loss")
N_FOLDS = 5


def folds(problem):
    return list(KFold(N_FOLDS, shuffle=True, random_state=0).split(problem.X))


def skmtl_ridge(problem, tol, *, scoring):
    """(alpha chosen, its score) with the alphas that Cs are on the training rows."""
    return _skmtl(problem, scoring, penalty="l2", alphas=_alphas(problem), tol=tol)


def skmtl_default(problem, tol, *, scoring):
    """(alpha chosen, its score) of a search that is told nothing but the folds."""
    return _skmtl(problem, scoring)


def _skmtl(problem, scoring, **options):
    from skmtl import MultiTaskLinearClassifierCV

    scoring = None if scoring == "accuracy" else scoring
    model = MultiTaskLinearClassifierCV(cv=folds(problem), scoring=scoring, **options)
    model.fit(problem.X, problem.labels)
    return model.alpha_, np.nanmean(model.score_path_, axis=-1).max()


def logistic_regression_cv(problem, tol, *, scoring, solver):
    """(alpha, score) that are best for the mean of all tasks."""
    from sklearn.linear_model import LogisticRegressionCV

    columns = [problem.labels] if problem.labels.ndim == 1 else problem.labels.T
    curves = []
    for y in columns:
        model = LogisticRegressionCV(
            Cs=len(CS), cv=folds(problem), solver=solver, scoring=scoring, tol=tol,
            max_iter=MAX_ITER, l1_ratios=(0.0,), use_legacy_attributes=False,
        ).fit(problem.X, y)  # fmt: skip
        curves.append(model.scores_.reshape(N_FOLDS, len(CS)).mean(axis=0))
    curve = np.mean(curves, axis=0)
    return _alphas(problem)[curve.argmax()], curve.max()


def _alphas(problem):
    return 1.0 / (CS * len(problem.Y) * (1 - 1 / N_FOLDS))


def competitors(settings, scoring):
    def told(solve, module="skmtl", **options):
        # A tolerance; no gap is asked for.
        solve = partial(solve, scoring=scoring, **options)
        return Competitor(solve, module, judge=lambda problem, found: 0.0)

    yield 'skmtl, "l2"', told(skmtl_ridge)
    if "scikit-learn" in settings.peers:
        for solver in ("lbfgs", "newton-cholesky"):
            yield solver, told(logistic_regression_cv, "sklearn", solver=solver)
    yield "skmtl, default", told(skmtl_default)


def cross_validation(settings):
    """Table of seconds, of the alphas chosen and of their scores, in the order of the columns."""
    for scoring in SCORINGS:
        searches = dict(competitors(settings, scoring))
        report = Table(
            f"5-fold CV of 100 alphas, {scoring}", ["shape", *searches, "alpha", "score"],
            markdown=settings.markdown,
        )  # fmt: skip
        for problem in (
            table("iris"),
            table("breast_cancer"),
            drawn("logistic", 2000, 20, 3, settings.seed),
        ):
            tol = settings.tols[0]
            _, results, found = next(time_to_gaps(searches, ridge(problem, 1.0), [tol], settings))
            choices = [found.get(name, (np.nan, np.nan)) for name in searches]
            report.row(
                shape(problem), *cells(results), ", ".join(f"{alpha:.2g}" for alpha, _ in choices),
                ", ".join(f"{score:.4f}" for _, score in choices),
            )  # fmt: skip
