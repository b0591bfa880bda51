"""What a stack is made of where nothing is said."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from skmtl._random import read_random_state
from skmtl.compose._independent import IndependentTasks
from skmtl.compose._pooled import PooledTasks
from skmtl.kernel import MultiTaskKernelRidgeCV
from skmtl.linear import MultiTaskLinearCV

N_ALPHAS = 20
"""Of a linear model: 100, as it has them alone, are no better in a blend."""
ALL_TRIED = 100
"""Features up to which every split of a tree for numbers looks at all, and a third of more.

Measured (benchmarks/accuracy): with a third trees are three times as fast on atp1d and more exact
there (aRRMSE 38.1, a tenth 39.6), less so on slump and sarcos.
"""
FEWEST_OF_ALL = 5
"""Rows of a leaf, where many small tasks are learned as one: school 84.5, with 1 row 96."""


def default_estimators(
    n_features: int, random_state: Any, *, is_long: bool
) -> list[tuple[str, Any]]:
    """A network, a kernel machine, a linear model and trees, with names.

    In long form tasks may have few rows each: what they share is learned from those of all.
    """
    # Nobody waits for torch who does not use it.
    from skmtl.neural import MultiTaskMLPCV

    seed = int(read_random_state(random_state).randint(2**31 - 1))
    tried = max(min(1.0, ALL_TRIED / n_features), 1 / 3)
    forests = {
        "regressor": ExtraTreesRegressor(
            max_features=tried, min_samples_leaf=FEWEST_OF_ALL if is_long else 1, random_state=seed
        ),
        "classifier": ExtraTreesClassifier(random_state=seed),
    }
    return [
        ("network", MultiTaskMLPCV(random_state=seed)),
        ("kernel", MultiTaskKernelRidgeCV()),
        ("linear", MultiTaskLinearCV("mean_deviation" if is_long else "l2", alphas=N_ALPHAS)),
        ("trees", PooledTasks(**forests) if is_long else IndependentTasks(**forests)),
    ]
