"""Parameters of linear models, drawn in pairs and more."""

import numpy as np

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
from tests.fuzz.labels import TIMES
from tests.fuzz.problem import LINEAR, TWINS, TWINS_CV
from tests.fuzz.some import some

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
SOLVERS = [
    "closed_form",
    "newton",
    "block_descent",
    "admm",
    "proximal_newton",
    "quadratic_models",
    "proximal_gradient",
]
LEARN_SHAPES = {*TIMES, "negative_binomial"}
POSITIVE = ["l1", "l21", "l1inf", "sparse_group", "elastic_net"]


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
    penalty = "l21" if penalty == "auto" else penalty
    penalty = PENALTIES[penalty]() if isinstance(penalty, str) else penalty
    atoms = [atom for part in penalty.parts() for atom in part.atoms()]
    return any(type(atom).__name__ in COMPARE for atom in atoms)


COMPARE = ("MeanDeviation", "Temporal", "Fused", "Graph")


def linear(rng, problem):
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
        found["solver"] = str(rng.choice(SOLVERS))
    found.update(some(rng, 0.1, class_weight=lambda: "balanced"))
    if rng.random() < 0.12:
        found.update(_chosen(rng))
    if set(problem.declared) & LEARN_SHAPES:
        # Hundreds of fits inside of each other.
        found.update(max_iter=min(found["max_iter"], 50), tol=1e-2)
    if problem.name in LINEAR:
        found.setdefault("alpha", strength(rng, problem))
        return {**found, **some(rng, 0.05, half_life=lambda: 10.0)}
    found.pop("alpha", None)
    found.update(
        cv=int(rng.choice([2, 3])),
        alphas=int(rng.choice([1, 2, 3])),
        max_iter=min(found.get("max_iter", 100), 100),
        tol=max(found.get("tol", 1e-4), 1e-4),
        **some(rng, 0.3, selection=lambda: "one_standard_error"),
    )
    return found


def _chosen(rng):
    """What chooses itself."""
    every = {
        "penalty": "auto",
        "alpha": "auto",
        "shared_alpha": "auto",
        "intercept_alpha": "auto",
        "scale_targets": "auto",
    }
    return {name: value for name, value in every.items() if rng.random() < 0.6}


def twin(rng, problem):
    found = some(rng, 0.3, fit_intercept=lambda: False, tol=lambda: float(rng.choice([1e-2, 1e-8])))
    if rng.random() < 0.1:
        found.update(selection="random", random_state=0)
    if problem.name.startswith("elastic"):
        found.update(some(rng, 0.5, l1_ratio=lambda: float(rng.choice([0.0, 0.1, 0.9, 1.0]))))
        if problem.name in TWINS_CV and found.get("l1_ratio") == 0.0:
            found["l1_ratio"] = 0.2  # there is no largest alpha without a mixed norm
    if problem.name in TWINS:
        found["alpha"] = strength(rng, problem)
    return found
