"""The optima of convex problems, certified by independent solvers, are found again."""

import json
from pathlib import Path

import numpy as np
import pytest

from skmtl import MultiTaskLinear, stack_tasks
from skmtl.linear.penalties import (
    L1,
    L2,
    L21,
    Clustered,
    Fused,
    Graph,
    L1Inf,
    MeanDeviation,
    Split,
    SquaredTraceNorm,
    Temporal,
    TraceNorm,
)
from skmtl.tasks import Regression

FOLDER = Path(__file__).parent
PROBLEMS = np.load(FOLDER / "problems.npz")
SOLUTIONS = np.load(FOLDER / "solutions.npz")
ORACLES = {
    (o["problem"], o["name"]): o
    for o in json.loads((FOLDER / "manifest.json").read_text())["oracles"]
}


def graph(problem):
    edges, weights = (
        PROBLEMS[f"graph_{k}{4 if problem == 'het_clf' else 5}"] for k in ("edges", "w")
    )
    adjacency = np.zeros((edges.max() + 1,) * 2)
    for (s, t), a in zip(edges, weights, strict=True):
        adjacency[s, t] = adjacency[t, s] = a
    return Graph(adjacency)


def clusters(h):
    return 2 * h["rho1"] * Clustered(h["k"], eta=h["rho2"] / h["rho1"])


# name -> the penalty in our algebra, from the oracle's hyper-parameters and its problem. Where
# the oracle has no 1/2 before a square, ours has twice the weight.
ALGEBRA = {
    "lasso": lambda h, _: h["rho1"] * L1(),
    "l21": lambda h, _: h["rho1"] * L21(),
    "trace": lambda h, _: h["rho1"] * TraceNorm(),
    "ridge": lambda h, _: L2(h["alpha"] if "alpha" in h else 2 * h["rho"]),
    "meanreg": lambda h, _: 2 * h["rho1"] * MeanDeviation() + 2 * h["rho2"] * L2(),
    "lasso_l2": lambda h, _: h["rho1"] * L1() + 2 * h["rho_L2"] * L2(),
    "l21_l2": lambda h, _: h["rho1"] * L21() + 2 * h["rho_L2"] * L2(),
    "l21_l1": lambda h, _: h["rho1"] * L21() + h["rho2"] * L1(),
    "linf": lambda h, _: h["rho1"] * L1Inf(),
    "dirty": lambda h, _: Split(h["lambda1"] * L1Inf(), h["lambda2"] * L1()),
    "dirty_l21": lambda h, _: Split(h["lambda1"] * L21(), h["lambda2"] * L1()),
    "rmtfl": lambda h, _: Split(h["lambda1"] * L21(), h["lambda2"] * L21(axis="tasks")),
    "rmtl": lambda h, _: Split(h["rho1"] * TraceNorm(), h["rho2"] * L21(axis="tasks")),
    "sparse_plus_lowrank": lambda h, _: Split(h["gamma"] * L1(), h["rho"] * TraceNorm()),
    "meanreg_l1": lambda h, _: 2 * h["rho1"] * MeanDeviation() + h["rho2"] * L1(),
    "graph": lambda h, problem: 2 * h["rho1"] * graph(problem),
    "graph_ridge": lambda h, problem: 2 * h["rho1"] * graph(problem) + 2 * h["rho2"] * L2(),
    "graph_l1": lambda h, problem: 2 * h["rho1"] * graph(problem) + h["rho2"] * L1(),
    "tgl": lambda h, _: 2 * h["rho1"] * L2() + 2 * h["rho2"] * Temporal() + h["rho3"] * L21(),
    "cfsgl": lambda h, _: h["rho1"] * L1() + h["rho2"] * Fused() + h["rho3"] * L21(),
    "sq_trace": lambda h, _: 2 * h["gamma"] * SquaredTraceNorm(),
    "mtrl": lambda h, _: h["lambda1"] * L2() + h["lambda2"] * SquaredTraceNorm(),
    "cmtl": lambda h, _: clusters(h),
    "caso": lambda h, _: clusters(h),
    "huber_l21": lambda h, _: h["rho1"] * L21(),
}
# A constraint, a square root of the loss, and a hinge: not in the algebra.
OUTSIDE = {"sparsetrace", "sparsetrace_sq", "calibrated", "svm_meanreg"}
ENDINGS = ("_ic", "_mean", "_weighted", "_sumloss", "_noridge", "_logit", "_sq")


def made_of(name):
    """The entry of `ALGEBRA` for an oracle: variants of the loss have the same penalty."""
    for ending in ENDINGS:
        name = name.removesuffix(ending)
    return ALGEBRA[name]


CASES = [
    (problem, name, form)
    for problem, name in ORACLES
    if name not in OUTSIDE
    for form in (("wide", "long") if problem == "shared_reg" else ("long",))
]


def per_task_data(problem):
    """X, y and weight of each task."""
    if problem == "shared_reg":
        X, Y, s = PROBLEMS["shared_reg_X"], PROBLEMS["shared_reg_Y"], PROBLEMS["shared_reg_sw"]
        return [(X, y, s) for y in Y.T]
    data = []
    while f"{problem}_X{len(data)}" in PROBLEMS:
        t = len(data)
        y = PROBLEMS[f"{problem}_y{t}"]
        data.append((PROBLEMS[f"{problem}_X{t}"], y, np.ones(len(y))))
    return data


def loss_of(oracle, data, W, b):
    """The oracle's loss, written out."""
    total = 0.0
    for t, (X, y, s) in enumerate(data):
        f = X @ W[:, t] + b[t]
        if oracle["loss"] in ("logmean", "logsum"):
            loss = np.logaddexp(0, -y * f)
            total += loss.mean() if oracle["loss"] == "logmean" else loss.sum()
            continue
        r = f - y
        square = 0.5 * r**2
        if oracle["loss"] == "huber":
            d = oracle["hyper"]["delta"]
            square = np.where(np.abs(r) <= d, square, d * np.abs(r) - 0.5 * d**2)
        if oracle["loss"] == "wsum":
            square = s * square
        if oracle["loss"] == "sq":
            square = 2 * square
        total += square.mean() if oracle["loss"] == "mean" else square.sum()
    return total


def fit(oracle, data, penalty, alpha, form, **options):
    """Our estimator on the oracle's problem."""
    weighted, mean = oracle["loss"] == "wsum", oracle["loss"] in ("mean", "logmean")
    factor = 2 if oracle["loss"] == "sq" else 1
    is_classes = oracle["loss"].startswith("log")
    task = "binary" if is_classes else Regression()
    if oracle["loss"] == "huber":
        task = Regression("huber", delta=oracle["hyper"]["delta"])
    model = MultiTaskLinear(
        penalty,
        alpha=alpha,
        tasks=task,
        fit_intercept=oracle["intercept"],
        task_weight=None
        if mean
        else [factor * (s.sum() if weighted else len(s)) for _, _, s in data],
        tol=1e-10,
        max_iter=20_000,
        **{"shared_alpha": 0.0, "intercept_alpha": 0.0, **options},
    )
    if form == "wide":
        Y = np.column_stack([y for _, y, _ in data])
        return model.fit(data[0][0], Y, sample_weight=data[0][2] if weighted else None)
    X, y = stack_tasks([d[0] for d in data], [d[1] for d in data])
    weight = np.concatenate([d[2] for d in data]) if weighted else None
    return model.set_params(task_feature=0).fit(X, y, sample_weight=weight)


def test_every_oracle_is_inside_or_named_outside():
    assert {name for _, name in ORACLES} >= OUTSIDE
    assert len(CASES) == 128


@pytest.mark.parametrize(("problem", "name", "form"), CASES)
def test_objective_and_coefficients(problem, name, form):
    oracle = ORACLES[problem, name]
    penalty = made_of(name)(oracle["hyper"], problem)
    data = per_task_data(problem)
    model = fit(oracle, data, penalty, 1.0, form)
    W, b = model.coef_.T, model.intercept_
    if isinstance(penalty, Split):
        P, Q = (part.T for part in model.coef_components_)
        np.testing.assert_allclose(P + Q, W, atol=1e-12)
        value = penalty.first.value(P) + penalty.second.value(Q)
    else:
        value = penalty.value(W)
    objective = loss_of(oracle, data, W, b) + value
    assert objective == pytest.approx(oracle["objective"], rel=1e-6)
    assert model.dual_gap_ <= 1e-6 * objective
    np.testing.assert_allclose(W, SOLUTIONS[f"{problem}/{name}/W"], atol=1e-3)


@pytest.mark.parametrize("problem", ["het_reg", "shared_reg"])
@pytest.mark.parametrize("name", ["ridge_ic", "meanreg", "meanreg_noridge", "graph", "graph_ridge"])
def test_steps_reach_the_closed_form(problem, name):
    oracle = ORACLES[problem, name]
    penalty, data = made_of(name)(oracle["hyper"], problem), per_task_data(problem)
    exact = fit(oracle, data, penalty, 1.0, "long", solver="closed_form")
    steps = fit(oracle, data, penalty, 1.0, "long", solver="proximal_gradient")
    assert exact.n_iter_ == 1
    np.testing.assert_allclose(steps.coef_, exact.coef_, atol=1e-4)


def test_weight_of_the_penalty_is_alpha():
    oracle = ORACLES["shared_reg", "l21_mean"]
    data = per_task_data("shared_reg")
    alpha = oracle["hyper"]["rho1"]
    by_alpha = fit(oracle, data, L21(), alpha, "wide")
    by_weight = fit(oracle, data, alpha * L21(), 1.0, "wide")
    np.testing.assert_allclose(by_alpha.coef_, by_weight.coef_, atol=1e-12)
