"""Deviances, residuals and readings whose value is known."""

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics

from skmtl import IndependentTasks
from skmtl.tasks import (
    Binary,
    Count,
    DiscreteHazards,
    Gamma,
    Multiclass,
    Ordinal,
    Quantile,
    Regression,
    Survival,
    Tweedie,
    censored,
)
from skmtl.tasks._columns import Column, _integers
from skmtl.tasks._event_times import pairs_of_objects, signed_times
from skmtl.tasks._features import _shape, as_table, find_task_feature
from skmtl.tasks._labels import read_labels
from skmtl.tasks._loss_codes import LOGISTIC
from skmtl.tasks._number import fit_beside
from skmtl.tasks._read_targets import read_targets

COUNTS, TIMES = np.array([1.0, 0.0, 3.0, 2.0]), np.array([1.0, 0.5, 3.0, 2.0])
EXPECTED = np.array([1.5, 0.5, 2.0, 2.0])
DEVIANCES = {
    "regression": (Regression(), COUNTS, metrics.mean_squared_error),
    # Scores are R2 whatever the loss.
    "absolute": (Regression(loss="absolute"), COUNTS, metrics.mean_squared_error),
    "count": (Count(), COUNTS, metrics.mean_poisson_deviance),
    "gamma": (Gamma(), TIMES, metrics.mean_gamma_deviance),
    "tweedie": (
        Tweedie(power=1.3),
        COUNTS,
        lambda y, mean: metrics.mean_tweedie_deviance(y, mean, power=1.3),
    ),
}


def fitted(task, labels):
    """The task, and the labels as it encodes them."""
    column, weight = (
        Column(np.array(labels), np.ones(len(labels), dtype=bool)),
        np.ones(len(labels)),
    )
    task = task.fit(column, weight, "t")
    return task, task.encode(column, "t")


@pytest.mark.parametrize("name", sorted(DEVIANCES))
def test_deviances_are_those_of_scikit_learn(name):
    task, labels, reference = DEVIANCES[name]
    task, values = fitted(task, labels)
    found = task.deviance(EXPECTED, values)
    assert found.mean() == pytest.approx(reference(labels, EXPECTED), rel=1e-12)


def test_residuals_of_times_on_the_scale_of_logarithms():
    # Seen at 4; not yet at 4, where 8, 2 or 4 was predicted.
    values, expected = np.array([4.0, -4.0, -4.0, -4.0]), np.array([2.0, 8.0, 2.0, 4.0])
    found = Survival().residual(expected, values)
    np.testing.assert_allclose(found, np.log([[2.0], [1.0], [2.0], [1.0]]))


def test_times_that_are_none():
    for times, shown in (([1.0, -2.0, -5.0], r"-5\.0"), (["b", "a", "c"], "'b'")):
        with pytest.raises(ValueError, match=rf"times has .*{shown}.*; expected numbers > 0"):
            censored(times, [True, False, True])
    with pytest.raises(ValueError, match="seen must be bool, or 1 and 0"):
        censored([1.0, 2.0], [1, 2])


def test_hazards_are_pooled_by_their_number_of_intervals():
    rng = np.random.default_rng(0)
    tasks = []
    for n_intervals in (4, 4, 5):
        times = rng.uniform(1, 9, 50)
        tasks.append(fitted(DiscreteHazards(n_intervals=n_intervals), times)[0])
    one, two, other = tasks
    assert one.pool_key == two.pool_key != other.pool_key
    assert one.loss_key != two.loss_key


@pytest.mark.parametrize(
    ("lowest", "highest", "dtype"),
    [
        (-(2**63), 2**63 - 1, np.int64),
        (0, 2**63, np.uint64),
        (0, 2**64 - 1, np.uint64),
        (-1, 2**63, np.float64),
        (0, 2**64, np.float64),
        (-(2**63) - 1, 0, np.float64),
    ],
)
def test_whole_numbers_are_exact_where_a_dtype_is(lowest, highest, dtype):
    assert _integers(lowest, highest) is dtype


def test_large_whole_number_classes_beside_floats_keep_their_digits():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    classes = np.array([2**53 + 1, 2**53 + 3, 7])
    y = pd.DataFrame({"size": X[:, 0], "key": classes[np.digitize(X[:, 1], [-0.5, 0.5])]})
    model = IndependentTasks(tasks={"size": "regression", "key": "multiclass"}).fit(X, y)
    found = model.predict(X)
    assert found.dtype == object
    assert set(found[:, 1]) == set(classes.tolist())
    # Floats have room for smaller ones.
    y["key"] = y["key"] % 1000
    assert model.fit(X, y).predict(X).dtype == np.float64


@pytest.mark.parametrize("size", [1e-320, 1e-308, 1e-300, 1.0, 1e300])
def test_a_factor_on_all_weights_of_a_task_changes_nothing(size):
    y = np.array([[0.5, 1.0], [1.5, np.nan], [2.5, 0.0], [3.5, 2.0]])
    weight = np.array([1.0, 2.0, 4.0, 2.0])
    expected = read_targets(y, sample_weight=weight).label_weights()
    found = read_targets(y, sample_weight=size * weight).label_weights()
    np.testing.assert_allclose(found, expected, rtol=1e-2 if size < 1e-308 else 1e-12)


def test_weights_of_tasks_of_very_different_size_are_relative_to_their_own_sum():
    y, weight = np.arange(12.0).reshape(4, 3), np.array([1.0, 2.0, 4.0, 3.0])
    sizes = np.array([1e-312, 1.0, 1e3])
    found = read_targets(y, sample_weight=weight[:, None] * sizes).label_weights()
    np.testing.assert_allclose(found, np.column_stack([weight] * 3) / 10, rtol=1e-9)


def test_rows_of_lists_may_be_masked():
    rows = [np.ma.array([1.0, 2.0], mask=[False, True]), np.ma.array([3.0, 4.0])]
    assert as_table(rows).mask.tolist() == [[False, True], [False, False]]
    table = as_table([[1, "a"], [2, "b"]])
    assert (table.dtype, table.shape) == (object, (2, 2))
    assert as_table([np.array([1.0, 2.0]), np.ma.array([3.0, 4.0])]).shape == (2, 2)


@pytest.mark.parametrize(("n", "end"), [(20, r"'x19'\]\. "), (22, r"'x19'\] and 2 more\. ")])
def test_columns_that_there_are(n, end):
    X = pd.DataFrame(np.zeros((2, n)), columns=[f"x{i}" for i in range(n)])
    with pytest.raises(ValueError, match=rf"task_feature='task' is not a column of X: .*{end}"):
        find_task_feature(X, "task")


def test_quantile_deviance_is_the_pinball_loss():
    task, values = fitted(Quantile(levels=[0.2, 0.9]), COUNTS)
    expected = np.column_stack([EXPECTED - 0.5, EXPECTED + 1.0])
    losses = [
        metrics.mean_pinball_loss(COUNTS, expected[:, k], alpha=level)
        for k, level in enumerate((0.2, 0.9))
    ]
    found = task.deviance(expected, values).mean()
    assert found in (pytest.approx(np.sum(losses)), pytest.approx(np.mean(losses)))


def test_times_without_an_event_teach_nothing():
    assert not Survival.has_event(np.array([-0.5, -3.0]))
    assert Survival.has_event(np.array([-0.5, 3.0]))


def test_pairs_of_event_and_time_among_objects():
    column = np.empty(3, dtype=object)
    column[:] = [(True, 2.0), (False, 3.0), None]
    for pairs, expected in (
        (pairs_of_objects(column), [2.0, -3.0, np.nan]),
        (pairs_of_objects(column[:2]), [2.0, -3.0]),
        (pairs_of_objects(column[::-1]), [np.nan, -3.0, 2.0]),
    ):
        np.testing.assert_array_equal(signed_times(pairs), expected)
    nothing = np.array([None, None], dtype=object)
    assert pairs_of_objects(nothing) is nothing


@pytest.mark.parametrize("kind", [Binary, Multiclass])
def test_classes_where_no_label_is_observed(kind):
    nothing = np.zeros(2, dtype=bool)
    for labels, expected in ((np.zeros(2), [0, 1]), (nothing, [False, True])):
        task = kind().fit(Column(labels, nothing), np.zeros(2), "t")
        assert task.classes_.tolist() == expected


@pytest.mark.parametrize(("n_classes", "n_shapes"), [(1, 0), (2, 0), (3, 1), (5, 3)])
def test_thresholds_have_a_distance_less_than_their_number(n_classes, n_shapes):
    task, _ = fitted(Ordinal(), np.arange(n_classes))
    assert task.n_shapes == n_shapes


def test_shapes_of_tables():
    for part, expected in (
        ([[1, 2, 3], [4, 5, 6]], (2, 3)),
        (np.zeros((4, 2)), (4, 2)),
        ([1, 2], ()),
        ([], ()),
        ("ab", ()),
    ):
        assert _shape(part) == expected


@pytest.mark.parametrize("standardize", [True, "about_zero", False])
def test_numbers_of_many_tasks_are_standardised_at_once(standardize):
    rng = np.random.default_rng(0)
    Y, W = 5 + 3 * rng.normal(size=(30, 3)), rng.uniform(0.5, 2.0, size=(30, 3))
    Y[:, 2], Y[4:9, 0] = 7.0, np.nan
    W = np.where(np.isnan(Y), 0.0, W)
    columns = [Column(np.nan_to_num(y), ~np.isnan(y)) for y in Y.T]
    tasks = [Regression() for _ in columns]
    values = fit_beside(tasks, columns, list(W.T), standardize=standardize)
    for task, y, w, found in zip(tasks, Y.T, W.T, values, strict=True):
        seen = ~np.isnan(y)
        mean = np.average(y[seen], weights=w[seen]) if standardize is True else 0.0
        size = np.sqrt(np.average((y[seen] - mean) ** 2, weights=w[seen])) if standardize else 1.0
        scale = size if size > 1e-9 else 1.0
        assert (task.n_labels_, task.location_) == (seen.sum(), pytest.approx(mean))
        assert task.scale_ == pytest.approx(scale)
        np.testing.assert_allclose(found[seen], (y[seen] - mean) / scale, atol=1e-12)
        np.testing.assert_allclose(task.labels(found)[seen], y[seen])
        assert not found[~seen].any()


def test_residuals_of_two_classes_have_the_sign_of_what_is_missing():
    task, codes = fitted(Binary(), np.array([0, 1, 1]))
    proba = np.array([[0.8, 0.2], [0.3, 0.7], [0.9, 0.1]])
    found = task.residual(proba, codes)[:, 0]
    assert (np.sign(found) == [-1, 1, 1]).all()
    np.testing.assert_allclose(found**2, task.deviance(proba, codes))


@pytest.mark.parametrize("task", [Gamma(), Count(), Tweedie(power=1.5)])
def test_scikit_learn_has_no_share_explained_of_one_label_or_of_means_of_0(task):
    two, means = np.array([1.0, 2.0]), np.array([1.5, 1.0])
    assert task.reference_metric(two, means) is not None
    assert task.reference_metric(two[:1], means[:1]) is None
    assert task.reference_metric(two, np.array([1.5, 0.0])) is None


@pytest.mark.parametrize(("task", "refused"), [(Gamma(), [0.0, -0.5]), (Count(), [-0.5])])
def test_means_that_a_task_has_no_room_for(task, refused):
    task.check_expected(np.array([0.5, 2.0]), "a")
    for mean in refused:
        with pytest.raises(ValueError, match=rf"Task 'a' is .*, but y_pred has {mean:g}\."):
            task.check_expected(np.array([0.5, mean]), "a")


def test_quantiles_are_pooled_by_their_levels():
    rng = np.random.default_rng(0)
    levels = ([0.1, 0.9], [0.1, 0.9], [0.2, 0.9])
    one, two, other = (fitted(Quantile(levels=some), rng.normal(size=9))[0] for some in levels)
    assert one.pool_key == two.pool_key != other.pool_key


class OwnLoss(Binary):
    """A loss of its own, in Python."""

    def loss_and_grad(self, raw, values):
        loss, slope = super().loss_and_grad(raw, values)
        return 2 * loss, 2 * slope


def test_only_the_plain_log_loss_is_compiled():
    assert Binary().compiled_loss == (LOGISTIC, 0.0)
    for task in (Binary(label_smoothing=0.1), Binary(focal=2.0), OwnLoss()):
        assert task.compiled_loss is None


def test_the_one_task_type_of_long_form_is_that_of_y():
    labels = read_labels(np.array([1.0, -1.0, 2.0]), is_long=True)
    with pytest.raises(ValueError, match=r"names the task 'z', .*; its tasks are \['y'\]"):
        labels.types({"z": "count"}, is_long=True)


def test_without_labels_all_ranks_are_as_likely():
    task, _ = fitted(Ordinal(), np.arange(4))
    nothing = np.zeros(0)
    np.testing.assert_allclose(task._exceeding(nothing, nothing), [0.75, 0.5, 0.25])
