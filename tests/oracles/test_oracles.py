"""The optima of convex problems, certified by independent solvers, are found again."""

import json
from pathlib import Path

import numpy as np
import pytest

from skmtl import MultiTaskLinear, stack_tasks
from skmtl.linear.penalties import L1, L2, L21, MeanDeviation, TraceNorm
from skmtl.tasks import Regression

FOLDER = Path(__file__).parent
PROBLEMS = np.load(FOLDER / "problems.npz")
SOLUTIONS = np.load(FOLDER / "solutions.npz")
ORACLES = {
    (o["problem"], o["name"]): o
    for o in json.loads((FOLDER / "manifest.json").read_text())["oracles"]
}

# name -> (penalty, hyper-parameter, factor from the oracle's convention to ours)
COVERED = {
    "lasso": (L1(), "rho1", 1),
    "lasso_ic": (L1(), "rho1", 1),
    "l21": (L21(), "rho1", 1),
    "l21_ic": (L21(), "rho1", 1),
    "l21_mean": (L21(), "rho1", 1),
    "l21_weighted": (L21(), "rho1", 1),
    "l21_sumloss": (L21(), "rho1", 1),
    "huber_l21": (L21(), "rho1", 1),
    "trace": (TraceNorm(), "rho1", 1),
    "trace_ic": (TraceNorm(), "rho1", 1),
    "trace_mean": (TraceNorm(), "rho1", 1),
    "trace_weighted": (TraceNorm(), "rho1", 1),
    "meanreg_noridge": (MeanDeviation(), "rho1", 2),
    "ridge_ic": (L2(), "alpha", 1),
    "ridge_logit": (L2(), "rho", 2),
}
CASES = [
    (problem, name, form)
    for problem, name in ORACLES
    if name in COVERED
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
        total += square.mean() if oracle["loss"] == "mean" else square.sum()
    return total


def fit(oracle, data, penalty, alpha, form, **options):
    """Our estimator on the oracle's problem."""
    weighted, mean = oracle["loss"] == "wsum", oracle["loss"] in ("mean", "logmean")
    is_classes = oracle["loss"].startswith("log")
    task = "binary" if is_classes else Regression()
    if oracle["loss"] == "huber":
        task = Regression("huber", delta=oracle["hyper"]["delta"])
    model = MultiTaskLinear(
        penalty,
        alpha=alpha,
        tasks=task,
        fit_intercept=oracle["intercept"],
        task_weight=None if mean else [s.sum() if weighted else len(s) for _, _, s in data],
        tol=1e-10,
        max_iter=20_000,
        **options,
    )
    if form == "wide":
        Y = np.column_stack([y for _, y, _ in data])
        return model.fit(data[0][0], Y, sample_weight=data[0][2] if weighted else None)
    X, y = stack_tasks([d[0] for d in data], [d[1] for d in data])
    weight = np.concatenate([d[2] for d in data]) if weighted else None
    return model.set_params(task_feature=0).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize(("problem", "name", "form"), CASES)
def test_objective_and_coefficients(problem, name, form):
    oracle = ORACLES[problem, name]
    penalty, key, factor = COVERED[name]
    data, alpha = per_task_data(problem), factor * oracle["hyper"][key]
    model = fit(oracle, data, penalty, alpha, form)
    W, b = model.coef_.T, model.intercept_
    deviation = W - W.mean(axis=1, keepdims=True) if name.startswith("mean") else W
    objective = loss_of(oracle, data, W, b) + alpha * penalty.value(deviation)
    assert objective == pytest.approx(oracle["objective"], rel=1e-6)
    np.testing.assert_allclose(W, SOLUTIONS[f"{problem}/{name}/W"], atol=1e-4)
    assert model.dual_gap_ <= 1e-6 * objective


@pytest.mark.parametrize("name", ["ridge_ic", "meanreg_noridge"])
def test_both_solvers_reach_the_closed_form(name):
    oracle = ORACLES["het_reg", name]
    penalty, key, factor = COVERED[name]
    data, alpha = per_task_data("het_reg"), factor * oracle["hyper"][key]
    exact = fit(oracle, data, penalty, alpha, "long", solver="closed_form")
    steps = fit(oracle, data, penalty, alpha, "long", solver="proximal_gradient")
    np.testing.assert_allclose(steps.coef_, exact.coef_, atol=1e-4)


def test_weight_of_the_penalty_is_alpha():
    oracle = ORACLES["shared_reg", "l21_mean"]
    data = per_task_data("shared_reg")
    alpha = oracle["hyper"]["rho1"]
    by_alpha = fit(oracle, data, L21(), alpha, "wide")
    by_weight = fit(oracle, data, alpha * L21(), 1.0, "wide")
    np.testing.assert_allclose(by_alpha.coef_, by_weight.coef_, atol=1e-12)
