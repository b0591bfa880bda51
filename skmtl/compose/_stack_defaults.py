"""What a stack is made of where nothing is said."""

from __future__ import annotations

from typing import Any

from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

from skmtl._random import read_random_state
from skmtl.compose._independent import IndependentTasks


def default_estimators(X: Any, targets: Any, task_feature: Any, random_state: Any) -> Any:
    """A network, a kernel machine, a linear model and trees, with names."""
    seed = int(read_random_state(random_state).randint(2**31 - 1))
    forest = {"n_estimators": 200, "random_state": seed}
    return [
        ("linear", IndependentTasks()),
        (
            "trees",
            IndependentTasks(
                regressor=ExtraTreesRegressor(**forest), classifier=ExtraTreesClassifier(**forest)
            ),
        ),
    ]
