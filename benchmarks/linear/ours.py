"""What is compared with the other packages, from the solver alone to whole fits."""

import numpy as np
from scipy import sparse

from benchmarks.linear.peers import MAX_ITER, Competitor


def solver(problem, tol):
    """Block descent on the rows, or on the Gram matrix where fits form it."""
    from skmtl.linear.solvers._block_descent import forms_gram
    from skmtl.linear.solvers._spaces import DenseRows, GramSpace, SparseRows
    from skmtl.linear.solvers._working_sets import RowNorms, block_descent_path

    X, Y, squares = problem.X, problem.Y, float((problem.Y**2).sum())
    if sparse.issparse(X):
        space = SparseRows(X, Y, X.mean(axis=0))
    elif forms_gram(X):
        space = GramSpace(X.T @ X, X.T @ Y, squares)
    else:
        space = DenseRows(X, Y)
    norms = RowNorms(l21=problem.l1_ratio, l2=1.0 - problem.l1_ratio)
    path = block_descent_path(
        space, norms, problem.alphas, max_gap=tol * squares, max_iter=MAX_ITER
    )
    return [solution.W for solution in path]


def twin(problem, tol):
    """`fit` of the class that has scikit-learn's name."""
    from skmtl.linear import MultiTaskElasticNet, MultiTaskLasso

    ratio = problem.l1_ratio
    model = MultiTaskLasso() if ratio == 1.0 else MultiTaskElasticNet(l1_ratio=ratio)
    model.set_params(tol=tol, max_iter=MAX_ITER, fit_intercept=problem.has_intercept)
    alphas = problem.alphas / len(problem.Y)
    return [model.set_params(alpha=alpha).fit(problem.X, problem.Y).coef_.T for alpha in alphas]


# Class, and options, by the loss.
ESTIMATORS = {
    "squared": ("MultiTaskLinearRegressor", {}),
    "logistic": ("MultiTaskLinearClassifier", {}),
    "softmax": ("MultiTaskLinearClassifier", {}),
    "poisson": ("MultiTaskLinear", {"tasks": "count"}),
}


def estimator(problem, tol):
    """The class for any penalty; its ``tol`` is a share of the loss of constants."""
    import skmtl

    name, options = ESTIMATORS[problem.loss]
    return getattr(skmtl, name)(
        problem.penalty, tol=2 * tol if problem.loss == "squared" else tol, max_iter=MAX_ITER,
        fit_intercept=problem.has_intercept, **options,
    )  # fmt: skip


def general(problem, tol):
    """`fit` of the class for any penalty."""
    model, alphas = estimator(problem, tol), problem.alphas / len(problem.Y)
    return [
        model.set_params(alpha=alpha).fit(problem.X, problem.labels).coef_.T for alpha in alphas
    ]


def twin_cv(problem, tol):
    from skmtl.linear import MultiTaskLassoCV

    return choice(MultiTaskLassoCV(**_cv_options(problem, tol)), problem)


def general_cv(problem, tol):
    from sklearn.model_selection import KFold

    from skmtl import MultiTaskLinearRegressorCV

    # A number would shuffle the rows.
    options = _cv_options(problem, 2 * tol) | {"cv": KFold(5)}
    model = MultiTaskLinearRegressorCV("l21", scoring="neg_mean_squared_error", **options)
    return choice(model, problem)


def scikit_learn_cv(problem, tol):
    from sklearn.linear_model import MultiTaskLassoCV

    return choice(MultiTaskLassoCV(**_cv_options(problem, tol)), problem)


def _cv_options(problem, tol):
    return {"alphas": problem.alphas / len(problem.Y), "cv": 5, "tol": tol, "max_iter": MAX_ITER}


def choice(model, problem):
    """(alpha chosen, its mean squared error over the folds) after the fit."""
    model.fit(problem.X, problem.Y)
    return model.alpha_, float(np.min(model.mse_path_.mean(axis=-1)))


SOLVER = {"skmtl": Competitor(solver)}
FITS = {"skmtl": Competitor(twin), "skmtl l21": Competitor(general)}
TRACE = GLM = {"skmtl": Competitor(general)}
# They are told a tolerance; no gap is asked for.
_TOLD = {"judge": lambda problem, found: 0.0}
CV = {
    "skmtl": Competitor(twin_cv, **_TOLD),
    "skmtl l21": Competitor(general_cv, **_TOLD),
    "scikit-learn": Competitor(scikit_learn_cv, "sklearn", **_TOLD),
}
