"""What becomes of every pair of parameters: it means what the objective says, or is refused.

The objective is written out here once more, from the docstring of `MultiTaskLinear`; a parameter
that a fit ignored would leave a direction in which it decreases.
"""

from functools import cache
from itertools import combinations

import numpy as np
import pytest
from scipy import sparse
from sklearn.model_selection import KFold

from skmtl import MultiTaskLinear, MultiTaskLinearCV, stack_tasks
from skmtl.linear.objective._parameters import penalty_meant
from skmtl.linear.penalties import L1, L2, PENALTIES, Graph, MeanDeviation, Split
from tests.linear.conftest import BY_ROWS, POSITIVE, QUADRATIC

ADJACENCY = np.array([[0.0, 2.0, 0.0], [2.0, 0.0, 1.0], [0.0, 1.0, 0.0]])
MIXED = ["regression", "binary", "count"]
STRENGTHS = {"shared_alpha": 0.05, "intercept_alpha": 0.0}
EXACT = {"penalty": "l21", "alpha": 0.1, "tol": 1e-9, "max_iter": 50_000, **STRENGTHS}
LEAVE_MEAN = ("temporal", "fused", "graph")
# By kind: two of a kind are no pair.
SETTINGS = {
    "about": {"center": {"center": True}},
    "intercepts": {
        "no intercept": {"fit_intercept": False},
        "shrunk intercepts": {"intercept_alpha": 0.5},
        "one intercept": {"intercept_alpha": np.inf},
    },
    "scale": {"scaled": {"scale_targets": True}},
    "sign": {"positive": {"positive": True}},
    "weight": {"task_weight": {"task_weight": [1.0, 2.0, 0.5]}},
    "start": {"warm_start": {"warm_start": True}},
    "alpha": {"alpha=0": {"alpha": 0.0}},
    "rows": {"sparse": {}},
    "form": {"long": {"task_feature": 0}},
    "unknown": {"shared": {"task_feature": 0, "unknown_task": "shared"}},
    "solver": {
        "closed_form": {"solver": "closed_form", "penalty": "l2"},
        **{s: {"solver": s} for s in ("block_descent", "admm", "proximal_gradient")},
    },
    "penalty": {
        **{name: {"penalty": name} for name in sorted(PENALTIES)},
        "graph": {"penalty": Graph(ADJACENCY)},
    },
    "tasks": {
        "classes": {"tasks": "binary"},
        "mixed": {"tasks": MIXED},
    },
}
KIND = {name: kind for kind, entries in SETTINGS.items() for name in entries}
OPTIONS = {name: options for entries in SETTINGS.values() for name, options in entries.items()}
PAIRS = [pair for pair in combinations(OPTIONS, 2) if KIND[pair[0]] != KIND[pair[1]]]

SIGNED = {*PENALTIES, "graph", "closed_form"} - {*POSITIVE}
NO_UNITS = r"intercept_alpha=.* have no common units"


def refusal(pair):
    """What the error says of a pair that has no meaning, or that no solver takes; else None."""
    a, b = pair
    both, penalty = set(pair), next((name for name in pair if KIND[name] == "penalty"), None)
    shrunk = both & {"shrunk intercepts", "one intercept"}
    if "positive" in both:
        if "center" in both:
            return r"positive=True does not go with center=True"
        if "alpha=0" in both:
            return r"positive=True needs alpha > 0"
        if both & SIGNED:
            return r"positive=True (does not go with|needs one of the penalties)"
    if shrunk and both & {"scaled", "mixed"}:
        return NO_UNITS
    if both == {"long", "mixed"} or both == {"shared", "mixed"}:
        return r"tasks declares 3 tasks, but y has 1"
    if KIND[a] == "solver" or KIND[b] == "solver":
        solver = a if KIND[a] == "solver" else b
        takes = {"closed_form": {*QUADRATIC, "graph"}, "block_descent": BY_ROWS}.get(solver)
        if (
            (solver != "proximal_gradient" and both & {"classes", "mixed"})
            or (solver == "block_descent" and (shrunk or both & {"center", "alpha=0"}))
            or (takes and penalty and penalty not in takes)
        ):
            return rf"solver='{solver}' needs"
    return None


# The fit of a pair equals that of other settings.
SAME = {
    **{
        ("no intercept", name): ("no intercept",) for name in ("shrunk intercepts", "one intercept")
    },
    ("scaled", "classes"): ("classes",),
    ("scaled", "mixed"): ("mixed",),
    ("center", "alpha=0"): ("alpha=0",),
    ("center", "l2"): ("mean_deviation",),
    **{("center", name): (name,) for name in ("mean_deviation", "graph", "temporal", "fused")},
    **{("warm_start", name): (name,) for name in OPTIONS if name != "warm_start"},
    **{
        pair: tuple(name for name in pair if name not in ("sparse", "long", "shared"))
        for pair in PAIRS
        if {"sparse", "long", "shared"} & set(pair) and "scaled" not in pair
    },
}


@cache
def made_data():
    """X (30, 4) and Y (30, 3) of numbers; means that differ, a fifth of the labels missing."""
    rng = np.random.default_rng(0)
    X = rng.normal([0, 1, -1, 0], size=(30, 4))
    W = rng.normal(size=(4, 1)) + 0.5 * rng.normal(size=(4, 3))
    Y = X @ W + [1.0, -1.0, 2.0] + 0.5 * rng.normal(size=(30, 3))
    Y[rng.random(Y.shape) < 0.2] = np.nan
    return X, Y


@pytest.fixture
def data():
    return made_data()


def labels_of(names, Y):
    """Y of numbers as the tasks of these settings want it."""
    # Not separable.
    yes = np.where(np.isnan(Y), np.nan, Y + np.resize([-3, 0, 3, 0, 0], Y.shape) > 1.0)
    if "classes" in names:
        return yes
    if "mixed" in names:
        return np.column_stack([Y[:, 0], yes[:, 1], np.round(np.abs(Y[:, 2]))])
    return Y


@cache
def fitted(*names):
    """The fit with these settings; twice where it starts warm."""
    X, Y = made_data()
    Y = labels_of(names, Y)
    options = {key: value for name in names for key, value in OPTIONS[name].items()}
    model = MultiTaskLinear(**{**EXACT, **options})
    if {"long", "shared"} & set(names):
        X, Y = stack_tasks([X] * 3, Y.T)
    if "sparse" in names:
        X = sparse.csr_array(X)
    if "warm_start" in names:
        model.fit(X + 0.1 * np.sin(np.arange(30))[:, None] if X.shape[1] == 4 else X, Y)
    return model.fit(X, Y)


class Objective:
    """The objective of a model's parameters, in the units of its fit."""

    def __init__(self, names, model, data):
        X, Y = data
        self.X, self.model = X, model
        self.Y = Y = labels_of(names, Y)
        self.seen = ~np.isnan(Y)
        self.omega = np.ones(3) if model.task_weight is None else np.array(model.task_weight)
        self.kinds = ["regression"] * 3
        if "classes" in names:
            self.kinds = ["binary"] * 3
        if "mixed" in names:
            self.kinds = MIXED
        self.location, self.scale = np.zeros(3), np.ones(3)
        if model.scale_targets is True or "mixed" in names:
            self._standardize(is_long=bool({"long", "shared"} & set(names)))
        penalty = penalty_meant(model)
        self.penalty = PENALTIES[penalty]() if isinstance(penalty, str) else penalty
        self.center = model.center
        self.leaves_mean = bool(set(LEAVE_MEAN) & set(names))
        if {"mean", "mean_deviation"} & set(names):
            # Ridges on the distances from w0.
            self.penalty, self.center = L2(), True

    def _standardize(self, *, is_long):
        for t, kind in enumerate(self.kinds):
            column = self.Y[self.seen] if is_long else self.Y[:, t][self.seen[:, t]]
            if kind != "regression":
                continue
            self.location[t] = column.mean() if self.model.fit_intercept else 0.0
            self.scale[t] = np.sqrt(((column - self.location[t]) ** 2).mean())

    def parameters(self):
        """Parts of W (n, p, 3), the centre (p,), and intercepts (3,)."""
        model = self.model
        W = (model.coef_ / self.scale[:, None]).T
        b = (model.intercept_ - self.location) / self.scale
        shared = np.zeros(len(W))
        if self.center and hasattr(model, "shared_coef_"):
            # In long form in the units of y, and all tasks have one scale.
            shared = model.shared_coef_ / (self.scale[0] if model.task_feature == 0 else 1.0)
        parts = (W - shared[:, None])[None]
        if hasattr(model, "coef_components_"):
            parts = (model.coef_components_ / self.scale[:, None]).swapaxes(1, 2)
        return parts, shared, b

    def __call__(self, parts, shared, b):
        model = self.model
        f = self.X @ (parts.sum(axis=0) + shared[:, None]) + b
        total = 0.0
        for t, kind in enumerate(self.kinds):
            seen, raw = self.seen[:, t], f[:, t]
            y = (self.Y[:, t] - self.location[t]) / self.scale[t]
            loss = {
                "regression": 0.5 * (y - raw) ** 2,
                "binary": np.logaddexp(0, raw) - y * raw,
                "count": np.exp(raw) - y * raw,
            }[kind]
            total += self.omega[t] * loss[seen].mean()
        if model.alpha:
            total += model.alpha * self._penalty(parts)
            common = shared
            if self.leaves_mean:
                common = shared + parts.sum(axis=0).mean(axis=1)
            total += 0.5 * model.shared_alpha * 3 * common @ common
        if model.intercept_alpha and np.isfinite(model.intercept_alpha):
            total += 0.5 * model.intercept_alpha * ((b - b.mean()) ** 2).sum()
        return total

    def _penalty(self, parts):
        if len(parts) == 1:
            return self.penalty.value(parts[0])
        return sum(p.value(V) for p, V in zip(self.penalty.parts(), parts, strict=True))

    def moves(self, parts, shared, b, rng):
        """Parameters nearby that the settings allow."""
        model = self.model
        for size in (1e-4, 1e-3, 1e-2, 0.1):
            for _ in range(10):
                new = parts + size * rng.normal(size=parts.shape)
                if model.positive:
                    new = np.maximum(new, 0.0)
                w0 = shared + (size * rng.normal(size=len(shared)) if self.center else 0.0)
                d = rng.normal(size=3) * model.fit_intercept
                if np.isinf(model.intercept_alpha):
                    d[:] = d[0]
                yield new, w0, b + size * d


def is_allowed(names, model, data):
    """Assert that the fit is the optimum of the objective within its gap, and keeps its bounds."""
    objective = Objective(names, model, data)
    parameters = objective.parameters()
    assert all(np.isfinite(part).all() for part in parameters)
    value = objective(*parameters)
    slack = model.dual_gap_ + 1e-9 * (1.0 + abs(value))
    assert 0 <= model.dual_gap_ <= 1e-7
    rng = np.random.default_rng(1)
    assert all(value <= objective(*near) + slack for near in objective.moves(*parameters, rng))
    if model.positive:
        assert (model.coef_ >= 0).all()
    if not model.fit_intercept:
        assert (model.intercept_ == 0).all()
    elif np.isinf(model.intercept_alpha):
        assert np.ptp(model.intercept_) <= 1e-12


@pytest.mark.parametrize("name", OPTIONS)
def test_alone(name, data):
    is_allowed((name,), fitted(name), data)


@pytest.mark.parametrize("pair", PAIRS, ids=" & ".join)
def test_every_pair_is_allowed_or_refused(pair, data):
    message = refusal(pair)
    if message is not None:
        with pytest.raises(ValueError, match=message):
            fitted(*pair)
        return
    model = fitted(*pair)
    is_allowed(pair, model, data)
    same = SAME.get(pair, SAME.get(pair[::-1]))
    if same is not None:
        other = fitted(*same)
        np.testing.assert_allclose(model.coef_, other.coef_, atol=2e-4)
        np.testing.assert_allclose(model.intercept_, other.intercept_, atol=2e-4)


# -- paths of cross-validation: statistics, decompositions and descents of a whole path -----------

IN_PATHS = ["about", "intercepts", "scale", "sign", "weight", "penalty", "tasks"]
PATH_PAIRS = [
    pair
    for pair in PAIRS
    if {KIND[name] for name in pair} <= set(IN_PATHS) and refusal(pair) is None
]
FOLDS = KFold(2, shuffle=True, random_state=0)


def fold_errors(model, X, Y):
    """Mean over tasks of the mean squared errors of plain fits, for every fold."""
    errors = []
    for train, test in FOLDS.split(X):
        residuals = model.fit(X[train], Y[train]).predict(X[test]) - Y[test]
        errors.append(np.nanmean(np.nanmean(residuals**2, axis=0)))
    return errors


@pytest.mark.parametrize("pair", PATH_PAIRS, ids=" & ".join)
def test_a_path_has_the_errors_of_plain_fits(pair, data):
    X, Y = data
    options = {key: value for name in pair for key, value in OPTIONS[name].items()}
    exact = {**EXACT, **options}
    del exact["alpha"]
    alphas, is_regression = [0.3, 0.03], not {"mixed", "classes"} & set(pair)
    search = MultiTaskLinearCV(alphas=alphas, cv=FOLDS, **exact).fit(X, labels_of(pair, Y))
    if is_regression:
        plain = [fold_errors(MultiTaskLinear(alpha=a, **exact), X, Y) for a in alphas]
        np.testing.assert_allclose(search.mse_path_, plain, rtol=1e-4)
    best = MultiTaskLinear(alpha=search.alpha_, **exact).fit(X, labels_of(pair, Y))
    np.testing.assert_allclose(search.coef_, best.coef_, atol=1e-4)


VARIED = {
    "fit_intercept": [True, False],
    "scale_targets": [True, False],
    "positive": [True, False],
    "intercept_alpha": [0.0, 0.5],
    "center": [True, False],
    "task_weight": [None, "labels"],
}


@pytest.mark.parametrize("parameter", VARIED)
@pytest.mark.parametrize("own", [0, 1])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_grid_has_the_scores_of_searches_of_their_own(parameter, own, mixed, data):
    X, Y = data
    Y = labels_of(("mixed",), Y) if mixed and parameter != "intercept_alpha" else Y
    values = VARIED[parameter]
    # Rows or statistics, by the parameters; mixed tasks have rows, and the very same steps.
    options = {"alphas": 3, "cv": FOLDS, "tol": 1e-4 if mixed else 1e-8}
    search = MultiTaskLinearCV(grid={parameter: values}, **{parameter: values[own]}, **options)
    search.fit(X, Y)
    for row, value in enumerate(values):
        alone = MultiTaskLinearCV(**{parameter: value}, **options).fit(X, Y)
        np.testing.assert_allclose(search.alphas_[row], alone.alphas_, rtol=1e-9)
        np.testing.assert_allclose(search.score_path_[row], alone.score_path_[0], atol=1e-6)


@pytest.mark.parametrize("estimator", [MultiTaskLinear, MultiTaskLinearCV])
@pytest.mark.parametrize("alpha", [0.5, np.inf])
def test_intercepts_of_targets_that_are_standardised_apart_have_no_units(estimator, alpha, data):
    X, Y = data
    model = estimator("l2", intercept_alpha=alpha, scale_targets=True)
    with pytest.raises(ValueError, match=rf"intercept_alpha={alpha:g} .*scale_targets=True gives"):
        model.fit(X, Y)
    # All rows of one scale, or one task, or nothing to standardise.
    X_long, y_long = stack_tasks([X] * 3, Y.T)
    model = MultiTaskLinear("l2", intercept_alpha=alpha, scale_targets=True, task_feature=0)
    plain = MultiTaskLinear("l2", intercept_alpha=alpha, task_feature=0)
    a, b = model.fit(X_long, y_long), plain.fit(X_long, y_long)
    # Half squares and the two quadratic penalties have the same units.
    np.testing.assert_allclose(a.coef_, b.coef_, atol=1e-9)
    np.testing.assert_allclose(a.intercept_, b.intercept_, atol=1e-9)
    one = MultiTaskLinear("l2", intercept_alpha=alpha, scale_targets=True).fit(X, Y[:, :1])
    free = MultiTaskLinear("l2", scale_targets=True).fit(X, Y[:, :1])
    np.testing.assert_allclose(one.coef_, free.coef_, atol=1e-9)


@pytest.mark.parametrize("n_tasks", [1, 3])
def test_without_intercept_a_ridge_does_not_see_the_scale(n_tasks, data):
    X, Y = np.copy(data[0]), np.copy(data[1][:, :n_tasks])
    options = {"fit_intercept": False, "alpha": 0.1}
    scaled = MultiTaskLinear("l2", scale_targets=True, **options).fit(X, Y + 1e3)
    plain = MultiTaskLinear("l2", scale_targets=False, **options).fit(X, Y + 1e3)
    np.testing.assert_allclose(scaled.coef_, plain.coef_, rtol=1e-9)
    assert (scaled.predict(np.zeros((1, 4))) == 0).all()


def test_positive_needs_what_bounds_the_coefficients(data):
    X, Y = data
    with pytest.raises(
        ValueError, match=r"positive=True does not go with MeanDeviation in a Split"
    ):
        MultiTaskLinear(Split(L1() + MeanDeviation(), L1()), positive=True).fit(X, Y)
    # With norms that do not look at signs a part below 0 never pays: the bound is that of W.
    split = MultiTaskLinear(**{**EXACT, "penalty": "dirty"}, positive=True).fit(X, Y)
    assert (split.coef_components_ >= 0).all()
    assert (split.coef_ > 0).any()
