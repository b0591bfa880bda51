"""What a stack is made of where nothing is said."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from skmtl._random import read_random_state
from skmtl.compose._independent import IndependentTasks
from skmtl.compose._pooled import PooledTasks
from skmtl.kernel import MultiTaskKernelRidgeCV
from skmtl.linear import MultiTaskLinearCV

N_TREES = 200
N_ALPHAS = 20


def default_estimators(random_state: Any, *, is_long: bool) -> list[tuple[str, Any]]:
    """A kernel machine, a linear model and trees, with names.

    In long form tasks may have few rows each: what they share is learned from those of all.
    """
    seed = int(read_random_state(random_state).randint(2**31 - 1))
    forests = {
        "regressor": ExtraTreesRegressor(N_TREES, random_state=seed),
        "classifier": ExtraTreesClassifier(N_TREES, random_state=seed),
    }
    return [
        ("kernel", MultiTaskKernelRidgeCV()),
        ("linear", MultiTaskLinearCV("mean_deviation" if is_long else "l2", alphas=N_ALPHAS)),
        ("trees", PooledTasks(**forests) if is_long else IndependentTasks(**forests)),
    ]
