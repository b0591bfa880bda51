"""What every balancing method that goes by the Gramian of gradients must satisfy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone

from skmtl.neural.balancing import BalancingInfo, GramianBalancing


def _normal(n_tasks: int, size: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(n_tasks, size))


def hard_jacobians() -> Iterator[tuple[str, Any]]:
    """Gradients that solvers stumble over, with a name for each."""
    for n_tasks, size in ((1, 3), (2, 5), (6, 40), (10, 4), (60, 128), (60, 20)):
        J = _normal(n_tasks, size)
        cases = {
            "normal": J,
            "float32": J.astype(np.float32),
            "tiny": J * 1e-12,
            "huge": J * 1e12,
            "rank one": np.outer(J[:, 0], J[0]),
            "scales": J * np.logspace(-6, 6, n_tasks)[:, None],
            "all zero": 0 * J,
            "duplicate": np.vstack([J[:-1], J[:1]]),
            "opposite": np.vstack([J[:-1], -J[:1]]),
            "nearly opposite": np.vstack([J[:-1], -J[:1] + 1e-4 * J[-1]]),
            "zero row": np.vstack([J[:-1], 0 * J[:1]]),
            "long row": np.vstack([J[:-1], 1e6 * J[-1:]]),
        }
        for case, found in cases.items():
            yield f"{case} {n_tasks}x{size}", found


def _started(method: Any, n_tasks: int, seeds: Any = (0,), keys: Any = None) -> Any:
    method = clone(method)
    method.start(BalancingInfo(list(seeds), list(range(n_tasks) if keys is None else keys)))
    return method


def _everyone(n_tasks: int) -> Any:
    return np.ones(n_tasks, dtype=bool)


def check_finite(method: GramianBalancing) -> None:
    """Weights are finite, whatever the gradients."""
    for case, J in hard_jacobians():
        gramian = (J @ J.T).astype(float)
        started = _started(method, len(J))
        options = 0, gramian, np.ones(len(J)), _everyone(len(J))
        found = [started.weights(gramian), *(started.step_weights(*options) for _ in range(2))]
        for weights in found:
            assert np.shape(weights) == (len(J),), f"{case}: shape {np.shape(weights)}"
            assert np.isfinite(weights).all(), f"{case}: {weights}"


def check_permutation(method: GramianBalancing) -> None:
    """Permuting tasks permutes weights, also of tasks that have no labels now and then."""
    for n_tasks in (2, 7, 30):
        rng = np.random.default_rng(1)
        keys = rng.permutation(100)[:n_tasks]
        order = rng.permutation(n_tasks)
        one = _started(method, n_tasks, (5,), keys)
        other = _started(method, n_tasks, (5,), keys[order])
        for step in range(3):
            J, losses = _normal(n_tasks, 40, step), rng.random(n_tasks) + 0.1
            observed = rng.random(n_tasks) < 0.8
            J[~observed] = 0
            weights = one.step_weights(0, J @ J.T, losses, observed)
            moved = other.step_weights(0, J[order] @ J[order].T, losses[order], observed[order])
            assert_allclose(moved, weights[order], rtol=1e-6, atol=1e-9)


def check_one_task(method: GramianBalancing) -> None:
    """A single task follows its gradient."""
    for scale in (1e-12, 1.0, 1e12):
        weights = _started(method, 1).step_weights(0, np.array([[scale]]), np.ones(1), _everyone(1))
        assert weights[0] > 0, f"weight {weights[0]} for a squared length of {scale}"


def check_units(method: GramianBalancing) -> None:
    """The unit of all losses does not turn the step."""
    J = _normal(8, 20)
    d = _started(method, 8).weights(J @ J.T) @ J
    for scale in (1e-12, 1e-3, 1e12):
        scaled = _started(method, 8).weights(scale**2 * J @ J.T) @ J
        assert_allclose(
            scaled / np.linalg.norm(scaled), d / np.linalg.norm(d), rtol=1e-5, atol=1e-7
        )


def check_absent(method: GramianBalancing) -> None:
    """Tasks without labels have weight 0, and what stands in their places is not read."""
    J, losses = _normal(5, 12), np.arange(1.0, 6.0)
    observed = np.array([True, False, True, True, False])
    found = []
    for garbage in (0.0, 1e6, np.nan):
        started, gramian = _started(method, 5), J @ J.T
        gramian[~observed] = gramian[:, ~observed] = garbage
        losses[~observed] = garbage
        for _ in range(3):
            weights = started.step_weights(0, gramian, losses, observed)
        assert (weights[~observed] == 0).all()
        found.append(weights)
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])
    assert (started.step_weights(0, gramian, losses, np.zeros(5, dtype=bool)) == 0).all()


def check_not_finite(method: GramianBalancing) -> None:
    """A Gramian that is not finite gives NaN, so that training stops."""
    for bad in (np.nan, np.inf):
        gramian = np.eye(3)
        gramian[1, 1] = bad
        observed = np.array([True, True, False])
        weights = _started(method, 3).step_weights(0, gramian, np.ones(3), observed)
        assert_array_equal(weights, [np.nan, np.nan, 0])


def check_models(method: GramianBalancing) -> None:
    """Models that train side by side do not hear of each other."""
    J, everyone = _normal(6, 9), _everyone(6)
    gramian, losses = J @ J.T, np.arange(1.0, 7.0)
    pair, alone = _started(method, 6, (1, 2)), _started(method, 6, (2,))
    for _ in range(3):
        pair.step_weights(0, 3 * np.eye(6), losses[::-1], everyone)
        weights = pair.step_weights(1, gramian, losses, everyone)
        assert_array_equal(weights, alone.step_weights(0, gramian, losses, everyone))


def check_start(method: GramianBalancing) -> None:
    """`start` forgets earlier fits."""
    J, everyone, started, runs = _normal(6, 9), _everyone(6), clone(method), []
    for _ in range(2):
        started.start(BalancingInfo([0], range(6)))
        runs.append(
            [started.step_weights(0, J @ J.T, np.arange(1.0, 7.0), everyone) for _ in range(3)]
        )
    assert_array_equal(runs[0], runs[1])


def check_raises_no_loss(method: GramianBalancing) -> None:
    """The step has no negative product with any gradient, to the rounding of these."""
    for case, J in hard_jacobians():
        gramian = (J @ J.T).astype(float)
        lengths = np.sqrt(np.diag(gramian))
        gains = gramian @ _started(method, len(J)).weights(gramian)
        slack = 1e-6 * lengths * lengths.max(initial=0)
        assert (gains >= -slack).all(), f"{case}: gains {gains}"


GRAMIAN: dict[str, Callable[..., None]] = {
    "weights are finite": check_finite,
    "permuting tasks permutes weights": check_permutation,
    "one task follows its gradient": check_one_task,
    "the unit of all losses does not turn the step": check_units,
    "tasks without labels do not count": check_absent,
    "a Gramian that is not finite stops the training": check_not_finite,
    "models do not hear of each other": check_models,
    "start forgets": check_start,
}
