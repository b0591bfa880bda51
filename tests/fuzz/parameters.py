"""Parameters of every estimator, drawn in pairs and more."""

import numpy as np
from sklearn.gaussian_process.kernels import RBF, DotProduct, Matern
from sklearn.linear_model import Ridge
from sklearn.preprocessing import MinMaxScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from tests.fuzz.linear_parameters import linear, twin
from tests.fuzz.network_parameters import network, network_search
from tests.fuzz.problem import LINEAR, LINEAR_CV, NETWORKS, NETWORKS_CV, TWINS, TWINS_CV
from tests.fuzz.some import some


def draw_options(rng, problem):
    """Parameters of the estimator that do not depend on the names and types of the tasks."""
    name = problem.name
    if name in LINEAR | LINEAR_CV:
        found = linear(rng, problem)
    elif name in TWINS | TWINS_CV:
        found = twin(rng, problem)
    elif name in NETWORKS:
        found = network(rng)
    elif name in NETWORKS_CV:
        found = network_search(rng)
    else:
        found = OTHERS[name](rng, problem)
    if "n_restarts_optimizer" in found or found.get("set_score") == "aps_random":
        found["random_state"] = 0
    if problem.is_long and rng.random() < 0.3:
        found["unknown_task"] = "shared"
    return found


def _cubed(values):
    return values**3


def _trees(rng):
    if rng.random() < 0.6:
        return {}
    return {
        "regressor": DecisionTreeRegressor(max_depth=2, random_state=0),
        "classifier": DecisionTreeClassifier(max_depth=2, random_state=0),
    }


def _chain(rng, problem):
    found = _trees(rng)
    found["cv"] = [2, 3, None][rng.integers(3)]
    kind = rng.choice(["plain", "affinity", "random", "stacking"], p=[0.5, 0.1, 0.2, 0.2])
    if kind == "affinity":
        found.update(order="affinity")
    if kind == "random":
        found.update(order="random", n_chains=int(rng.integers(1, 3)), random_state=0)
    if kind == "stacking":
        found.update(stacking=True, cv=2)
    return found


def _grouping(rng, problem):
    # Each pair of tasks takes fits of its own.
    affinities = ["coef_cosine", "pairwise", "residual_correlation"]
    n = 3 if problem.n_tasks <= 3 else 1
    return some(
        rng,
        0.3,
        n_groups=lambda: int(rng.integers(1, 4)),
        search=lambda: ["exhaustive", "greedy", "spectral"][rng.integers(3)],
        affinity=lambda: affinities[rng.integers(n)],
        single_task_affinity=lambda: 0.0,
    )


def _kernel_ridge(rng, problem):
    kernels = ["rbf", "linear", "laplacian", "cosine", "poly"]
    task_kernels = ["mean", "identity", "learned", "graph"]
    found = some(
        rng,
        0.4,
        degree=lambda: 2,
        kernel=lambda: str(rng.choice(kernels)),
        task_kernel=lambda: str(rng.choice(task_kernels)),
        similarity=lambda: float(rng.choice([0.0, 0.9, 1.0])),
        alpha=lambda: "auto" if rng.random() < 0.5 else float(10.0 ** rng.uniform(-4, 2)),
        gamma=lambda: None,
        fit_intercept=lambda: False,
    )
    if found.get("task_kernel") == "graph":
        links = rng.integers(0, 2, size=(problem.n_tasks, problem.n_tasks)).astype(float)
        found["adjacency"] = (links + links.T).tolist()
    return found


def _kernel_ridge_cv(rng, problem):
    kernels = ["linear", "laplacian", "rbf", "exponential"]
    return some(
        rng,
        0.3,
        kernels=lambda: [str(k) for k in rng.choice(kernels, size=2, replace=False)],
        widths=lambda: [0.5, 2.0],
        linear_share=lambda: float(rng.choice([0.0, 1.0])),
        alphas=lambda: [1e-6, 1e-2, 1.0],
        feature_scaling=lambda: None,
        n_landmarks=lambda: int(rng.integers(1, 8)),
    )


OTHERS = {
    "independent": lambda rng, problem: {
        **_trees(rng),
        **some(rng, 0.1, class_weight=lambda: "balanced"),
    },
    "pooled": lambda rng, problem: {
        **_trees(rng),
        **some(
            rng,
            0.6,
            task_encoding=lambda: [None, "index", "interactions"][rng.integers(3)],
        ),
    },
    "chain": _chain,
    "grouping": _grouping,
    "scaled": lambda rng, problem: [
        {},
        {"transformer": MinMaxScaler()},
        {"func": np.cbrt, "inverse_func": _cubed, "check_inverse": False},
    ][rng.integers(3)],
    "stacking": lambda rng, problem: {
        **some(rng, 0.3, cv=lambda: int(rng.integers(2, 5))),
        **[{}, {"final": Ridge()}, {"final": Ridge(), "passthrough": True}][rng.integers(3)],
    },
    "calibrated": lambda rng, problem: some(
        rng, 0.5, method=lambda: ["temperature", "platt", "isotonic"][rng.integers(3)]
    ),
    "thresholds": lambda rng, problem: some(
        rng,
        0.5,
        scoring=lambda: ["accuracy", "balanced_accuracy", "precision", "recall", "jaccard"][
            rng.integers(5)
        ],
    ),
    "propensity": lambda rng, problem: some(rng, 0.3, cv=lambda: int(rng.integers(2, 5))),
    "conformal": lambda rng, problem: some(
        rng,
        0.3,
        method=lambda: ["split", "cv+", "jackknife+"][rng.integers(3)],
        conformity_score=lambda: ["absolute", "normalized", "quantile"][rng.integers(3)],
        set_score=lambda: ["aps", "aps_random"][rng.integers(2)],
        coverage=lambda: 0.5,
        borrow=lambda: False,
    ),
    "reduced-rank": lambda rng, problem: {
        "alpha": float(10.0 ** rng.uniform(-3, 1)),
        **some(rng, 0.4, rank=lambda: int(rng.integers(1, 4)), fit_intercept=lambda: False),
    },
    "bayesian-linear": lambda rng, problem: some(
        rng,
        0.4,
        covariance=lambda: ["scalar", "diag", "full", 1][rng.integers(4)],
        shared_prior=lambda: bool(rng.integers(2)),
        noise=lambda: ["shared", "task"][rng.integers(2)],
        fit_intercept=lambda: False,
    ),
    "gaussian-process": lambda rng, problem: some(
        rng,
        0.4,
        kernel=lambda: [RBF(), Matern(nu=1.5), DotProduct()][rng.integers(3)],
        optimizer=lambda: None,
        n_restarts_optimizer=lambda: 1,
        task_covariance=lambda: ["full", "shared", 1][rng.integers(3)],
        noise=lambda: ["shared", "task"][rng.integers(2)],
        fit_intercept=lambda: False,
        feature_scaling=lambda: None,
        max_iter=lambda: int(rng.choice([1, 20])),
    ),
    "kernel-ridge": _kernel_ridge,
    "kernel-ridge-cv": _kernel_ridge_cv,
}
