"""How many rows a step has, and how many epochs a fit."""

import pytest

from skmtl.neural.training._lengths import most_epochs, rows_of_a_step


@pytest.mark.parametrize(
    ("n_rows", "size", "max_iter"),
    [(20, 20, 500), (100, 50, 250), (640, 64, 50), (6400, 200, 30), (100_000, 256, 30)],
)
def test_lengths_that_choose_themselves(n_rows, size, max_iter):
    assert rows_of_a_step("auto", n_rows) == size
    assert most_epochs("auto", -(-n_rows // size), lambda: 0.0) == max_iter


@pytest.mark.parametrize(
    ("n_steps", "noise", "max_iter"), [(10, 1.0, 50), (20, 1.0, 25), (33, 1.0, 16), (50, 0.6, 21)]
)
def test_noise_makes_fits_of_many_rows_shorter(n_steps, noise, max_iter):
    assert most_epochs("auto", n_steps, lambda: noise) == max_iter


def test_given_lengths():
    assert rows_of_a_step(32, 100) == 32
    assert rows_of_a_step(200, 100) == 100
    assert most_epochs(7, 1000, lambda: 1.0) == 7
