"""The other packages: each a function from a problem and a tolerance to a W for every alpha.

They take what `Problem` states, in their own units. A package is imported where it is used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from scipy import sparse

MAX_ITER = 100_000


def decades(first, last):
    """A ladder from 10^first down to 10^last, whatever the gaps."""
    return lambda gaps: [10.0**k for k in range(first, last - 1, -1)]


@dataclass(frozen=True)
class Competitor:
    """Attributes: solver, the module it needs, problems it takes, tolerances to try, the judge.

    ``ladder`` maps the gaps asked for to tolerances, loosest first. Where the tolerance is a gap,
    it goes further down than asked: a package may certify itself by better dual points than
    `relative_gap` takes. ``judge`` says which gap was left by what came back.
    """

    solve: Callable
    module: str = "skmtl"
    takes: Callable = lambda problem: True
    ladder: Callable = lambda gaps: [*gaps, gaps[-1] / 10, gaps[-1] / 100]
    judge: Callable = lambda problem, found: problem.gap(found)

    @property
    def is_installed(self):
        return find_spec(self.module) is not None


def is_plain_lasso(problem):
    return problem.loss == "squared" and problem.norm == "l21" and problem.l1_ratio == 1.0


def scikit_learn(problem, tol):
    from sklearn.linear_model import MultiTaskElasticNet, MultiTaskLasso, enet_path

    X, Y, ratio = problem.X, problem.Y, problem.l1_ratio
    alphas = problem.alphas / len(Y)
    is_sparse = sparse.issparse(X)
    if len(alphas) > 1 and not is_sparse:
        # Without what a fit checks and copies anew for every alpha.
        coefs = enet_path(
            X, Y, l1_ratio=ratio, alphas=alphas, tol=tol, max_iter=MAX_ITER, copy_X=False
        )[1]
        return list(coefs.transpose(2, 1, 0))
    model = MultiTaskLasso() if ratio == 1.0 else MultiTaskElasticNet(l1_ratio=ratio)
    fit_intercept = is_sparse or problem.has_intercept
    model.set_params(tol=tol, max_iter=MAX_ITER, fit_intercept=fit_intercept, warm_start=True)
    return [model.set_params(alpha=alpha).fit(X, Y).coef_.T.copy() for alpha in alphas]


def celer(problem, tol):
    """The path alone: its estimators need an older scikit-learn."""
    from celer.homotopy import mtl_path

    alphas = problem.alphas / len(problem.Y)
    coefs = mtl_path(problem.X, problem.Y, alphas=alphas, tol=tol, max_iter=1000)[1]
    return list(coefs.transpose(2, 1, 0))


def skglm(problem, tol):
    """``tol`` bounds how far optimality is violated, as a share of the largest alpha."""
    from skglm.datafits import QuadraticMultiTask
    from skglm.penalties import L2_1
    from skglm.solvers import MultiTaskBCD

    X = problem.X
    if sparse.issparse(X):
        X = sparse.csc_matrix(X)
    alphas = problem.alphas / len(problem.Y)
    solver = MultiTaskBCD(
        max_iter=1000, tol=tol * alphas[0],
        fit_intercept=problem.has_intercept or sparse.issparse(X),
    )  # fmt: skip
    coefs = solver.path(X, problem.Y, QuadraticMultiTask(), L2_1(1.0), alphas)[1]
    return [W[: X.shape[1]] for W in coefs.transpose(2, 1, 0)]


def adelie(problem, tol):
    import adelie as ad

    X, n_outputs = problem.X, problem.Y.shape[1]
    matrix = ad.matrix.dense
    if sparse.issparse(X):
        matrix, X = ad.matrix.sparse, as_int32(X)
    if problem.loss == "logistic":
        family, Y = ad.glm.binomial, problem.Y[:, 0]
    else:
        family = {"squared": ad.glm.multigaussian, "softmax": ad.glm.multinomial}[problem.loss]
        Y = np.ascontiguousarray(problem.Y)
    state = ad.grpnet(
        matrix(X, n_threads=1),
        family(Y),
        # Losses of several columns are divided by their number.
        lmda_path=problem.alphas / (len(Y) * n_outputs),
        penalty=np.ones(X.shape[1]),
        alpha=problem.l1_ratio,
        tol=tol,
        irls_tol=tol,
        max_iters=MAX_ITER * 100,
        early_exit=False,
        intercept=problem.has_intercept or (problem.loss == "squared" and sparse.issparse(X)),
        progress_bar=False,
        n_threads=1,
    )
    return list(state.betas.toarray().reshape(len(problem.alphas), -1, n_outputs))


def spams(problem, tol):
    import spams

    n_features, n_tasks = problem.X.shape[1], problem.Y.shape[1]
    W, path = np.zeros((n_features, n_tasks), order="F"), []
    for alpha in problem.alphas:
        W = spams.fistaFlat(
            problem.Y, problem.X, W, loss="square",
            regul={"l21": "l1l2", "trace_norm": "trace-norm"}[problem.norm],
            lambda1=alpha, tol=tol, it0=10, max_it=MAX_ITER, numThreads=1,
        )  # fmt: skip
        path.append(W)
    return path


def group_lasso(problem, tol):
    from group_lasso import GroupLasso

    model = GroupLasso(
        groups=np.arange(problem.X.shape[1]), l1_reg=0, scale_reg="none", tol=tol,
        n_iter=MAX_ITER, fit_intercept=False, warm_start=True, supress_warning=True,
    )  # fmt: skip
    path = []
    for alpha in problem.alphas:
        # Its loss is the mean of squares, not half of it; its strength counts twice as much.
        model.group_reg = 0.5 * alpha / len(problem.Y)
        path.append(model.fit(problem.X, problem.Y).coef_.copy())
    return path


def cvxpy(problem, tol):
    """SCS: the only one of its open solvers that takes the trace norm of matrices this large."""
    import cvxpy as cp

    path = []
    for alpha in problem.alphas:
        W = cp.Variable((problem.X.shape[1], problem.Y.shape[1]))
        loss = 0.5 * cp.sum_squares(problem.X @ W - problem.Y)
        penalty = cp.normNuc(W) if problem.norm == "trace_norm" else cp.mixed_norm(W, 2, 1)
        cp.Problem(cp.Minimize(loss + alpha * penalty)).solve(
            solver=cp.SCS, eps_abs=tol, eps_rel=tol, max_iters=MAX_ITER
        )
        path.append(W.value)
    return path


def as_int32(X):
    """CSC matrix with the 32-bit indices compiled code expects."""
    X = sparse.csc_matrix(X)
    indices, indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    return sparse.csc_matrix((X.data, indices, indptr), shape=X.shape)


def _takes(is_taken, *, dense=False, intercept=True):
    def takes(problem):
        is_dense = not sparse.issparse(problem.X)
        return (
            is_taken(problem)
            and (is_dense or not dense)
            and (intercept or not problem.has_intercept)
        )

    return takes


PEERS = {
    "scikit-learn": Competitor(scikit_learn, "sklearn", _takes(lambda p: p.norm == "l21")),
    "celer": Competitor(celer, "celer", _takes(is_plain_lasso, dense=True, intercept=False)),
    "skglm": Competitor(skglm, "skglm", _takes(is_plain_lasso), decades(-1, -9)),
    "adelie": Competitor(
        adelie, "adelie", _takes(lambda p: p.norm == "l21"), decades(-5, -13)
    ),
    "spams": Competitor(
        spams, "spams", _takes(lambda p: p.l1_ratio == 1.0, dense=True, intercept=False),
        decades(-2, -10),
    ),
    "group-lasso": Competitor(
        group_lasso, "group_lasso", _takes(is_plain_lasso, dense=True, intercept=False),
        decades(-3, -10),
    ),
    "cvxpy": Competitor(
        cvxpy, "cvxpy", _takes(lambda p: p.norm == "trace_norm", dense=True, intercept=False),
        decades(-3, -10),
    ),
}  # fmt: skip
