"""Parameters of every estimator, drawn in pairs and more."""

import numpy as np
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skmtl.linear.penalties import (
    L1,
    L2,
    L21,
    PENALTIES,
    Graph,
    L1Inf,
    MeanDeviation,
    Split,
    Temporal,
    TraceNorm,
)
from skmtl.neural.architectures import ARCHITECTURES
from skmtl.neural.balancing import BALANCING
from skmtl.neural.inputs import PiecewiseLinear
from tests.fuzz.problem import LINEAR, LINEAR_CV, NETWORKS, NETWORKS_CV, TWINS, TWINS_CV

COMBINED = [
    lambda: L1() + L2(),
    lambda: 0.3 * L1() + L21(),
    lambda: L21() + MeanDeviation(),
    lambda: L1() + 2 * Temporal(),
    lambda: TraceNorm() + L1(),
    lambda: TraceNorm() + 0.5 * L21(),
    lambda: L1Inf() + L2(),
    lambda: MeanDeviation() + 0.1 * L2(),
    lambda: Split(L21(), L2()),
    lambda: Split(L1(), MeanDeviation() + L2()),
    lambda: Split(TraceNorm(), L1()),
    lambda: Split(L1Inf(), Split(L1(), L2())),
]
POSITIVE = ["l1", "l21", "l1inf", "sparse_group", "elastic_net"]


def draw_options(rng, problem):
    """Parameters of the estimator that do not depend on the names and types of the tasks."""
    name = problem.name
    if name in LINEAR | LINEAR_CV:
        found = _linear(rng, problem)
    elif name in TWINS | TWINS_CV:
        found = _twin(rng, problem)
    elif name in NETWORKS:
        found = _network(rng)
    elif name in NETWORKS_CV:
        found = some(rng, 0.5, cv=lambda: int(rng.choice([2, 3])))
    else:
        found = OTHERS[name](rng, problem)
    if problem.is_long and rng.random() < 0.3:
        found["unknown_task"] = "shared"
    return found


def some(rng, share, **options):
    """Each option with a certain share."""
    return {name: draw() for name, draw in options.items() if rng.random() < share}


def strength(rng, problem):
    """alpha from weak to strong for these data; sometimes 0."""
    if rng.random() < 0.05:
        return 0.0
    numbers = [v for v in problem.labels.ravel() if isinstance(v, float)]
    spread = float(np.std(numbers)) if numbers else 1.0
    of_x = float(np.median(np.std(problem.X, axis=0)))
    return float(10.0 ** rng.uniform(-4, 0.5) * (spread or 1.0) * (of_x or 1.0))


def penalty(rng, n_tasks):
    """An alias, a sum, a split or a graph."""
    kind = rng.random()
    if kind < 0.7:
        return str(rng.choice(sorted(PENALTIES)))
    if kind < 0.75:
        links = rng.integers(0, 2, size=(n_tasks, n_tasks)).astype(float)
        return Graph((links + links.T).tolist()) + 0.1 * L2()
    return COMBINED[rng.integers(len(COMBINED))]()


def leaves_mean(penalty):
    """Whether the penalty leaves free what tasks have in common: there is no w0 beside it."""
    penalty = PENALTIES[penalty]() if isinstance(penalty, str) else penalty
    atoms = [atom for part in penalty.parts() for atom in part.atoms()]
    return any(type(atom).__name__ in COMPARE for atom in atoms)


COMPARE = ("MeanDeviation", "Temporal", "Fused", "Graph")


def _linear(rng, problem):
    found = some(
        rng,
        0.2,
        center=lambda: True,
        fit_intercept=lambda: False,
        intercept_alpha=lambda: float(rng.choice([0.1, 10.0, np.inf])),
        scale_targets=lambda: bool(rng.random() < 0.5),
        tol=lambda: float(rng.choice([1e-2, 1e-6, 1e-8])),
        max_iter=lambda: int(rng.choice([2, 100, 3000])),
    )
    found.setdefault("max_iter", 300)
    if problem.name != "linear-trace":
        found["penalty"] = penalty(rng, problem.n_tasks)
    # Numbers, as the objective has them; what "auto" chooses is told by tests of its own.
    found.setdefault("intercept_alpha", 0.0)
    is_free = leaves_mean(found.get("penalty", "l21"))
    found["shared_alpha"] = 0.1 if found.get("center") and not is_free else 0.0
    if rng.random() < 0.12:
        found["positive"] = True
        if problem.name != "linear-trace" and rng.random() < 0.8:
            found["penalty"] = str(rng.choice(POSITIVE))
    if rng.random() < 0.2:
        solvers = ["closed_form", "block_descent", "admm", "proximal_gradient"]
        found["solver"] = str(rng.choice(solvers))
    if problem.name in LINEAR:
        return {**found, "alpha": strength(rng, problem)}
    found.update(
        cv=int(rng.choice([2, 3])),
        alphas=int(rng.choice([1, 2, 3])),
        max_iter=min(found.get("max_iter", 100), 100),
        tol=max(found.get("tol", 1e-4), 1e-4),
        **some(rng, 0.3, selection=lambda: "one_standard_error"),
    )
    return found


def _twin(rng, problem):
    found = some(rng, 0.3, fit_intercept=lambda: False, tol=lambda: float(rng.choice([1e-2, 1e-8])))
    if problem.name.startswith("elastic"):
        found.update(some(rng, 0.5, l1_ratio=lambda: float(rng.choice([0.0, 0.1, 0.9, 1.0]))))
        if problem.name in TWINS_CV and found.get("l1_ratio") == 0.0:
            found["l1_ratio"] = 0.2  # there is no largest alpha without a mixed norm
    if problem.name in TWINS:
        found["alpha"] = strength(rng, problem)
    return found


def _network(rng):
    found = {"max_iter": int(rng.integers(1, 6))}
    found.update(
        some(
            rng,
            0.25,
            architecture=lambda: str(rng.choice(sorted(ARCHITECTURES))),
            balancing=lambda: str(rng.choice(sorted(BALANCING))),
            hidden_layer_sizes=lambda: [(4,), (4, 4), ()][rng.integers(3)],
            head_hidden_layer_sizes=lambda: (3,),
        )
    )
    found.update(
        some(
            rng,
            0.15,
            activation=lambda: str(rng.choice(["tanh", "logistic", "identity", "silu", "gelu"])),
            linear_skip=lambda: bool(rng.integers(2)),
            feature_scaling=lambda: [None, "robust", "standard", "auto"][rng.integers(4)],
            numeric_embedding=lambda: [
                "auto",
                "piecewise_linear",
                "periodic",
                PiecewiseLinear(3, splits="tree"),
            ][rng.integers(4)],
            dropout=lambda: 0.3,
            normalization=lambda: str(rng.choice(["layer", "batch"])),
            solver=lambda: str(rng.choice(["adamw", "sgd"])),
            learning_rate=lambda: str(rng.choice(["cosine", "one_cycle", "plateau"])),
            learning_rate_init=lambda: float(rng.choice([1e-4, 0.1])),
            max_grad_norm=lambda: 1.0,
            batch_size=lambda: int(rng.choice([1, 4, 7])),
            early_stopping=lambda: True,
            alpha=lambda: float(rng.choice([0.0, 1.0])),
        )
    )
    return found


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
    kind = rng.choice(["plain", "random", "stacking"], p=[0.6, 0.2, 0.2])
    if kind == "random":
        found.update(order="random", n_chains=int(rng.integers(1, 3)), random_state=0)
    if kind == "stacking":
        found.update(stacking=True, cv=2)
    return found


def _kernel_ridge(rng, problem):
    kernels = ["rbf", "linear", "laplacian"]
    task_kernels = ["mean", "identity", "learned"]
    return some(
        rng,
        0.4,
        kernel=lambda: str(rng.choice(kernels)),
        task_kernel=lambda: str(rng.choice(task_kernels)),
        similarity=lambda: float(rng.choice([0.0, 0.9, 1.0])),
        alpha=lambda: "auto" if rng.random() < 0.5 else float(10.0 ** rng.uniform(-4, 2)),
        gamma=lambda: None,
        fit_intercept=lambda: False,
    )


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
    "independent": lambda rng, problem: _trees(rng),
    "pooled": lambda rng, problem: {
        **_trees(rng),
        **some(
            rng,
            0.6,
            task_encoding=lambda: [None, "index", "interactions"][rng.integers(3)],
        ),
    },
    "chain": _chain,
    "grouping": lambda rng, problem: some(rng, 0.3, n_groups=lambda: int(rng.integers(1, 4))),
    "scaled": lambda rng, problem: {},
    "stacking": lambda rng, problem: some(rng, 0.3, cv=lambda: int(rng.integers(2, 5))),
    "calibrated": lambda rng, problem: some(
        rng, 0.5, method=lambda: ["temperature", "platt", "isotonic"][rng.integers(3)]
    ),
    "thresholds": lambda rng, problem: some(
        rng, 0.3, scoring=lambda: ["accuracy", "balanced_accuracy"][rng.integers(2)]
    ),
    "propensity": lambda rng, problem: {},
    "conformal": lambda rng, problem: some(
        rng, 0.3, method=lambda: ["split", "cv+", "jackknife+"][rng.integers(3)]
    ),
    "reduced-rank": lambda rng, problem: {
        "alpha": float(10.0 ** rng.uniform(-3, 1)),
        **some(rng, 0.4, rank=lambda: int(rng.integers(1, 4)), fit_intercept=lambda: False),
    },
    "bayesian-linear": lambda rng, problem: some(
        rng,
        0.4,
        # Richer ones have several likely values, where tasks are few.
        covariance=lambda: ["scalar", "diag"][rng.integers(2)],
        noise=lambda: ["shared", "task"][rng.integers(2)],
        fit_intercept=lambda: False,
    ),
    "gaussian-process": lambda rng, problem: some(
        rng,
        0.4,
        task_covariance=lambda: ["full", "shared", 1][rng.integers(3)],
        noise=lambda: ["shared", "task"][rng.integers(2)],
        fit_intercept=lambda: False,
        feature_scaling=lambda: None,
        max_iter=lambda: int(rng.choice([1, 20])),
    ),
    "kernel-ridge": _kernel_ridge,
    "kernel-ridge-cv": _kernel_ridge_cv,
}
