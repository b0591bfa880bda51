"""The two-parameter problems of the CAGrad and Nash-MTL papers."""

import numpy as np
import pytest

from skmtl.neural.balancing import IMTLG, MGDA, CAGrad, NashMTL, PCGrad

# Pareto-optimal points are those with abs(x[0]) <= 7 at this height.
PARETO_HEIGHT = -8.3552
LOWEST_MEAN = -15.09
STARTS = [(-8.5, 7.5), (-8.5, -5.0), (9.0, 9.0)]


def toy(x, scale=1.0):
    """Losses and gradients; the first loss times ``scale`` (Liu et al., 2021, appendix B)."""
    half, tanh = np.tanh(x[1] / 2), np.tanh(x[1])
    upper, lower = max(half, 0.0), max(-half, 0.0)
    turn = 0.5 * (1 - half**2)
    d_upper, d_lower = np.array([0, turn * (x[1] > 0)]), np.array([0, -turn * (x[1] < 0)])
    losses, gradients = [], []
    for sign, inner, factor in (
        (1, 0.5 * (-x[0] - 7) + tanh, scale),
        (-1, 0.5 * (-x[0] + 3) - tanh + 2, 1.0),
    ):
        valley = np.log(max(abs(inner), 5e-6)) + 6
        d_valley = np.array([-0.5, sign * (1 - tanh**2)]) / inner * (abs(inner) > 5e-6)
        bowl = ((x[0] - 7 * sign) ** 2 + 0.1 * (x[1] + 8) ** 2) / 10 - 20
        d_bowl = np.array([0.2 * (x[0] - 7 * sign), 0.02 * (x[1] + 8)])
        losses.append(factor * (upper * valley + lower * bowl))
        slope = d_upper * valley + upper * d_valley + d_lower * bowl + lower * d_bowl
        gradients.append(factor * slope)
    return np.array(losses), np.array(gradients)


def descend(method, x, n_steps, learning_rate, scale=1.0):
    """Where Adam ends; without a method it follows the mean."""
    x, mean, square = np.array(x), 0.0, 0.0
    for k in range(1, n_steps + 1):
        _, J = toy(x, scale)
        d = (np.full(2, 0.5) if method is None else method.weights(J @ J.T)) @ J
        mean, square = 0.9 * mean + 0.1 * d, 0.999 * square + 0.001 * d**2
        size = np.sqrt(square / (1 - 0.999**k)) + 1e-8
        x = x - learning_rate * mean / (1 - 0.9**k) / size
    return x


@pytest.mark.parametrize("x", [(1.0, 2.0), (-3.0, -4.0), (-8.5, 7.5)])
def test_gradients_of_the_toy(x):
    steps = 1e-6 * np.eye(2)
    slopes = [(toy(x + step)[0] - toy(x - step)[0]) / 2e-6 for step in steps]
    np.testing.assert_allclose(np.transpose(slopes), toy(x)[1], atol=1e-6)


@pytest.mark.parametrize("start", STARTS)
def test_cagrad_finds_the_lowest_mean(start):
    x = descend(CAGrad(c=0.5), start, 4000, 0.02)
    assert toy(x)[0].mean() == pytest.approx(LOWEST_MEAN, abs=0.2)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("method", [PCGrad(), MGDA()], ids=["pcgrad", "mgda"])
def test_others_stop_at_some_pareto_point(method, start):
    x = descend(method, start, 4000, 0.02)
    assert x[1] == pytest.approx(PARETO_HEIGHT, abs=0.3)
    assert toy(x)[0].mean() > LOWEST_MEAN + 0.5


@pytest.mark.parametrize("start", [STARTS[0], STARTS[2]])
def test_the_mean_gets_stuck_in_a_valley(start):
    assert toy(descend(None, start, 6000, 0.005))[0].mean() > 1


@pytest.mark.parametrize("x", [(9.0, 9.0), (-7.5, -0.5), (9.0, -1.0)])
def test_nash_and_imtl_g_do_not_hear_the_scale_of_a_loss(x):
    def direction(method, scale):
        _, J = toy(x, scale)
        return method.weights(J @ J.T) @ J

    def turn(method):
        one, other = direction(method, 1.0), direction(method, 0.1)
        return 1 - one @ other / np.linalg.norm(one) / np.linalg.norm(other)

    np.testing.assert_allclose(direction(NashMTL(), 0.1), direction(NashMTL(), 1.0))
    assert turn(IMTLG()) < 1e-12
    assert turn(CAGrad()) > 1e-7


def test_nash_reaches_pareto_points_where_a_small_loss_is_not_heard_by_the_mean():
    x = descend(NashMTL(), (9.0, 9.0), 3000, 0.02, scale=0.1)
    assert x[1] == pytest.approx(PARETO_HEIGHT, abs=0.3)
    # From other sides the mean ends where the second loss alone decides.
    ends = [descend(None, start, 3000, 0.02, scale=0.1) for start in ((-8.5, 7.5), (-7.5, -0.5))]
    np.testing.assert_allclose(ends[0], ends[1], atol=0.2)
    assert ends[0][0] == pytest.approx(-5.73, abs=0.1)
