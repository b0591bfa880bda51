"""Block descent beside scikit-learn's MultiTaskLasso: CPU time to the same duality gap.

Both solve 1/2 ||Y - X W||^2 + alpha sum_j ||W_j|| on the same centred data (sparse X is centred
by the solvers), stopped at a gap of 1e-4 and 1e-8 times ||Y||^2. One function computes the gap of
the coefficients returned; the larger of the two is printed. Times are medians of process time
over interleaved repeats and include Gram matrices. A path has 100 alphas from alpha_max to
alpha_max / 1000.

    OMP_NUM_THREADS=1 python benchmarks/linear.py
    OMP_NUM_THREADS=1 python benchmarks/linear.py --shapes A C --problems path
"""

import argparse
import platform
import time

import numba
import numpy as np
import scipy
import sklearn
from scipy import sparse
from sklearn.linear_model import MultiTaskLasso, lasso_path

import skmtl
from skmtl.linear.solvers._block_descent import RowNorms, block_descent, block_descent_path
from skmtl.linear.solvers._spaces import DenseRows, GramSpace, SparseRows

# Samples, features, tasks, share of entries that are not zero.
SHAPES = {
    "A": (1000, 200, 20, 1.0),
    "B": (200, 2000, 50, 1.0),
    "C": (20_000, 100, 10, 1.0),
    "D": (5000, 1000, 500, 1.0),
    "S": (20_000, 5000, 10, 0.01),
    "T": (500, 100, 3000, 1.0),
    "U": (300, 1000, 2000, 1.0),
}
N_ALPHAS = 100
MAX_ITER = 100_000
L21 = RowNorms(l21=1.0)


def make_data(n_samples, n_features, n_tasks, density, seed):
    """X, if dense with neighbours correlated by 0.5; Y is half noise, half a tenth of X."""
    rng = np.random.default_rng(seed)
    if density < 1:
        X = sparse.random_array(
            (n_samples, n_features), density=density, rng=rng, format="csc",
            data_sampler=rng.standard_normal,
        )  # fmt: skip
    else:
        X = rng.normal(size=(n_samples, n_features))
        for j in range(1, n_features):
            X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
        X = np.asfortranarray(X - X.mean(axis=0))
    W = np.zeros((n_features, n_tasks))
    used = rng.choice(n_features, n_features // 10, replace=False)
    W[used] = rng.normal(size=(len(used), n_tasks))
    signal = X @ W
    Y = signal + signal.std() * rng.normal(size=signal.shape)
    return X, np.asfortranarray(Y - Y.mean(axis=0))


def relative_gap(X, Y, W, alpha):
    """Duality gap of W over ||Y||^2."""
    R = Y - X @ W
    R -= R.mean(axis=0)
    scale = min(1.0, alpha / np.linalg.norm(X.T @ R, axis=1).max())
    primal = 0.5 * (R**2).sum() + alpha * np.linalg.norm(W, axis=1).sum()
    return (primal - scale * np.vdot(R, Y) + 0.5 * scale**2 * (R**2).sum()) / (Y**2).sum()


def ours(X, Y, alphas, tol):
    n_samples, n_features = X.shape
    squares = (Y**2).sum()
    if sparse.issparse(X):
        space = SparseRows(X, Y, X.mean(axis=0))
    elif n_samples > n_features:
        space = GramSpace(X.T @ X, X.T @ Y, squares)
    else:
        space = DenseRows(X, Y)
    path = block_descent_path(space, L21, alphas, max_gap=tol * squares, max_iter=MAX_ITER)
    return [solution.W for solution in path]


def scikit_learn(X, Y, alphas, tol):
    if len(alphas) > 1 and not sparse.issparse(X):
        # Without what a fit checks and copies anew for every alpha.
        per_sample = np.asarray(alphas) / len(Y)
        coefs = lasso_path(X, Y, alphas=per_sample, tol=tol, max_iter=MAX_ITER, copy_X=False)[1]
        return list(coefs.transpose(2, 1, 0))
    model = MultiTaskLasso(
        tol=tol, max_iter=MAX_ITER, fit_intercept=sparse.issparse(X), warm_start=True
    )
    return [model.set_params(alpha=a / len(Y)).fit(X, Y).coef_.T.copy() for a in alphas]


def cpu_time(solve, *arguments):
    start = time.process_time()
    found = solve(*arguments)
    return time.process_time() - start, found


def compare(X, Y, alphas, tol, repeats):
    """Median times of both, and the largest gap either left (of the last repeat)."""
    times = {ours: [], scikit_learn: []}
    for _ in range(repeats):
        gaps = []
        for solve in times:
            seconds, found = cpu_time(solve, X, Y, alphas, tol)
            times[solve].append(seconds)
            every = max(1, len(alphas) // 5)
            pairs = list(zip(found, alphas, strict=True))[::-every]
            gaps.append(max(relative_gap(X, Y, W, alpha) for W, alpha in pairs))
    return [float(np.median(values)) for values in times.values()], max(gaps)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", default=list("ABCDSTU"), choices=list(SHAPES))
    parser.add_argument(
        "--problems", nargs="+", default=["0.1", "0.01"], choices=["0.1", "0.01", "path"],
        help="alpha over alpha_max, or path",
    )  # fmt: skip
    parser.add_argument("--tols", nargs="+", type=float, default=[1e-4, 1e-8])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    # Compile, or load what was compiled, before anything is timed.
    for space in (GramSpace(np.eye(2), np.eye(2), 2.0), DenseRows(np.eye(2), np.eye(2)),
                  SparseRows(sparse.eye_array(2).tocsr(), np.eye(2))):  # fmt: skip
        block_descent(space, L21, alpha=0.1, max_gap=0.0, max_iter=10)
    print(
        f"skmtl {skmtl.__version__}, scikit-learn {sklearn.__version__}, numpy {np.__version__}, "
        f"scipy {scipy.__version__}, numba {numba.__version__}, Python "
        f"{platform.python_version()}; seed {arguments.seed}, {arguments.repeats} repeats"
    )
    print(f"{'shape':24} {'alpha':>6} {'tol':>6} {'skmtl s':>9} {'sklearn s':>9} {'ratio':>6}  gap")
    for name in arguments.shapes:
        X, Y = make_data(*SHAPES[name], arguments.seed)
        alpha_max = np.linalg.norm(X.T @ Y, axis=1).max()
        label = f"{name} {'x'.join(map(str, (*X.shape, Y.shape[1])))}"
        for problem in arguments.problems:
            fractions = np.geomspace(1, 1e-3, N_ALPHAS) if problem == "path" else [float(problem)]
            alphas = alpha_max * np.asarray(fractions)
            for tol in arguments.tols:
                (our, their), gap = compare(X, Y, alphas, tol, arguments.repeats)
                print(
                    f"{label:24} {problem:>6} {tol:6.0e} {our:9.4f} {their:9.4f} "
                    f"{their / our:6.1f}  {gap:.0e}", flush=True,
                )  # fmt: skip


if __name__ == "__main__":
    main()
