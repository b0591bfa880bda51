r"""What choosing labels could save on STAR at best: by a model that is told its variances.

Scores of one pupil have much in common that no feature knows, so that a second label of a pupil
tells less than one of another. Here tasks are linear, their coefficients have the covariance B,
features are not standardised (a level of a factor that is rare is no stronger for it), and the
noise of the labels of a pupil has the covariance R; B and R are the likeliest of 1,000 labels that
are drawn first. A label of a task, given others of its pupil, is one of the contrast
:math:`y_t - R_{tS} R_{SS}^{-1} y_S`, whose noise is independent.

Printed is the share of labels, chosen greedily by the variance less at the labels to predict, that
are needed to the error, and to the variance, that 640 drawn ones have. The latter is what choosing
saves if the model is right: no noise of test labels is in it.

    python -m benchmarks.label_bound --data ../shared/data
"""

import argparse

import numpy as np
from sklearn.gaussian_process.kernels import DotProduct, WhiteKernel
from sklearn.impute import SimpleImputer

from benchmarks.label_acquisition import drawn, share
from skmtl import MultiTaskGaussianProcessRegressor

START, BATCH, END, N_POOL, N_TEST = 160, 40, 640, 600, 3000
FLAT = 100.0
"""Variance of intercepts, of standardised labels: nothing is known of them."""


def load(data):
    """Features about their means, factors as 0 and 1, years with deviation 1/2; labels."""
    stored = np.load(f"{data}/rd_star/rd_star.npz", allow_pickle=True)
    X = SimpleImputer(strategy="median").fit_transform(stored["X"].astype(float))
    Y = stored["Y"].astype(float)
    X = X - X.mean(axis=0)
    X[:, :4] /= 2.0 * X[:, :4].std(axis=0)
    has_label = np.isfinite(Y).any(axis=1)
    return X[has_label], ((Y - np.nanmean(Y, axis=0)) / np.nanstd(Y, axis=0))[has_label]


def likeliest(X, Y, rng):
    """B and R, from 1,000 labels of 1,200 rows."""
    rows = rng.permutation(len(X))[:1200]
    known = drawn(None, X, np.isfinite(Y[rows]), 1000, rng)
    model = MultiTaskGaussianProcessRegressor(
        DotProduct(0, "fixed") + WhiteKernel(), task_covariance="shared", feature_scaling=None
    ).fit(X[rows], np.where(known, Y[rows], np.nan))
    scale = np.outer(model._scale, model._scale)
    B = model.task_covariance_ / scale
    return B, B * model.kernel_.k2.noise_level + np.diag(model.noise_ / np.diag(scale))


class Learner:
    """Coefficients of all tasks given labels: mean m and covariance C of (n_tasks * d,)."""

    def __init__(self, X, Y, B, R):
        self.W, self.Y, self.R = np.column_stack([np.ones(len(X)), X]), Y, R
        n_tasks, self.d = len(B), self.W.shape[1]
        is_slope = np.r_[0.0, np.ones(self.d - 1)]
        self.C = np.kron(B, np.diag(is_slope)) + FLAT * np.kron(
            np.eye(n_tasks), np.diag(1.0 - is_slope)
        )
        self.m, self.known = np.zeros(n_tasks * self.d), np.zeros(Y.shape, bool)

    def contrast(self, row, task):
        """Its features, the variance of its noise, and its label."""
        S = np.flatnonzero(self.known[row])
        a, variance, label = np.zeros((len(self.R), self.d)), self.R[task, task], self.Y[row, task]
        a[task] = self.W[row]
        if len(S):
            c = np.linalg.solve(self.R[np.ix_(S, S)], self.R[S, task])
            a[S] -= c[:, None] * self.W[row]
            variance, label = variance - c @ self.R[S, task], label - c @ self.Y[row, S]
        return a.ravel(), variance, label

    def learn(self, row, task):
        """One label more; what changes along it, and the variance of its contrast."""
        a, noise, label = self.contrast(row, task)
        along = self.C @ a
        variance = a @ along + noise
        self.m += along * ((label - a @ self.m) / variance)
        self.C -= np.outer(along, along / variance)
        self.known[row, task] = True
        return along, variance

    def error(self, Z, T):
        P = np.column_stack([np.ones(len(Z)), Z]) @ self.m.reshape(len(self.R), -1).T
        left = np.sqrt(np.nanmean((P - T) ** 2, axis=0))
        return float((left / np.nanstd(T, axis=0)).mean())


def choose(learner, cells, n, S):
    """Learn n of the cells, each of largest value; S (n_tasks * d,)² sums rows asked about."""
    cells = np.array(cells)
    A, noise, _ = (
        np.array(part) for part in zip(*[learner.contrast(*c) for c in cells], strict=True)
    )
    AC, open_ = A @ learner.C, np.ones(len(cells), bool)
    told, variance = ((AC @ S) * AC).sum(axis=1), (AC * A).sum(axis=1)
    for _ in range(n):
        best = np.where(open_, told / (variance + noise), -1.0).argmax()
        open_[best] = False
        along, size = learner.learn(*cells[best])
        shift = A @ along
        told -= 2.0 * shift * (AC @ (S @ along)) / size
        told += shift**2 * (along @ S @ along) / size**2
        variance -= shift**2 / size
        AC -= np.outer(shift, along / size)
        for other in np.flatnonzero(open_ & (cells[:, 0] == cells[best, 0])):
            A[other], noise[other], _ = learner.contrast(*cells[other])
            AC[other] = learner.C @ A[other]
            told[other], variance[other] = AC[other] @ S @ AC[other], AC[other] @ A[other]
        yield


def curves(X, Y, B, R, rng):
    """Errors and variances after every batch: chosen and drawn, (4, n_batches)."""
    rows = rng.permutation(len(X))
    asked, test = rows[:N_POOL], rows[N_POOL : N_POOL + N_TEST]
    Z, T = X[test], Y[test]
    F, seen = np.column_stack([np.ones(N_TEST), Z]), np.isfinite(T)
    d = F.shape[1]
    S = np.zeros((len(B) * d,) * 2)
    for t in range(len(B)):
        own = F[seen[:, t]]
        S[t * d : (t + 1) * d, t * d : (t + 1) * d] = own.T @ own / len(own) / len(B)
    order = rng.permutation(np.flatnonzero(np.isfinite(Y[asked]).ravel()))
    cells = [divmod(cell, len(B)) for cell in order.tolist()]
    found = []
    for way in ("chosen", "drawn"):
        learner, errors, variances = Learner(X[asked], Y[asked], B, R), [], []
        for cell in cells[:START]:
            learner.learn(*cell)
        steps = choose(learner, cells[START:], END - START, S)
        for n in range(START, END + 1):
            if (n - START) % BATCH == 0:
                errors.append(learner.error(Z, T))
                variances.append(float((learner.C * S).sum()))
            if n < END:
                next(steps) if way == "chosen" else learner.learn(*cells[n])
        found.append((errors, variances))
    (e, v), (e0, v0) = found
    return np.array([e, e0, v, v0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", default="../shared/data")
    parser.add_argument("--repetitions", type=int, default=20)
    arguments = parser.parse_args()
    X, Y = load(arguments.data)
    B, R = likeliest(X, Y, np.random.default_rng(7))
    found = np.array(
        [curves(X, Y, B, R, np.random.default_rng(s)) for s in range(arguments.repetitions)]
    )
    n_labels = np.arange(START, END + 1, BATCH, dtype=float)
    for name, line in zip(
        ("error, chosen", "error, drawn", "variance, chosen", "variance, drawn"),
        found.mean(axis=0),
        strict=True,
    ):
        print(f"{name:17}", np.round(line, 4).tolist())
    rng, n = np.random.default_rng(0), len(found)
    samples = [found[rng.integers(n, size=n)].mean(axis=0) for _ in range(2000)]
    for name, at in ("error", slice(0, 2)), ("variance", slice(2, 4)):
        low, high = np.quantile([share(n_labels, *s[at]) for s in samples], [0.025, 0.975])
        needed = share(n_labels, *found.mean(axis=0)[at])
        print(f"{name}: {100 * needed:.0f} % of the labels ({100 * low:.0f} to {100 * high:.0f})")


if __name__ == "__main__":
    main()
