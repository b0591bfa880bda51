"""Labels, predictions and scores of a task type belong to its loss."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skmtl.tasks._columns import Column
from skmtl.testing._task_case import NAME, Case


def predictions(case: Case) -> None:
    """expected values are (n, *expected_shape); `decode` makes labels of them."""
    task, rows = case.task, (case.n_labels,)
    shape = (*rows, *task.expected_shape)
    assert case.expected.dtype == np.float64
    for found in (
        case.expected,
        task.expected_without_labels(case.n_labels),
        task.certain(case.values),
    ):
        assert found.shape == shape
    if task.is_classification:
        assert_allclose(case.expected.sum(axis=1), 1.0)
    assert task.decode(case.expected).shape == rows
    assert_array_equal(task.decode(task.certain(case.values)), task.labels(case.values))


def labels_back(case: Case) -> None:
    """`labels` gives back what `encode` has read."""
    found = case.task.labels(case.values)
    if case.task.is_classification:
        assert_array_equal(found, case.column.labels)
    else:
        assert_allclose(found, case.column.labels.astype(np.float64), rtol=1e-12)


def constants(case: Case) -> None:
    """`prior` has the least deviance of all constants, and is the `inverse_link` of `raw_prior`."""
    task, n = case.task, case.n_labels
    prior = np.asarray(task.prior(case.values, case.weight))
    raw = task.raw_prior(case.values, case.weight)
    assert raw.shape == (task.n_outputs_,)
    assert_allclose(task.inverse_link(raw[None])[0], prior, rtol=1e-9)
    best = case.weight @ task.deviance(np.broadcast_to(prior, (n, *prior.shape)), case.values)
    for _ in range(10):
        noise = case.rng.normal(scale=0.1, size=raw.shape)
        other = task.inverse_link(case.constant(raw + noise))
        assert case.weight @ task.deviance(other, case.values) >= best - 1e-9 * abs(best)
    assert task.only_expected(case.values[:0]) is not None
    assert task.only_expected(case.values) is None


def score(case: Case) -> None:
    """the score is 0 for the best constant, 1 for the labels, less for all else."""
    task, weight = case.task, case.weight
    prior = np.asarray(task.prior(case.values, weight))
    constant = np.broadcast_to(prior, case.expected.shape)
    assert_allclose(task.score(constant, case.values, weight), 0.0, atol=1e-9)
    assert_allclose(task.score(task.certain(case.values), case.values, weight), 1.0, atol=1e-9)
    assert task.score(case.expected, case.values, weight) < 1.0
    metric = task.reference_metric(case.values, case.expected)
    if metric is not None:
        found = metric(task.labels(case.values), case.expected, sample_weight=weight)
        assert_allclose(task.score(case.expected, case.values, weight), found, rtol=1e-9)


def residuals(case: Case) -> None:
    """residuals are (n, n_columns), and zero where the label was predicted."""
    found = case.task.residual(case.expected, case.values)
    assert found.ndim == 2
    assert len(found) == case.n_labels
    assert np.isfinite(found).all()
    none = case.task.residual(case.task.certain(case.values), case.values)
    assert_allclose(none, 0.0, atol=1e-6 * max(1.0, float(np.abs(found).max())))


def unobserved(case: Case) -> None:
    """an unobserved label is encoded as 0 and has no influence, whatever stands there."""
    known = case.task
    half = np.arange(case.n_labels) % 2 == 0
    weight = case.weight * half
    column = Column(case.column.labels.copy(), case.column.observed & half)
    for standardize in (False, True):
        some = clone(known).fit(column, weight, NAME, standardize=standardize)
        alone = clone(known).fit(
            column.take(np.flatnonzero(half)), weight[half], NAME, standardize=standardize
        )
        assert some.n_labels_ == alone.n_labels_ == int(half.sum())
        values = some.encode(column, NAME)
        assert not values[~half].any()
        assert_array_equal(values[half], alone.encode(column.take(np.flatnonzero(half)), NAME))
    nothing = np.zeros(case.n_labels)
    for found in known.loss_and_grad(case.raw, nothing):
        assert np.isfinite(found).all(), "The loss of value 0 is multiplied by weight 0."
    score = known.score(case.expected, case.values, weight)
    expected = np.where(half.reshape(-1, *[1] * (case.expected.ndim - 1)), case.expected, np.nan)
    assert known.score(expected, case.values, weight) == score


def scale(case: Case) -> None:
    """labels are standardised where `can_rescale`, and left alone elsewhere."""
    task: Any = clone(case.task)
    task.fit(case.column, np.ones(case.n_labels), NAME, standardize=True)
    values = task.encode(case.column, NAME)
    if task.can_rescale:
        assert_allclose([values.mean(), values.std()], [0.0, 1.0], atol=1e-9)
        labels = case.column.labels.astype(np.float64)
        assert_allclose(task.labels(values), labels, rtol=1e-9, atol=1e-9 * task.scale_)
    else:
        assert_array_equal(values, case.values)


def keys(case: Case) -> None:
    """`loss_key` and `pool_key` can be compared, and are equal for equal types."""
    again = clone(case.task).fit(case.column, np.ones(case.n_labels), NAME)
    assert hash(case.task.loss_key) == hash(again.loss_key)
    assert case.task.loss_key == again.loss_key
    assert case.task.pool_key == again.pool_key
    assert hash(case.task.pool_key) == hash(again.pool_key)


def pickles(case: Case) -> None:
    """it can be pickled."""
    again = pickle.loads(pickle.dumps(case.task))
    assert_array_equal(again.inverse_link(case.raw), case.expected)


def default_estimator(case: Case) -> None:
    """`default_estimator` learns its labels."""
    fitted = case.task.default_estimator().fit(case.raw, case.task.labels(case.values))
    assert np.asarray(fitted.predict(case.raw)).shape == (case.n_labels,)
