"""The parts of every task type belong to one function; losses at their limits."""

import numpy as np
import pytest
from scipy.special import xlogy

from skmtl.tasks import (
    TASK_TYPES,
    Binary,
    Count,
    Cox,
    DiscreteHazards,
    Gamma,
    Multiclass,
    NegativeBinomial,
    Ordinal,
    Quantile,
    Regression,
    Survival,
    Tweedie,
)
from skmtl.tasks._columns import read_column
from skmtl.tasks._log_link import LogLink
from skmtl.tasks._logarithms import times_log
from skmtl.testing import check_task

# A new loss is tested by a row here: task type, labels it is fitted to.
LOSSES = {
    "squared": (Regression(), [0.5, -1.0, 2.0]),
    "absolute": (Regression(loss="absolute"), [0.5, -1.0, 2.0]),
    "huber": (Regression(loss="huber"), [0.5, -1.0, 2.0]),
    "huber, small delta": (Regression(loss="huber", delta=0.1), [0.5, -1.0, 2.0]),
    "binary": (Binary(), ["no", "yes", "no"]),
    "binary, smooth": (Binary(label_smoothing=0.2), ["no", "yes", "no"]),
    "binary, focal": (Binary(focal=2.0), ["no", "yes", "no"]),
    "binary, both": (Binary(focal=0.7, label_smoothing=0.1), ["no", "yes", "no"]),
    "multiclass, smooth": (Multiclass(label_smoothing=0.2), ["a", "b", "c", "d"]),
    "multiclass, focal": (Multiclass(focal=2.0), ["a", "b", "c", "d"]),
    "multiclass, both": (Multiclass(focal=0.7, label_smoothing=0.1), ["a", "b", "c"]),
    "multiclass": (Multiclass(), ["a", "b", "c", "d"]),
    "multiclass of two": (Multiclass(), ["a", "b"]),
    "ordinal": (Ordinal(classes=["low", "mid", "high"]), ["mid", "low", "high", "low"]),
    "ordinal of two": (Ordinal(classes=["no", "yes"]), ["no", "yes"]),
    "ordinal of numbers": (Ordinal(), [3, 1, 2, 2, 5]),
    "log-normal": (Survival(), [0.5, 3.0, 1.5]),
    "log-logistic": (Survival("log_logistic"), [0.5, 3.0, 1.5]),
    "weibull": (Survival("weibull"), [0.5, 3.0, 1.5]),
    "quantiles": (Quantile(), [0.5, -1.0, 2.0]),
    "one quantile": (Quantile(0.8), [0.5, -1.0, 2.0]),
    "hazards": (DiscreteHazards(), [0.5, 3.0, 1.5]),
    "proportional hazards": (Cox(), [0.5, 3.0, 1.5]),
    "hazards of few intervals": (DiscreteHazards(n_intervals=2), [0.5, 3.0, 1.5]),
    "count": (Count(), [0.0, 3.0, 1.5]),
    "gamma": (Gamma(), [0.5, 3.0, 1.5]),
    "tweedie": (Tweedie(), [0.0, 3.0, 1.5]),
    "tweedie, nearly a count": (Tweedie(power=1.05), [0.0, 3.0, 1.5]),
    "tweedie, nearly gamma": (Tweedie(power=1.9), [0.0, 3.0, 1.5]),
    "negative binomial": (NegativeBinomial(), [0.0, 9.0, 1.5]),
    "negative binomial, nearly a count": (NegativeBinomial(dispersion=1e-3), [0.0, 9.0, 1.5]),
}


def fitted(name):
    task, labels = LOSSES[name]
    column = read_column(np.array(labels, dtype=object), name)
    return task.fit(column, np.ones(len(labels)), name)


def draw(task, shape, seed=0):
    """Raw scores (*shape, n_outputs) and encoded labels (*shape)."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(scale=1.5, size=(*shape, task.n_outputs_))
    if task.is_classification:
        return raw, rng.integers(len(task.classes_), size=shape).astype(float)
    return raw, rng.normal(size=shape)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("seed", range(3))
def test_properties(name, seed):
    task, labels = LOSSES[name]
    are_given = name == "multiclass of two" or name.startswith("ordinal")
    check_task(task, labels * 10 if are_given else None, random_state=seed)
    if not task.is_classification:
        check_task(task, np.abs(np.random.default_rng(seed).normal(size=50)), random_state=seed)


def test_every_registered_type_is_here():
    assert {task.alias for task, _ in LOSSES.values()} == set(TASK_TYPES)


@pytest.mark.parametrize(
    "name, dual, value",
    [
        ("absolute", [1.1], 0.0),
        ("huber", [-1.4], 0.0),
        ("binary", [0.1], 1.0),
        ("binary", [-0.1], 0.0),
        ("multiclass", [0.1, 0.1, 0.1, 0.1], 0.0),
        ("multiclass", [0.5, -0.5, 0.0, 0.0], 0.0),
        ("binary, smooth", [0.11], 1.0),
        ("multiclass, smooth", [0.86, -0.06, -0.06, -0.06], 0.0),
        ("count", [-2.0], 1.0),
        ("one quantile", [-0.81], 1.0),
        ("one quantile", [0.21], 1.0),
        ("log-normal", [0.1], -2.0),
        ("log-logistic", [0.1], -2.0),
        ("weibull", [0.1], -2.0),
    ],
)
def test_conjugate_is_infinite_outside_its_domain(name, dual, value):
    assert fitted(name).conjugate(np.array([dual]), np.array([value])) == np.inf


LOG_LINKS = [name for name in LOSSES if isinstance(LOSSES[name][0], LogLink)]


@pytest.mark.parametrize("name", LOG_LINKS)
def test_means_and_deviances_of_extreme_scores_are_numbers(name):
    task, values = fitted(name), np.array([0.5, 1.0, 1e3, 1e6])
    for score in (-1e4, 1e4):
        with np.errstate(all="raise", under="ignore"):
            expected = task.inverse_link(np.full((4, 1), score))
            deviance = task.deviance(expected, values)
        assert (expected > 0).all() and np.isfinite(expected).all()
        assert (deviance > 0).all() and np.isfinite(deviance).all()


def has_finite_losses(name):
    """Whether extreme scores have them; those of an exponential function of the score do not."""
    task = fitted(name)
    with np.errstate(over="ignore"):
        expected = task.inverse_link(np.full((1, task.n_outputs_), 1e4))
    return name not in LOG_LINKS and np.isfinite(expected).all()


@pytest.mark.parametrize("name", [name for name in LOSSES if has_finite_losses(name)])
def test_extreme_scores_stay_finite(name):
    task = fitted(name)
    _, values = draw(task, (20,))
    for scale in (-1e4, 1e4):
        raw = np.zeros((20, task.n_outputs_))
        raw[:, 0] = scale
        with np.errstate(all="raise", under="ignore"):
            loss, gradient = task.loss_and_grad(raw, values)
        assert np.isfinite(loss).all()
        assert np.isfinite(gradient).all()


def test_loss_key_tells_losses_apart():
    keys = [fitted(name).loss_key for name in LOSSES]
    assert len(set(keys)) == len(keys)
    assert fitted("binary").loss_key == Binary().loss_key
    wide = Regression(delta=3.0)
    assert wide.loss_key == Regression().loss_key  # delta is Huber's alone


@pytest.mark.parametrize("name", LOSSES)
def test_parameters_of_a_loss_of_ones_own_are_part_of_its_key(name):
    task, labels = LOSSES[name]

    class Scaled(type(task)):
        factor = 1.0

        def get_params(self, deep=True):
            return super().get_params(deep) | {"factor": self.factor}

        def loss_and_grad(self, raw, values):
            return tuple(self.factor * part for part in super().loss_and_grad(raw, values))

    column, keys = read_column(np.array(labels, dtype=object), name), []
    for factor in (1.0, 1.0, 2.0):
        scaled = Scaled(**task.get_params())
        scaled.factor = factor
        keys.append(scaled.fit(column, np.ones(len(labels)), name).loss_key)
    assert keys[0] == keys[1] != keys[2]


def test_how_levels_are_written_is_no_part_of_the_key_of_a_loss():
    column = read_column(np.array([0.5, -1.0, 2.0]), "y")
    keys = {
        Quantile(levels).fit(column, np.ones(3), "y").loss_key
        for levels in ([0.1, 0.9], (0.1, 0.9), np.array([0.1, 0.9]))
    }
    assert len(keys) == 1


def test_p_log_p_equals_scipys():
    p = np.concatenate([[0.0, 1.0, 5e-324, 1e-310, 1e300], np.geomspace(1e-300, 1e3, 200)])
    np.testing.assert_allclose(times_log(p), xlogy(p, p), rtol=1e-14, atol=1e-305)


def test_logistic_loss_of_confident_scores_keeps_its_digits():
    task = Binary()
    scores, values = np.array([[[40.0]], [[-40.0]]]), np.array([[1.0], [0.0]])
    loss, _ = task.loss_and_grad(scores, values)
    np.testing.assert_allclose(loss, np.exp(-40.0), rtol=1e-12)
