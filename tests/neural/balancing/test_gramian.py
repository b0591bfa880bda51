"""Balancing methods that go by the inner products of gradients."""

import numpy as np
import pytest
import torch
from sklearn.base import clone

from skmtl.neural.balancing import (
    BALANCING,
    IMTLG,
    MGDA,
    AlignedMTL,
    BalancingInfo,
    CAGrad,
    ConFIG,
    DualProj,
    FairGrad,
    GradNorm,
    GradVac,
    GramianBalancing,
    NashMTL,
    PCGrad,
    UPGrad,
    Weighting,
)
from skmtl.neural.balancing._pcgrad import orders
from skmtl.neural.balancing._task_random import TaskRandom
from skmtl.testing._balancing_gramian import hard_jacobians

GRAMIAN = sorted(name for name, kind in BALANCING.items() if issubclass(kind, GramianBalancing))

# Directions for the gradients (-4, 1, 1) and (6, 1, 1).
GRADIENTS = np.array([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]])
GOLDEN = {
    "pcgrad": [0.58480, 3.80117, 3.80117],
    "gradvac": [0.58480, 3.80117, 3.80117],
    "upgrad": [0.29240, 1.90058, 1.90058],
    "dualproj": [0.55556, 1.11111, 1.11111],
    "mgda": [0.0, 1.0, 1.0],
    "cagrad": [0.18350, 1.20412, 1.20412],
    "nash_mtl": [0.07658, 0.99853, 0.99853],
    "fairgrad": [0.07658, 0.99853, 0.99853],
    "imtl_g": [0.07670, 1.0, 1.0],
    "aligned_mtl": [0.21328, 0.96733, 0.96733],
    "config": [0.15881, 2.07061, 2.07061],
    # All gradients alike in length, weights of sum 2.
    "gradnorm": [0.15340, 2.0, 2.0],
}


def normal(n_tasks, size, seed=0):
    return np.random.default_rng(seed).normal(size=(n_tasks, size))


def started(method, n_tasks, seeds=(0,), keys=None):
    method.start(BalancingInfo(seeds, range(n_tasks) if keys is None else keys))
    return method


def cosines(J):
    units = J / np.linalg.norm(J, axis=1, keepdims=True)
    return units @ units.T


def can_improve_all(J, tol=1e-6):
    """Whether some direction lowers all losses: 0 is not between the unit gradients."""
    lengths = np.linalg.norm(J, axis=1)
    if not lengths.all():
        return False
    a = MGDA().weights(cosines(J.astype(float)))
    return bool(a @ cosines(J.astype(float)) @ a > tol)


every_jacobian = pytest.mark.parametrize(
    "J", [pytest.param(J, id=case) for case, J in hard_jacobians()]
)


# What every method owes.


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_golden(name):
    weights = BALANCING[name]().weights(GRADIENTS @ GRADIENTS.T)
    np.testing.assert_allclose(weights @ GRADIENTS, GOLDEN[name], atol=2e-4)


def test_every_method_has_a_golden_value():
    assert set(GOLDEN) == set(GRAMIAN)


@pytest.mark.parametrize(
    ("method", "message"),
    [
        (CAGrad(c=-1.0), "'c' parameter of CAGrad .* Got -1.0"),
        (FairGrad(alpha=0), "'alpha' parameter of FairGrad .* Got 0"),
        (GradVac(beta=2), "'beta' parameter of GradVac .* Got 2"),
        (GradNorm(alpha=-0.5), "'alpha' parameter of GradNorm .* Got -0.5"),
        (GradNorm(learning_rate=0), "'learning_rate' parameter of GradNorm .* Got 0"),
        (MGDA(conflict_space="here"), "'conflict_space' parameter of MGDA .* Got 'here'"),
        (PCGrad(update_weights_every=0), "'update_weights_every' parameter of PCGrad .* Got 0"),
    ],
)
def test_parameters_are_checked(method, message):
    with pytest.raises(ValueError, match=message):
        method.start(BalancingInfo([0], range(3)))


# What single methods promise.


@every_jacobian
def test_mgda_is_optimal(J):
    gramian = (J @ J.T).astype(float)
    lengths = np.sqrt(np.diag(gramian))
    a = MGDA().weights(gramian)
    assert (a >= 0).all()
    assert a.sum() == pytest.approx(1)
    gains, square = gramian @ a, a @ gramian @ a
    # g_t'd >= |d|^2, to the rounding of inner products of such lengths.
    slack = 1e-6 * square + 1e-13 * lengths * lengths[a > 0].max()
    if J.dtype == np.float32:
        slack += 1e-6 * lengths * lengths.min()
    assert (gains >= square - slack).all()


@pytest.mark.parametrize("long", [20.0, 1e6])
def test_mgda_with_one_long_row(long):
    J = normal(6, 40)
    J[0] *= long
    J[1] -= J[2]
    d = MGDA().weights(J @ J.T) @ J
    assert (J @ d).min() >= (1 - 1e-6) * (d @ d)


def test_mgda_two_tasks():
    gramian = GRADIENTS @ GRADIENTS.T
    (a, b), (_, c) = gramian
    expected = np.clip((c - b) / (a + c - 2 * b), 0, 1)
    assert MGDA().weights(gramian)[0] == pytest.approx(expected)
    # The second gradient is between 0 and the first.
    np.testing.assert_allclose(MGDA().weights(np.array([[4.0, 2.0], [2.0, 1.0]])), [0, 1])


@pytest.mark.parametrize("method", [UPGrad(), DualProj()], ids=["upgrad", "dualproj"])
@every_jacobian
def test_projections_raise_no_loss(method, J):
    gramian = (J @ J.T).astype(float)
    lengths = np.sqrt(np.diag(gramian))
    weights = method.weights(gramian)
    assert (weights >= (1 - 1e-12) / len(J)).all()
    assert (gramian @ weights >= -1e-6 * lengths * lengths.max(initial=0)).all()


@pytest.mark.parametrize("method", [UPGrad(), DualProj()], ids=["upgrad", "dualproj"])
def test_projections_leave_the_mean_where_no_tasks_conflict(method):
    J = np.abs(normal(5, 8))
    np.testing.assert_allclose(method.weights(J @ J.T), np.full(5, 0.2), rtol=1e-12)


def test_upgrad_is_linear_in_the_lengths_of_gradients():
    J, rng = normal(5, 8), np.random.default_rng(0)
    one, other = rng.random((2, 5, 1)) + 0.1

    def direction(scale):
        return UPGrad().weights((scale * J) @ (scale * J).T) @ (scale * J)

    np.testing.assert_allclose(direction(one + other), direction(one) + direction(other))


def test_dualproj_is_the_projection_of_the_mean():
    J = normal(6, 10)
    weights = DualProj().weights(J @ J.T)
    d, extra = weights @ J, weights - 1 / 6
    # The residual is normal to the cone: it pushes only where d is on the border.
    np.testing.assert_allclose(extra * (J @ d), 0, atol=1e-10)


def test_pcgrad_two_tasks():
    J = GRADIENTS
    (a, b), (_, c) = J @ J.T
    np.testing.assert_allclose(PCGrad().weights(J @ J.T), [1 - b / a, 1 - b / c])
    apart = np.array([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_array_equal(PCGrad().weights(apart), [1, 1])
    np.testing.assert_array_equal(PCGrad().weights(np.array([[1.0, 0.5], [0.5, 1.0]])), [1, 1])
    np.testing.assert_allclose(UPGrad().weights(J @ J.T), PCGrad().weights(J @ J.T) / 2)


def pcgrad_reference(J, met):
    """Algorithm 1 of the paper, gradient by gradient."""
    changed = J.copy()
    for i, others in enumerate(met):
        for j in others:
            against = changed[i] @ J[j]
            if against < 0:
                changed[i] -= against / (J[j] @ J[j]) * J[j]
    return changed.sum(axis=0)


def test_pcgrad_follows_the_paper():
    J = normal(6, 4)
    met = [[j for j in range(6) if j != i] for i in range(6)]
    np.testing.assert_allclose(PCGrad().weights(J @ J.T) @ J, pcgrad_reference(J, met))


def test_pcgrad_draws_orders():
    J, everyone = normal(4, 3), np.ones(4, dtype=bool)
    method = started(PCGrad(), 4)
    drawn = {
        tuple(method.step_weights(0, J @ J.T, np.ones(4), everyone).round(9)) for _ in range(20)
    }
    assert len(drawn) > 1


def test_gradvac_reaches_the_usual_cosine():
    # One step with a usual cosine, one with an unusual one.
    everyone, before = np.ones(2, dtype=bool), np.array([[1.0, 0.6], [0.6, 1.0]])
    method = started(GradVac(beta=0.5), 2)
    for _ in range(3):
        method.step_weights(0, before, np.ones(2), everyone)
    usual = 0.6 * (1 - 0.5**3)
    J = np.array([[1.0, 0.0], [0.5, 2.0]])
    # The weights are the sums over both changed gradients; each changes by the formula.
    phi = J[0] @ J[1] / np.linalg.norm(J[0]) / np.linalg.norm(J[1])
    assert phi < usual
    changed = []
    for i, j in ((0, 1), (1, 0)):
        lengths = np.linalg.norm(J, axis=1)
        part = lengths[i] * (usual * np.sqrt(1 - phi**2) - phi * np.sqrt(1 - usual**2))
        new = J[i] + part / (lengths[j] * np.sqrt(1 - usual**2)) * J[j]
        assert new @ J[j] / np.linalg.norm(new) / lengths[j] == pytest.approx(usual, abs=1e-12)
        changed.append(new)
    weights = method.step_weights(0, J @ J.T, np.ones(2), everyone)
    np.testing.assert_allclose(weights @ J, np.sum(changed, axis=0))


def test_gradvac_starts_as_pcgrad():
    J = normal(6, 4)
    np.testing.assert_allclose(GradVac().weights(J @ J.T), PCGrad().weights(J @ J.T))


def test_gradvac_follows_the_paper():
    n_tasks, beta = 6, 0.3
    method, draws = started(GradVac(beta=beta), n_tasks), TaskRandom([0], range(n_tasks))
    usual, everyone = np.zeros((n_tasks, n_tasks)), np.ones(n_tasks, dtype=bool)
    for step in range(4):
        J = normal(n_tasks, 8, step) + 0.4
        changed = J.copy()
        for i, others in enumerate(orders(draws.for_pairs(0))):
            for j in others:
                size, length = np.linalg.norm(J[j]), np.linalg.norm(changed[i])
                phi, goal = changed[i] @ J[j] / size / length, usual[i, j]
                if phi < goal:
                    rest = np.sqrt(1 - goal**2)
                    part = length * (goal * np.sqrt(1 - phi**2) - phi * rest) / (size * rest)
                    changed[i] += part * J[j]
                usual[i, j] += beta * (phi - goal)
        weights = method.step_weights(0, J @ J.T, np.ones(n_tasks), everyone)
        np.testing.assert_allclose(weights @ J, changed.sum(axis=0))
    assert usual.max() > 0.1


@pytest.mark.parametrize("c", [0.1, 0.5, 0.9, 2.0])
@every_jacobian
def test_cagrad_has_no_duality_gap(J, c):
    J = J.astype(float)
    lengths = np.linalg.norm(J, axis=1)
    mean, size = J.mean(axis=0), np.linalg.norm(J.mean(axis=0))
    weights = CAGrad(c=c).weights(J @ J.T)
    d, extra = weights @ J, weights - 1 / len(J)
    assert np.linalg.norm(d - mean) <= c * size * (1 + 1e-5) + 1e-9 * lengths.max()
    worst = (J @ d).min()
    # No worse than the mean, nor than standing still where the ball allows that.
    tolerance = 1e-6 * lengths.max() * (size + 1e-6 * lengths.max())
    assert worst >= min((J @ mean).min(), 0) - tolerance
    if can_improve_all(J) and lengths.max() <= 1e3 * lengths.min():
        w = extra / extra.sum()
        dual = w @ J @ mean + c * size * np.linalg.norm(w @ J)
        assert dual == pytest.approx(worst, rel=1e-5, abs=tolerance)


@pytest.mark.parametrize("c", [1e-2, 1e-5, 1e-9])
def test_cagrad_uses_all_of_a_ball_however_small(c):
    J = normal(4, 6) + 2
    mean, weights = J.mean(axis=0), CAGrad(c=c).weights(J @ J.T)
    turned = (weights - 0.25) @ J
    assert np.linalg.norm(turned) == pytest.approx(c * np.linalg.norm(mean), rel=1e-5)
    # Inside the ball, the worst gain grows fastest along the mean of the worst-off gradients.
    assert (J @ turned)[np.argmin(J @ mean)] > 0


@pytest.mark.parametrize(("gain", "factor"), [(1e-4, 1.5), (1e-7, 1.0)])
def test_cagrad_takes_a_small_gain_for_one_and_rounding_for_none(gain, factor):
    # What helps both is short against what cancels; the best d is (1 + c) times the mean.
    J = np.array([[1.0, gain], [-1.0, gain]])
    weights = CAGrad(c=0.5).weights(J @ J.T)
    np.testing.assert_allclose(weights, factor / 2, rtol=1e-4)


def test_cagrad_of_one_task_is_its_gradient_made_longer():
    weights = CAGrad(c=0.5).weights(np.array([[4.0]]))
    np.testing.assert_allclose(weights, 1.5, rtol=1e-11)


def test_cagrad_without_radius_is_the_mean():
    J = normal(4, 6)
    np.testing.assert_array_equal(CAGrad(c=0).weights(J @ J.T), np.full(4, 0.25))


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.0, 5.0])
@every_jacobian
def test_fairgrad_solves_its_equation(J, alpha):
    gramian = (J @ J.T).astype(float)
    lengths = np.sqrt(np.diag(gramian))
    weights = FairGrad(alpha=alpha).weights(gramian)
    assert (weights[lengths > 0] > 0).all()
    # Without a solution, or with one out of the range of floats, that is all one can ask.
    if can_improve_all(J) and (alpha == 1 or lengths.max() < 100 * lengths.min()):
        tolerance = 1e-8 if can_improve_all(J, 1e-3) else 1e-4
        np.testing.assert_allclose(weights ** (1 / alpha) * (gramian @ weights), 1, atol=tolerance)


@every_jacobian
def test_nash_mtl_is_fairgrad_with_alpha_1(J):
    gramian = (J @ J.T).astype(float)
    np.testing.assert_allclose(
        NashMTL().weights(gramian) @ J,
        FairGrad(alpha=1.0).weights(gramian) @ J,
        rtol=1e-5,
        atol=1e-3 * len(J),
    )


def test_nash_mtl_two_tasks():
    gramian = GRADIENTS @ GRADIENTS.T
    long, short = np.sqrt(np.diag(gramian))
    first = 1 / np.sqrt(gramian[0, 0] + gramian[0, 1] * long / short)
    weights = NashMTL().weights(gramian)
    np.testing.assert_allclose(weights, [first, first * long / short])
    assert np.linalg.norm(weights @ GRADIENTS) == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize("method", [NashMTL(), IMTLG()], ids=["nash_mtl", "imtl_g"])
def test_units_of_single_losses_do_not_turn_the_step(method):
    J = normal(5, 8)
    scaled = J * np.array([[1e-6], [0.1], [1.0], [20.0], [1e6]])
    d = method.weights(J @ J.T) @ J
    other = method.weights(scaled @ scaled.T) @ scaled
    if isinstance(method, NashMTL):
        assert np.linalg.norm(other) == pytest.approx(np.linalg.norm(d))
    np.testing.assert_allclose(other / np.linalg.norm(other), d / np.linalg.norm(d), rtol=1e-6)


def test_nash_mtl_stands_still_where_gradients_cancel():
    J = np.array([[1.0, 0.0], [-3.0, 0.0]])
    np.testing.assert_allclose(NashMTL().weights(J @ J.T) @ J, 0, atol=1e-6)
    J = np.vstack([J, [[0.0, 2.0]]])
    d = NashMTL().weights(J @ J.T) @ J
    np.testing.assert_allclose(d, [0, 1], atol=1e-6)


@pytest.mark.parametrize("method", [IMTLG(), ConFIG()], ids=["imtl_g", "config"])
@pytest.mark.parametrize("shape", [(2, 5), (6, 40), (30, 40)])
def test_all_gradients_have_the_same_angle(method, shape):
    J = normal(*shape)
    d = method.weights(J @ J.T) @ J
    projections = J @ d / np.linalg.norm(J, axis=1)
    np.testing.assert_allclose(projections, projections[0])
    assert projections[0] > 0


def test_imtl_g_two_tasks():
    long, short = np.linalg.norm(GRADIENTS, axis=1)
    expected = np.array([short, long]) / (long + short)
    np.testing.assert_allclose(IMTLG().weights(GRADIENTS @ GRADIENTS.T), expected)


def test_config_is_as_long_as_the_gradients_along_it():
    J = normal(6, 40)
    units = J / np.linalg.norm(J, axis=1, keepdims=True)
    b = np.linalg.pinv(units) @ np.ones(6)
    b /= np.linalg.norm(b)
    np.testing.assert_allclose(ConFIG().weights(J @ J.T) @ J, (J @ b).sum() * b)


@pytest.mark.parametrize("rank", [3, 6])
def test_aligned_mtl_makes_components_orthogonal(rank):
    J = normal(6, rank) @ normal(rank, 20, 1)
    U, s, Vt = np.linalg.svd(J, full_matrices=False)
    expected = s[rank - 1] * (U[:, :rank] @ Vt[:rank]).T @ np.full(6, 1 / 6)
    np.testing.assert_allclose(AlignedMTL().weights(J @ J.T) @ J, expected, atol=1e-8)


def test_gradnorm_rests_at_its_fixed_point():
    norms, rates, alpha = np.array([1.0, 4.0, 0.5]), np.array([1.0, 0.5, 0.8]), 1.5
    target = rates**alpha / norms
    method = started(GradNorm(alpha=alpha, learning_rate=0.01), 3)
    everyone, gramian = np.ones(3, dtype=bool), np.diag(norms**2)
    method.step_weights(0, 0 * gramian, np.ones(3), everyone)
    for _ in range(2000):
        weights = method.step_weights(0, gramian, rates, everyone)
    # Steps of a sign do not come closer than their size.
    np.testing.assert_allclose(weights, 3 * target / target.sum(), rtol=0.05)
    assert weights.sum() == pytest.approx(3)


def test_gradnorm_keeps_the_sum_while_labels_are_missing():
    method = started(GradNorm(learning_rate=0.5), 3)
    gramian, some = np.diag([1.0, 9.0, 4.0]), np.array([True, True, False])
    for _ in range(5):
        weights = method.step_weights(0, gramian, np.ones(3), some)
    assert weights[2] == 0
    assert weights.sum() == pytest.approx(2)
    everyone = method.step_weights(0, gramian, np.ones(3), np.ones(3, dtype=bool))
    assert everyone[2] == 1


# Functions of the user, and other packages.


@pytest.mark.parametrize(
    "function",
    [
        lambda gramian: 1 / np.diag(gramian),
        lambda gramian: (1 / np.diag(gramian)).tolist(),
        lambda gramian: torch.from_numpy(1 / np.diag(gramian)).requires_grad_(),
    ],
    ids=["array", "list", "tensor"],
)
def test_weighting_takes_any_function(function):
    weights = Weighting(function).weights(np.diag([1.0, 2.0, 4.0]))
    np.testing.assert_array_equal(weights, [1, 0.5, 0.25])


def test_weighting_gives_a_module_a_tensor():
    class Inverse(torch.nn.Module):
        def forward(self, gramian):
            return 1 / torch.diagonal(gramian)

    method = started(clone(Weighting(Inverse(), conflict_space="last_shared")), 3)
    observed = np.array([True, False, True])
    weights = method.step_weights(0, np.diag([1.0, 2.0, 4.0]), np.ones(3), observed)
    np.testing.assert_array_equal(weights, [1, 0, 0.25])


def test_weighting_checks_what_it_gets():
    with pytest.raises(ValueError, match=r"shape \(2, 2\) for 2 tasks; expected \(2,\)"):
        Weighting(lambda gramian: gramian).weights(np.eye(2))


# Their UPGrad and DualProj put a ridge of 1e-4 on the Gramian, their MGDA stops early.
TORCHJD = {
    "upgrad": ("UPGradWeighting", {}, 2e-3),
    "dualproj": ("DualProjWeighting", {}, 2e-3),
    "cagrad": ("CAGradWeighting", {"c": 0.5}, 1e-3),
    "fairgrad": ("FairGradWeighting", {"alpha": 1.0}, 1e-6),
    "imtl_g": ("IMTLGWeighting", {}, 1e-6),
    "aligned_mtl": ("AlignedMTLWeighting", {}, 1e-6),
    "mgda": ("MGDAWeighting", {"max_iters": 20_000}, 3e-2),
}


@pytest.mark.parametrize("name", sorted(TORCHJD))
@pytest.mark.parametrize("shape", [(2, 5), (3, 10), (6, 40)])
def test_torchjd_points_the_same_way(name, shape):
    aggregation = pytest.importorskip("torchjd.aggregation")
    kind, parameters, tolerance = TORCHJD[name]
    try:
        weighting = getattr(aggregation, kind)(**parameters)
    except ImportError:
        pytest.skip("needs a solver that is not installed")
    J = normal(*shape, seed=3)
    gramian = J @ J.T
    d = BALANCING[name]().weights(gramian) @ J
    theirs = Weighting(weighting).weights(gramian) @ J
    cosine = d @ theirs / np.linalg.norm(d) / np.linalg.norm(theirs)
    assert np.arccos(min(cosine, 1.0)) < tolerance


def test_torchjd_config():
    aggregation = pytest.importorskip("torchjd.aggregation")
    J = normal(6, 40)
    theirs = aggregation.ConFIG()(torch.from_numpy(J)).numpy()
    np.testing.assert_allclose(ConFIG().weights(J @ J.T) @ J, theirs)
