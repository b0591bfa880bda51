"""Weights of many tasks are drawn in a few calls, each task's by its own generator."""

import numpy as np
import pytest

from skmtl.neural.architectures._parameters import generators, glorot, glorot_of_tasks

KEYS = [0, 3, 2**32 - 1]


@pytest.mark.parametrize("seed", [0, 5, 2**32 - 1, 2**32, 2**63])
def test_generators_are_those_of_numpy(seed):
    for key, rng in zip(KEYS, generators(seed, KEYS), strict=True):
        expected = np.random.default_rng([seed, 1, key])
        assert rng.bit_generator.state == expected.bit_generator.state


@pytest.mark.parametrize("outputs", [[1, 1, 1], [4, 4, 4], [0, 0, 0], [0, 2, 1]])
def test_a_task_draws_what_it_would_alone(outputs):
    both, alone = generators(7, KEYS), generators(7, KEYS)
    # A second layer draws on.
    for n_inputs in (5, 3):
        weights, biases = glorot_of_tasks(both, outputs, n_inputs, 6.0)
        for t, (rng, n_outputs) in enumerate(zip(alone, outputs, strict=True)):
            weight, bias = glorot(rng, n_outputs, n_inputs, 6.0)
            np.testing.assert_array_equal(weights[t], weight)
            np.testing.assert_array_equal(biases[t], bias)
