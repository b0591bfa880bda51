"""Draws of dropout: those of a known generator, alike compiled and by torch, each model its own."""

import numpy as np
import pytest
import torch

from skmtl.neural.architectures._noise import drawn, drawn_by_torch
from skmtl.neural.architectures._units import Dropout

CPU = torch.device("cpu")


def dropout(probability, seeds=(3, 4)):
    layer = Dropout(probability).train()
    layer.seed(seeds, CPU)
    return layer


def test_draws_are_those_of_splitmix64():
    # By the generator of Java's SplittableRandom(1234567), shifted to 53 bits.
    golden = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    found = [int(drawn(np.uint64(1234567), np.uint64(n))) for n in (1, 2, 3)]
    assert found == [number >> 11 for number in golden]


def test_torch_draws_the_same():
    keys = np.array([0, 2**62 - 1, 12345], dtype=np.uint64)
    of_models = torch.from_numpy(keys.view(np.int64))[:, None]
    found = drawn_by_torch(of_models, 7, 100).numpy()
    expected = [[int(drawn(key, np.uint64(n))) for n in range(7, 107)] for key in keys]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("probability", [0.1, [0.0, 0.4]])
def test_units_that_are_left_out(probability):
    x = torch.ones(2, 500, 100, dtype=torch.float64)
    p = np.broadcast_to(probability, 2)
    mask = dropout(probability).mask(x).numpy()
    np.testing.assert_allclose((mask == 0).mean(axis=(1, 2)), p, atol=0.01)
    for of_model, share in zip(mask, p, strict=True):
        np.testing.assert_allclose(of_model[of_model > 0], 1 / (1 - share))


def test_neither_rows_nor_units_nor_models_nor_calls_are_alike():
    x, layer = torch.ones(2, 300, 300), dropout(0.5)
    one, other = (layer.mask(x).numpy() for _ in range(2))
    for a, b in [(one, other), (one[0], one[1]), (one[:, 1:], one[:, :-1])]:
        assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 0.01
    assert one.mean(axis=1).std() < 2 / 300**0.5


def test_in_place_it_is_the_same():
    x = torch.rand(2, 5, 3)
    mask, layer = dropout([0.0, 0.5]).mask(x).numpy(), dropout([0.0, 0.5])
    units, slopes = x.numpy().copy(), np.ones((2, 5, 3), np.float32)
    layer.leave_out(units, slopes)
    np.testing.assert_array_equal(slopes, mask)
    np.testing.assert_array_equal(units, x.numpy() * mask)
    assert layer.place == 15


def test_a_place_can_be_gone_back_to():
    x, layer = torch.ones(2, 4, 4), dropout(0.5)
    layer.mask(x)
    place, expected = layer.place, layer.mask(x)
    layer.place = place
    assert (layer.mask(x) == expected).all()


def test_a_model_draws_alone_what_it_draws_beside_others():
    x = torch.ones(1, 4, 4)
    both = dropout([0.3, 0.5]).mask(x.expand(2, 4, 4))
    assert (both[1:] == dropout(0.5, [4]).mask(x)).all()


def test_half_precision():
    found = dropout(0.5).mask(torch.ones(2, 3, 4, dtype=torch.bfloat16))
    assert found.dtype == torch.bfloat16
    assert set(found.float().numpy().ravel()) == {0.0, 2.0}
