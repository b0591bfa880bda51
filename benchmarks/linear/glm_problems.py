"""Problems with classes and counts: real tables, and labels drawn from a linear model."""

from dataclasses import replace
from functools import partial

import numpy as np
from scipy import sparse
from sklearn import datasets

from benchmarks.linear.losses import LOSSES
from benchmarks.linear.problems import Problem, features

# Standard deviation of the raw scores that labels are drawn from.
SPREAD = {"logistic": 2.0, "softmax": 2.0, "poisson": 0.7}


def standardised(name):
    """(X, classes) of a table of scikit-learn, without constant columns."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    X = X[:, X.std(axis=0) > 0]
    return (X - X.mean(axis=0)) / X.std(axis=0), y


def table(name):
    """Problem of a table: logistic for two classes, else softmax."""
    X, y = standardised(name)
    two = y.max() == 1
    Y = y[:, None] if two else y[:, None] == np.unique(y)
    return _problem(X, Y, "logistic" if two else "softmax")


def drawn(loss, n_samples, n_features, n_tasks, seed, *, density=1.0, share=0.5, correlation=0.5):
    """Problem with labels of all tasks, or classes, from the same share of the features."""
    rng = np.random.default_rng(seed)
    X = features(n_samples, n_features, density, rng, correlation)
    used = rng.choice(n_features, round(share * n_features), replace=False)
    S = X[:, used] @ rng.normal(size=(len(used), n_tasks))
    expected = LOSSES[loss].expected(0.3 + SPREAD[loss] * S / S.std())
    draw = {"poisson": rng.poisson, "softmax": partial(rng.multinomial, 1)}
    Y = draw.get(loss, partial(rng.binomial, 1))(expected)
    return _problem(X, Y, loss)


def _problem(X, Y, loss):
    Y = np.asfortranarray(Y, dtype=float)
    return Problem(X, Y, np.ones(1), has_intercept=True, loss=loss)


def lasso(problem, has_intercept):
    """The problem with "l1" and, where X is dense, the order of columns its peers want."""
    X = problem.X if sparse.issparse(problem.X) else np.asfortranarray(problem.X)
    return replace(problem, X=X, norm="l1", has_intercept=has_intercept)


def ridge(problem, *alphas):
    """The problem with "l2", and these alphas for a loss that is a mean over samples."""
    return replace(problem, l1_ratio=0.0).at(alphas)


def shape(problem):
    """Rows x features x tasks, or classes."""
    return " x ".join(f"{n:,}" for n in (*problem.X.shape, problem.Y.shape[1]))
