"""Generated tasks are as related as they are asked to be."""

import numpy as np
import pytest

from skmtl.datasets import (
    make_multitask_classification,
    make_multitask_mixed,
    make_multitask_regression,
)


def cosines(coef):
    unit = coef / np.linalg.norm(coef, axis=0)
    return unit.T @ unit


@pytest.mark.parametrize("make", [make_multitask_regression, make_multitask_classification])
def test_relatedness_one_gives_identical_columns(make):
    coef = make(relatedness=1.0, return_truth=True, random_state=0)[2].coef
    np.testing.assert_array_equal(coef, np.tile(coef[:, :1], (1, 5)))


def test_relatedness_one_gives_identical_classes():
    coef = make_multitask_classification(
        n_tasks=2, n_classes=3, relatedness=1.0, return_truth=True, random_state=0
    )[2].coef
    np.testing.assert_array_equal(coef[:, :3], coef[:, 3:])
    assert cosines(coef)[0, 1] < 1 - 1e-3


def test_relatedness_one_gives_one_direction_to_tasks_of_all_types():
    truth = make_multitask_mixed(relatedness=1.0, return_truth=True, random_state=0)[2]
    first_output = np.unique(truth.output_task, return_index=True)[1]
    np.testing.assert_allclose(cosines(truth.coef[:, first_output]), 1, atol=1e-12)


@pytest.mark.parametrize("relatedness", [0.0, 0.3, 0.8])
def test_relatedness_is_the_expected_cosine(relatedness):
    coef = make_multitask_regression(
        1, 1000, n_tasks=20, n_informative=1000, relatedness=relatedness, return_truth=True,
        random_state=0,
    )[2].coef  # fmt: skip
    between = cosines(coef)[np.triu_indices(20, 1)]
    np.testing.assert_allclose(between, relatedness, atol=5 / np.sqrt(1000))
    np.testing.assert_allclose(between.mean(), relatedness, atol=0.02)


def test_groups_are_orthogonal_to_each_other():
    truth = make_multitask_regression(
        n_tasks=7, n_groups=3, relatedness=1.0, return_truth=True, random_state=0
    )[2]
    np.testing.assert_array_equal(truth.groups, [0, 1, 2, 0, 1, 2, 0])
    same = truth.groups[:, None] == truth.groups
    np.testing.assert_allclose(cosines(truth.coef), same, atol=1e-12)


def test_rank_of_the_coefficients():
    def rank(**params):
        make = make_multitask_regression
        return np.linalg.matrix_rank(
            make(n_tasks=8, return_truth=True, random_state=0, **params)[2].coef
        )

    assert rank() == 8
    assert rank(rank=2, relatedness=0) == 2
    assert rank(rank=2, relatedness=0.5) == 3
    assert rank(rank=2, relatedness=0.5, n_groups=3) == 5


def test_centres_have_no_preferred_direction():
    # Householder QR without its signs would make the first coefficient negative every time.
    positive = [
        make_multitask_regression(1, n_features=3, return_truth=True, random_state=seed)[2].coef[
            0, 0
        ]
        > 0
        for seed in range(40)
    ]
    assert 8 < sum(positive) < 32
