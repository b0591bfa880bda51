"""Peers for classes and counts: whole fits of each estimator, one for every column of labels.

As in `peers`, a function from a problem and a tolerance to a W for every alpha.
"""

from functools import partial

import numpy as np
from scipy import sparse

from benchmarks.linear.glm_problems import ridge
from benchmarks.linear.peers import MAX_ITER, Competitor, adelie, as_int32, decades


def per_alpha(fit):
    """``fit(problem, alpha, tol)`` returns the W of one alpha."""
    return lambda problem, tol: [fit(problem, alpha, tol) for alpha in problem.alphas]


def per_task(make, problem):
    """W of estimators, one for every task; all classes are one task."""
    columns = [problem.labels] if problem.labels.ndim == 1 else problem.labels.T
    return np.vstack([np.atleast_2d(make().fit(problem.X, y).coef_) for y in columns]).T


def scikit_learn(problem, alpha, tol, *, solver):
    from sklearn.linear_model import LogisticRegression, PoissonRegressor

    options = {
        "solver": solver, "tol": tol, "max_iter": MAX_ITER, "fit_intercept": problem.has_intercept
    }  # fmt: skip
    if problem.loss == "poisson":
        make = partial(PoissonRegressor, alpha=alpha / len(problem.Y), **options)
    else:
        options |= {"C": 1.0 / alpha, "l1_ratio": problem.l1_ratio, "random_state": 0}
        make = partial(LogisticRegression, **options)
    return per_task(make, problem)


def independent(problem, tol, *, solver):
    """One `LogisticRegression` with its own default, C = 1, for every task: another problem."""
    return scikit_learn(ridge(problem), 1.0, tol, solver=solver)


def _independent_gap(problem, W):
    return ridge(problem, 1.0 / len(problem.Y)).gap([W])


def celer(problem, tol):
    """Proximal Newton of the path function: its estimators need an older scikit-learn."""
    from celer.homotopy import celer_path

    X = as_int32(problem.X) if sparse.issparse(problem.X) else problem.X
    coefs = celer_path(
        X, 2.0 * problem.labels - 1.0, "logreg", alphas=problem.alphas, tol=tol, max_iter=1000,
        use_PN=True,
    )[1]  # fmt: skip
    return list(coefs.T[:, :, None])


def skglm(problem, alpha, tol):
    from skglm import SparseLogisticRegression

    make = partial(
        SparseLogisticRegression, alpha / len(problem.Y), tol=tol, max_iter=1000,
        fit_intercept=problem.has_intercept,
    )  # fmt: skip
    return per_task(make, problem)


def group_lasso(problem, alpha, tol):
    """Rows over the classes of one task; over tasks, and for two classes, it has other models."""
    from group_lasso import LogisticGroupLasso

    model = LogisticGroupLasso(
        groups=np.arange(problem.X.shape[1]), group_reg=alpha / len(problem.Y), l1_reg=0.0,
        scale_reg="none", tol=tol, n_iter=MAX_ITER, supress_warning=True,
    )  # fmt: skip
    return model.fit(problem.X, problem.labels).coef_


def _is_logistic_lasso(problem):
    return problem.loss == "logistic" and problem.penalty == "l1"


def _has_rows_of_classes(problem):
    return problem.loss == "softmax" and problem.penalty == "l21"


def _scikit_learn(solver, is_taken):
    fit = per_alpha(partial(scikit_learn, solver=solver))
    return Competitor(fit, "sklearn", is_taken, decades(-1, -10))


PEERS = {
    "scikit-learn": {
        "lbfgs": _scikit_learn("lbfgs", lambda p: p.penalty == "l2"),
        "newton-cholesky": _scikit_learn("newton-cholesky", lambda p: p.penalty == "l2"),
        "saga": _scikit_learn("saga", _is_logistic_lasso),
    },
    "celer": {
        "celer": Competitor(
            celer, "celer", lambda p: _is_logistic_lasso(p) and not p.has_intercept,
            decades(-2, -12),
        )
    },
    "skglm": {
        "skglm": Competitor(per_alpha(skglm), "skglm", _is_logistic_lasso, decades(-1, -10))
    },
    "adelie": {
        "adelie": Competitor(
            adelie, "adelie", lambda p: _is_logistic_lasso(p) or _has_rows_of_classes(p),
            decades(-4, -13),
        )
    },
    "group-lasso": {
        "group-lasso": Competitor(
            per_alpha(group_lasso), "group_lasso", _has_rows_of_classes, decades(-2, -10)
        )
    },
}  # fmt: skip
INDEPENDENT = {
    "scikit-learn": {
        f"independent, {solver}": Competitor(
            partial(independent, solver=solver), "sklearn", ladder=decades(-1, -10),
            judge=_independent_gap,
        )
        for solver in ("lbfgs", "newton-cholesky")
    }
}  # fmt: skip


def chosen(settings, peers=PEERS):
    """Competitors of the packages asked for, by name."""
    return {n: c for package in settings.peers for n, c in peers.get(package, {}).items()}
