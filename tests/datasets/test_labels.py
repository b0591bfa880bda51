"""Generated labels follow the model that the truth describes."""

import numpy as np
import pytest

from skmtl.datasets import (
    make_multitask_classification,
    make_multitask_mixed,
    make_multitask_regression,
)


@pytest.mark.parametrize("form", ["wide", "long"])
def test_noise_free_labels_are_the_scores(form):
    _, y, truth = make_multitask_regression(
        bias=[0, 1, -5, 2, 3], form=form, return_truth=True, random_state=0
    )
    np.testing.assert_array_equal(y, truth.scores)
    np.testing.assert_array_equal(truth.intercept, [0, 1, -5, 2, 3])


def test_scores_have_unit_variance_and_noise_its_own():
    _, y, truth = make_multitask_regression(
        20_000, n_tasks=3, noise=[0, 0.5, 2], return_truth=True, random_state=0
    )
    np.testing.assert_allclose(np.linalg.norm(truth.coef, axis=0), 1)
    np.testing.assert_allclose(truth.scores.std(axis=0), 1, rtol=0.03)
    np.testing.assert_allclose((y - truth.scores).std(axis=0), [0, 0.5, 2], rtol=0.03)


def test_long_and_wide_share_their_coefficients():
    params = {"bias": 2.0, "return_truth": True, "random_state": 5}
    wide = make_multitask_regression(form="wide", **params)[2]
    long = make_multitask_regression(form="long", **params)[2]
    np.testing.assert_array_equal(wide.coef, long.coef)
    np.testing.assert_array_equal(wide.intercept, long.intercept)
    assert wide.task_names == long.task_names


def test_long_and_wide_agree_for_one_task():
    X_wide, y_wide = make_multitask_regression(n_tasks=1, random_state=0)
    X_long, y_long = make_multitask_regression(n_tasks=1, form="long", random_state=0)
    np.testing.assert_array_equal(X_long[:, 0], 0)
    np.testing.assert_array_equal(X_long[:, 1:], X_wide)
    np.testing.assert_array_equal(y_long, y_wide[:, 0])


@pytest.mark.parametrize("n_samples", [20, [5, 1, 90]])
def test_rows_per_task(n_samples):
    X = make_multitask_regression(n_samples, n_tasks=3, form="long", random_state=0)[0]
    counts = np.bincount(X[:, 0].astype(int))
    np.testing.assert_array_equal(counts, np.broadcast_to(n_samples, 3))
    assert (np.diff(X[:, 0]) < 0).any()


@pytest.mark.parametrize("class_sep", [0.0, 1.0, 3.0, 30.0])
@pytest.mark.parametrize("weights", [[0.5, 0.5], [0.9, 0.1], [0.6, 0.3, 0.1]])
def test_mean_probability_is_the_share(weights, class_sep):
    truth = make_multitask_classification(
        2000, n_tasks=2, n_classes=len(weights), weights=weights, class_sep=class_sep,
        return_truth=True, random_state=0,
    )[2]  # fmt: skip
    for probability in truth.probabilities:
        np.testing.assert_allclose(probability.mean(axis=0), weights, atol=1e-5)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_labels_follow_the_probabilities(n_classes):
    n = 20_000
    X, y, truth = make_multitask_classification(
        n, n_tasks=2, n_classes=n_classes, return_truth=True, random_state=0
    )
    for t, probability in enumerate(truth.probabilities):
        residual = (y[:, [t]] == np.arange(n_classes)) - probability
        # The score equations of logistic regression hold at the true coefficients.
        assert abs(residual.mean(axis=0)).max() < 4 * 0.5 / np.sqrt(n)
        assert abs(X.T @ residual / n).max() < 4 * 0.5 / np.sqrt(n)


def test_probabilities_are_the_logistic_and_softmax_of_the_scores():
    _, _, truth = make_multitask_classification(
        n_tasks=2, n_classes=[2, 3], return_truth=True, random_state=0
    )
    np.testing.assert_array_equal(truth.output_task, [0, 1, 1, 1])
    np.testing.assert_allclose(
        truth.probabilities[0][:, 1], 1 / (1 + np.exp(-truth.scores[:, 0])), atol=1e-12
    )
    odds = np.exp(truth.scores[:, 1:])
    np.testing.assert_allclose(
        truth.probabilities[1], odds / odds.sum(axis=1, keepdims=True), atol=1e-12
    )


def test_long_probabilities_are_in_row_order():
    _, _, truth = make_multitask_classification(
        [5, 40, 20], n_tasks=3, form="long", return_truth=True, random_state=0
    )
    np.testing.assert_allclose(truth.probabilities[:, 1], 1 / (1 + np.exp(-truth.scores)))


@pytest.mark.parametrize("flip_y", [0.0, 0.4, 1.0])
def test_flipped_labels(flip_y):
    n = 20_000
    _, y, truth = make_multitask_classification(
        n, n_tasks=1, class_sep=1e3, flip_y=flip_y, return_truth=True, random_state=0
    )
    agree = (y[:, 0] == (truth.scores[:, 0] > 0)).mean()
    assert abs(agree - (1 - flip_y / 2)) < 0.02
    np.testing.assert_allclose(truth.probabilities[0].min(), flip_y / 2, atol=1e-6)


def test_every_class_has_a_row():
    weights = [0.96, 0.01, 0.01, 0.01, 0.01]
    for seed in range(10):
        y = make_multitask_classification(8, n_classes=5, weights=weights, random_state=seed)[1]
        assert all(len(np.unique(column)) == 5 for column in y.T)


def test_weights_per_task():
    truth = make_multitask_classification(
        n_tasks=3, n_classes=[2, 3, 2], weights=[[0.8, 0.2], [0.5, 0.3, 0.2], None],
        return_truth=True, random_state=0,
    )[2]  # fmt: skip
    for probability, share in zip(
        truth.probabilities, [[0.8, 0.2], [0.5, 0.3, 0.2], [0.5, 0.5]], strict=True
    ):
        np.testing.assert_allclose(probability.mean(axis=0), share, atol=1e-5)


def test_counts_are_poisson():
    n = 20_000
    X, y, truth = make_multitask_mixed(
        n, n_regression=0, n_binary=0, n_multiclass=0, n_count=2, mean_count=4.0,
        return_truth=True, random_state=0,
    )  # fmt: skip
    rates = np.exp(truth.scores)
    np.testing.assert_allclose(rates.mean(axis=0), 4, rtol=0.03)
    np.testing.assert_allclose(y.mean(axis=0), 4, rtol=0.03)
    # Given the rate, mean and variance are the rate.
    pearson = (y - rates) / np.sqrt(rates)
    np.testing.assert_allclose(pearson.mean(axis=0), 0, atol=4 / np.sqrt(n))
    np.testing.assert_allclose(pearson.var(axis=0), 1, atol=0.06)
    assert abs(X.T @ (y - rates) / n).max() < 4 * 2 / np.sqrt(n)
    assert "probabilities" not in truth


def test_mixed_columns_in_order():
    _, y, truth = make_multitask_mixed(
        500, n_regression=1, n_binary=1, n_multiclass=2, n_count=1, n_classes=4,
        positive_share=0.2, return_truth=True, random_state=0,
    )  # fmt: skip
    assert truth.task_types == ["regression", "binary", "multiclass", "multiclass", "count"]
    assert truth.task_names == ["score0", "yes0", "class0", "class1", "count0"]
    np.testing.assert_array_equal(truth.output_task, [0, 1, *[2] * 4, *[3] * 4, 4])
    np.testing.assert_array_equal(np.unique(y[:, 1]), [0, 1])
    np.testing.assert_array_equal(np.unique(y[:, 2]), [0, 1, 2, 3])
    np.testing.assert_allclose(truth.probabilities[1].mean(axis=0), [0.8, 0.2], atol=1e-5)
    assert (y[:, 4] >= 0).all()
    assert (y[:, 4] % 1 == 0).all()
    assert truth.probabilities[0] is truth.probabilities[4] is None
