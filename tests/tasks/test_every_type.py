"""What holds for every registered task type: proper losses, and faults.md row by row."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.special import expit, softmax

from skmtl import MultiTaskLinear, MultiTaskMLP
from skmtl.tasks import TASK_TYPES, LabelWarning, Ordinal
from skmtl.tasks._columns import Column, read_column

N = 40
every_type = pytest.mark.parametrize("alias", TASK_TYPES)
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning",
    "ignore:.*worse than a constant",
    "ignore:All coefficients",
)
ESTIMATORS = {
    "linear": MultiTaskLinear(),
    "network": MultiTaskMLP((4,), max_iter=3, random_state=0),
}
every_estimator = pytest.mark.parametrize("name", ESTIMATORS)
TIMES = {"survival", "discrete_hazards", "cox"}
NUMBERS = {alias for alias, kind in TASK_TYPES.items() if not kind.is_classification}


def make(name, **options):
    estimator = ESTIMATORS[name]
    return type(estimator)(**{**estimator.get_params(deep=False), **options})


def X_of(n=N):
    return np.random.default_rng(0).normal(size=(n, 3))


def labels_of(alias, n=N):
    """Labels that any task of this type takes, of a signal in `X_of`."""
    rng, signal = np.random.default_rng(1), X_of(n)[:, 0]
    if alias == "binary":
        return (signal > 0).astype(float)
    if alias in ("multiclass", "ordinal"):
        return np.digitize(signal, [-0.5, 0.5]).astype(float)
    if alias in ("count", "negative_binomial"):
        return rng.poisson(np.exp(signal)).astype(float)
    if alias in TIMES:
        return rng.gamma(2.0, np.exp(signal)) * np.where(rng.random(n) < 0.3, -1.0, 1.0)
    return rng.gamma(2.0, np.exp(signal))


# -- proper losses: the truth has the least expected loss ---------------------------------------

TRUTH = 0.4


def drawn(alias, task, rng, n):
    """Labels drawn from the likelihood at raw scores (n_outputs,), and those raw scores."""
    mean = np.exp(TRUTH)
    if alias == "regression":
        return TRUTH + rng.normal(size=n), [TRUTH]
    if alias == "binary":
        return (rng.random(n) < expit(TRUTH)).astype(float), [TRUTH]
    if alias == "multiclass":
        raw = np.array([TRUTH, -0.3, 0.1])
        return rng.choice(3, n, p=softmax(raw)).astype(float), raw
    if alias == "ordinal":
        return (TRUTH + rng.logistic(size=(n, 1)) > task.thresholds_).sum(axis=1) * 1.0, [TRUTH]
    if alias == "count":
        return rng.poisson(mean, n).astype(float), [TRUTH]
    if alias == "gamma":
        return rng.gamma(2.0, mean / 2.0, n), [TRUTH]
    if alias == "tweedie":
        # A Poisson number of gamma amounts has the variance mean ** 1.5.
        number = rng.poisson(2.0 * np.sqrt(mean), n)
        return rng.gamma(np.maximum(number, 1e-300), np.sqrt(mean) / 2.0), [TRUTH]
    if alias == "negative_binomial":
        size = 1.0 / task.dispersion_
        return rng.poisson(rng.gamma(size, mean / size, n)).astype(float), [TRUTH]
    if alias == "survival":
        times = np.exp(TRUTH + task.sigma_ * rng.normal(size=n))
        ends = rng.exponential(3.0, n)
        return np.where(times < ends, times, -ends), [TRUTH]
    if alias == "discrete_hazards":
        goes_on = expit(TRUTH - np.concatenate([[0.0], task.shape_]))
        stops = rng.random((n, len(goes_on))) > goes_on
        ends = np.where(stops.any(axis=1), task.ends_[stops.argmax(axis=1)], -task.ends_[-1])
        return ends, [TRUTH]
    if alias == "cox":
        stops = rng.random((n, len(task.shape_)), np.float32) < np.exp(task.shape_) / mean
        times = task.baseline_.times
        return np.where(stops.any(axis=1), times[stops.argmax(axis=1)], -times[-1]), [TRUTH]
    if alias == "quantile":
        return rng.normal(size=n), stats.norm.ppf(task.levels_)
    raise AssertionError(f"{alias}: how are such labels drawn?")


@every_type
def test_the_truth_has_the_least_expected_loss(alias):
    rng, n = np.random.default_rng(2), 40_000
    task = TASK_TYPES[alias]()
    task.fit(read_column(labels_of(alias, 400), "y"), np.ones(400), "y")
    labels, truth = drawn(alias, task, rng, n)
    values = task.encode(read_column(labels, "y"), "y")
    raw = np.broadcast_to(np.asarray(truth), (n, task.n_outputs_))
    loss, slope = task.loss_and_grad(raw, values)
    error = slope.std(axis=0) / np.sqrt(n)
    assert (np.abs(slope.mean(axis=0)) < 4.0 * error + 1e-12).all()
    for step in 0.3 * np.vstack([np.eye(task.n_outputs_), -np.eye(task.n_outputs_)]):
        assert task.loss_and_grad(raw + step, values)[0].mean() > loss.mean()


# -- faults.md ----------------------------------------------------------------------------------


def answers(model, X):
    """All that is predicted of the tasks, as numbers."""
    return [np.asarray(part, dtype=float) for part in model._expected(*model._read_new(X))]


def require_same(one, other, X):
    for a, b in zip(answers(one, X), answers(other, X), strict=True):
        np.testing.assert_array_equal(a, b)


@every_type
@every_estimator
def test_row_2_infinity(name, alias):
    y = labels_of(alias)
    y[3] = np.inf
    with pytest.raises(ValueError, match="Task 0: y contains infinity"):
        make(name, tasks=alias).fit(X_of(), y)


@every_type
@every_estimator
def test_rows_3_6_17_and_18_missing_is_missing(name, alias):
    X, y = X_of(), labels_of(alias)
    gone = np.arange(N) % 3 == 0
    missing = np.where(gone, np.nan, y)
    model = make(name, tasks=alias).fit(X, missing[:, None])
    objects = np.where(gone, None, y.astype(object))
    wrong = np.where(gone, -1e9, y)
    for labels, weight in (
        (objects[:, None], None),
        (pd.DataFrame({0: pd.array(missing, dtype="Float64").astype("Float64")}), None),
        (np.ma.masked_array(wrong, gone)[:, None], None),
        (wrong[:, None], (~gone).astype(float)),
        (missing[:, None], np.where(gone, 5.0, 1.0)),
    ):
        require_same(model, make(name, tasks=alias).fit(X, labels, sample_weight=weight), X)
    if name == "linear":
        alone = make(name, tasks=alias).fit(X[~gone], missing[~gone][:, None])
        np.testing.assert_allclose(alone.coef_, model.coef_, atol=1e-8)


@every_type
@every_estimator
def test_rows_4_and_5_no_label_and_one(name, alias):
    X, y = X_of(), labels_of(alias)
    Y = np.column_stack([y, np.full(N, np.nan)])
    with pytest.warns(LabelWarning, match="Task 1: no observed label"):
        model = make(name, tasks=alias).fit(X, Y)
    silent = answers(model, X)[1]
    if alias in NUMBERS:
        assert np.isnan(silent).all()
    else:
        np.testing.assert_allclose(silent, 1.0 / silent.shape[1])
    Y[5, 1] = abs(y[5]) if alias in TIMES else y[5]
    with pytest.warns(LabelWarning, match="Task 1: one observed (label|class)"):
        model = make(name, tasks=alias).fit(X, Y)
    assert np.isfinite(answers(model, X)[1]).all()


@every_type
@every_estimator
def test_row_7_no_label_anywhere(name, alias):
    with pytest.raises(ValueError, match="y has no observed label"):
        make(name, tasks=alias).fit(X_of(), np.full(N, np.nan))


@every_type
@every_estimator
def test_rows_8_and_20_labels_that_are_all_the_same(name, alias):
    options = {"penalty": "l2"} if name == "linear" else {}
    model = make(name, tasks=alias, alpha=0.1, **options)
    if alias in NUMBERS:
        model.fit(X_of(), np.full(N, 3.0))
        found = model.predict(X_of())
        assert np.isfinite(found).all()
        if name == "linear":
            np.testing.assert_allclose(found, 3.0, rtol=0.1)
        return
    with pytest.warns(LabelWarning, match="Task 0: one observed class"):
        model.fit(X_of(), np.full(N, 1))
    assert (model.predict(X_of()) == 1).all()
    assert (model.predict_proba(X_of()) == 1.0).all()


@every_type
@every_estimator
def test_rows_9_12_and_16_new_labels(name, alias):
    X, y = X_of(), labels_of(alias)
    model = make(name, tasks=alias).fit(X, y)
    assert model.predict(X).shape == (N,)
    frame = pd.DataFrame({"a": y, "b": y})
    wide = make(name, tasks=alias).fit(X, frame)
    assert wide.score(X, frame[["b", "a"]]) == wide.score(X, frame)
    with pytest.raises(ValueError, match=r"y does not have the tasks \['a', 'b'\]"):
        wide.score(X, frame.rename(columns={"a": "c"}))
    if alias not in NUMBERS:
        with pytest.raises(ValueError, match=r"Task 0: label 7\.0 was not seen in fit"):
            model.score(X, np.where(np.arange(N) == 2, 7, y))


WRONG = {
    "regression": ("no", "expected numbers"),
    "binary": (7.0, "is declared binary, but has 3 labels"),
    "ordinal": (0.5, "has the label 0.5"),
    "multiclass": (0.5, "has the label 0.5"),
    "count": (-1.0, "is a count, but has the label -1"),
    "gamma": (0.0, "has the label 0; expected > 0"),
    "tweedie": (-1.0, "has the label -1; expected >= 0"),
    "negative_binomial": (-1.0, "has the label -1; expected >= 0"),
    "survival": (0.0, "is survival, but has"),
    "discrete_hazards": (0.0, "is discrete_hazards, but has"),
    "cox": (0.0, "is cox, but has"),
    "quantile": ("no", "expected numbers"),
}


@every_type
@every_estimator
def test_row_21_labels_of_another_type(name, alias):
    wrong, message = WRONG[alias]
    y = labels_of(alias).astype(object)
    if isinstance(wrong, str):
        y[:] = wrong
    y[3] = wrong
    with pytest.raises(ValueError, match=f"Task 0.*{message}"):
        make(name, tasks=alias).fit(X_of(), y)


@every_type
def test_weights_are_repeated_rows_in_linear_models(alias):
    X, y = X_of(), labels_of(alias)
    weight = np.random.default_rng(3).integers(0, 3, N)
    options = {"tasks": alias, "penalty": "l2", "alpha": 0.1, "tol": 1e-10}
    weighed = MultiTaskLinear(**options).fit(X, y, sample_weight=weight)
    rows = np.repeat(np.arange(N), weight)
    repeated = MultiTaskLinear(**options).fit(X[rows], y[rows])
    np.testing.assert_allclose(weighed.coef_, repeated.coef_, atol=1e-4)


@every_type
@every_estimator
def test_few_rows_many_columns_and_pickles(name, alias):
    X, y = np.random.default_rng(4).normal(size=(12, 30)), labels_of(alias)[:12]
    model = make(name, tasks=alias).fit(X, y)
    assert np.isfinite(answers(model, X)[0]).all()
    require_same(pickle.loads(pickle.dumps(model)), model, X)
    with pytest.warns(LabelWarning) if alias not in NUMBERS else np.errstate():
        three = make(name, tasks=alias).fit(X[:3, :2], np.abs(y[[0, 0, 0]]))
    assert np.isfinite(answers(three, X[:3, :2])[0]).all()


@pytest.mark.parametrize("alias", sorted(set(TASK_TYPES) - NUMBERS))
def test_row_11_classes_of_a_float_column_with_missing_labels_are_whole_numbers(alias):
    y = labels_of(alias)
    y[:4] = np.nan
    model = MultiTaskLinear(tasks=alias).fit(X_of(), y)
    assert model.classes_.dtype.kind == "i"
    assert model.predict(X_of()).dtype.kind == "i"


def test_every_registered_type_is_here():
    assert set(WRONG) == set(TASK_TYPES)
    assert not Ordinal.suits(Column(np.zeros(2), np.ones(2, bool)), np.zeros(2), True)
