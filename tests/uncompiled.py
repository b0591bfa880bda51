"""Small problems, solved with or without the compiler: run as a script, it writes what is found.

There is one for each way through the compiled functions. Without the compiler (NUMBA_DISABLE_JIT)
these are Python, a hundred times slower: rows and tolerances are as few and as loose as they can
be.
"""

import sys
import warnings
from unittest.mock import patch

import numpy as np
from scipy import sparse

from skmtl import MultiTaskLinear, MultiTaskMLP
from skmtl.linear import MultiTaskElasticNetCV, MultiTaskLassoCV
from skmtl.linear.penalties import L1, L2, L21
from skmtl.linear.solvers._working_sets import block_descent_path
from skmtl.linear.solvers.newton import _label_newton
from skmtl.linear.solvers.proximal_newton import _few_scores, _label_model
from skmtl.model_selection import MultiTaskKFold
from skmtl.neural.balancing._nash_solver import bargain
from skmtl.tasks import Regression
from tests.linear.solvers.test_block_descent import NORMS, SPACES, problem

HUBER = Regression("huber", delta=0.5)
TWO = ["regression"] * 2
MIXED = ["regression", "binary", "count", HUBER, "multiclass"]
SUM = L21() + 0.5 * L1() + 0.2 * L2()


def name_of(kinds):
    """One word for the types of some tasks."""
    return "mixed" if len(kinds) > 2 else "-".join(kinds)


def labels_of(kind, score, rng):
    """Labels of a task of this kind."""
    if kind == "binary":
        return (score + 0.5 * rng.normal(size=len(score)) > 0) * 1.0
    if kind == "count":
        return rng.poisson(np.exp(0.5 * score)) * 1.0
    if kind == "multiclass":
        return np.digitize(score + 0.3 * rng.normal(size=len(score)), [-0.7, 0.7]) * 1.0
    return score + 0.3 * rng.normal(size=len(score))


def data(kinds, form="dense", n=18, p=4):
    """X, Y of tasks of these kinds; in long form with the task in a column of X."""
    rng = np.random.default_rng(7)
    # Columns that are much alike, so that sweeps are many.
    X = rng.normal([1.0] + [0.0] * (p - 1), size=(n, p)) + 2.0 * rng.normal(size=(n, 1))
    scores = X[:, :2] @ rng.uniform(0.5, 1.5, size=(2, len(kinds)))
    Y = np.column_stack([labels_of(k, s, rng) for k, s in zip(kinds, scores.T, strict=True)])
    if form == "missing":
        Y[rng.random(Y.shape) < 0.2] = np.nan
    if form == "sparse":
        X = sparse.csr_array(X * (rng.random(X.shape) < 0.6))
    if form == "constant":
        X[:, 1] = 2.0
    return X, Y


def linear(kinds, penalty, form="dense", n=18, p=4, **options):
    """Coefficients of a linear model."""
    options = {"alpha": 0.03, "tol": 1e-3, "fit_intercept": form != "no intercept", **options}
    X, Y = data(kinds, form, n, p)
    return MultiTaskLinear(penalty, tasks=kinds, **options).fit(X, Y).coef_


def long(kind, penalty, is_sparse=False, n_tasks=3, **options):
    """Coefficients where every row is of one task."""
    rng = np.random.default_rng(5)
    task = np.arange(24) % n_tasks
    X = rng.normal(size=(24, 3))
    y = labels_of(kind, X[:, 0] + 0.3 * task, rng)
    X = np.column_stack([X, task])
    X = sparse.csr_array(X) if is_sparse else X
    options = {"alpha": 0.03, "tol": 1e-3, "task_feature": 3, "tasks": kind, **options}
    return MultiTaskLinear(penalty, **options).fit(X, y).coef_


def over_rows(solve):
    """What `solve` finds where no working set is small enough for Gram matrices."""
    with patch.multiple(_label_model, FEW_ROWS=0, MANY_ROWS=0):
        return over_grams(solve)


def over_grams(solve):
    """What `solve` finds where no problem has so few scores that the rows of W are kept apart."""
    with patch.object(_few_scores, "FEW_SCORES", 0):
        return solve()


def together(solve):
    """What `solve` finds where no task has so few numbers that it is solved by itself."""
    with patch.object(_label_newton, "FEW_NUMBERS", 0):
        return solve()


def network(kinds=("regression", "binary"), dtype=np.float64, **options):
    """Raw predictions of a network after a few steps."""
    X, Y = data(kinds, n=12, p=3)
    options = {"max_iter": 3, "random_state": 0, "batch_size": 6, **options}
    model = MultiTaskMLP((4,), tasks=list(kinds), **options).fit(X.astype(dtype), Y)
    return np.asarray(model.predict(X.astype(dtype)), dtype=np.float64)


def folds(groups=None):
    """Fold of each row, where classes are few and labels are missing."""
    rng = np.random.default_rng(3)
    Y = np.column_stack([rng.integers(3, size=30), rng.integers(2, size=30)]) * 1.0
    Y[rng.random(Y.shape) < 0.2] = np.nan
    found = np.empty(30)
    splits = MultiTaskKFold(3).split(Y, Y, groups)
    for k, (_, test) in enumerate(splits):
        found[test] = k
    return found


def path(model, **options):
    """Coefficients where the strength is chosen."""
    X, Y = data(TWO, p=6)
    return model(alphas=20, cv=2, **options).fit(X, Y).coef_


def blocks(space, norms, unit=1.0):
    """Coefficients along a path, in units of the labels, with more features than rows."""
    X, Y = problem(n_samples=5)
    found = block_descent_path(
        SPACES[space](X, unit * Y),
        NORMS[norms],
        unit * np.geomspace(10.0, 0.3, 4),
        max_gap=unit**2 * 1e-13,
        max_iter=1000,
    )
    return np.stack([solution.W / unit for solution in found])


def nash():
    """Nash's bargain about three gradients."""
    cosines = np.array([[1.0, 0.2, -0.3], [0.2, 1.0, 0.1], [-0.3, 0.1, 1.0]])
    return bargain(cosines, np.ones(3), 1.0)


TIGHT = {"tol": 1e-9, "max_iter": 5000}
CASES = {
    "lasso": lambda: linear(TWO, "l1"),
    "grams": lambda: linear(TWO, SUM, p=12, solver="block_descent", **TIGHT),
    "grams-missing": lambda: linear(TWO, SUM, "missing", solver="block_descent", **TIGHT),
    "groups-constant": lambda: linear(TWO, SUM, "constant"),
    "groups-positive": lambda: linear(TWO, "l21", positive=True),
    **{
        f"{space}-{norms}": lambda space=space, norms=norms: blocks(space, norms)
        for space in SPACES
        for norms in ("all", "positive", "weights")
    },
    "small-labels": lambda: blocks("gram", "all", 1e-120),
    "large-labels": lambda: blocks("gram", "all", 1e120),
    "path": lambda: path(MultiTaskLassoCV),
    "path-tight": lambda: path(MultiTaskElasticNetCV, tol=1e-9),
    **{
        f"{name_of(kinds)}-{form}": lambda kinds=kinds, form=form: linear(
            kinds, SUM, form, alpha=3e-3, tol=1e-5
        )
        for kinds in (["binary"], ["binary"] * 2, ["count"] * 2, ["multiclass"] * 2, MIXED)
        for form in ("dense", "sparse", "missing")
    },
    **{
        f"{name_of(kinds)}-over-grams": lambda kinds=kinds: over_grams(
            lambda: linear(kinds, SUM, alpha=3e-3, tol=1e-5)
        )
        for kinds in (["binary"], ["count"] * 2, ["multiclass"] * 2, MIXED)
    },
    "huber": lambda: linear([HUBER] * 2, "l21"),
    "huber-sparse": lambda: over_grams(lambda: linear([HUBER], "l1", "sparse")),
    "positive-binary": lambda: linear(["binary"] * 2, "l21", positive=True),
    **{
        f"{name_of(kinds)}-over-rows-{form}": lambda kinds=kinds, form=form: over_rows(
            lambda: linear(kinds, SUM, form, alpha=3e-3, tol=1e-5)
        )
        for kinds in (["binary"], ["binary"] * 2, ["multiclass"] * 2)
        for form in ("dense", "sparse", "no intercept")
    },
    "many-features": lambda: linear(["binary"], "l1", n=10, p=30),
    "many-sparse-features": lambda: linear(["binary"] * 2, "l21", "sparse", n=20, p=60),
    "long": lambda: long("regression", "l21"),
    "long-binary": lambda: long("binary", "l21"),
    "long-multiclass": lambda: long("multiclass", "l21"),
    "long-binary-sparse": lambda: long("binary", "l21", is_sparse=True),
    "long-multiclass-sparse": lambda: long("multiclass", "l21", is_sparse=True),
    "long-of-one-task": lambda: long("binary", "l21", is_sparse=True, n_tasks=1),
    "long-over-rows": lambda: over_rows(lambda: long("multiclass", SUM)),
    "ridge-binary": lambda: linear(["binary"], "l2"),
    "ridge-binaries": lambda: together(lambda: linear(["binary"] * 3, "l2")),
    "ridge-count": lambda: together(lambda: linear(["count", HUBER], "l2")),
    "ridge-missing": lambda: linear(["binary"] * 3, "l2", "missing", fit_intercept=False),
    "ridge-multiclass": lambda: linear(["multiclass"] * 2, "l2"),
    **{
        f"network-{name}": lambda name=name: network(activation=name)
        for name in ("gelu", "silu", "relu", "tanh", "logistic", "identity")
    },
    "network-single": lambda: network(dtype=np.float32, dropout=0.3),
    "network-heads": lambda: network(
        ["multiclass", "count", "binary"], head_hidden_layer_sizes=(3,)
    ),
    "network-squares": lambda: network(TWO, dropout=0.5),
    "network-nash": lambda: network(TWO, balancing="nash_mtl"),
    "nash": nash,
    "folds": folds,
    "folds-of-groups": lambda: folds(groups=np.arange(30) // 2),
}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    np.savez(sys.argv[1], **{name: solve() for name, solve in CASES.items()})
