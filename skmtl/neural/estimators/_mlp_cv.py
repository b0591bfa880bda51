"""Networks that choose and blend their settings by cross-validation."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import HasMethods

from skmtl._docstrings import documented
from skmtl._kinds import MultiTaskClassifierMixin, MultiTaskRegressorMixin
from skmtl.neural.estimators._mlp_search import NetworkSearch
from skmtl.neural.estimators._parameters import CONSTRAINTS, SHARED

network_cv = documented("", "", shared=SHARED)


@network_cv
class MultiTaskMLPCV(NetworkSearch):
    """todo."""

    _parameter_constraints: dict[str, Any] = {
        "grid": [dict, list, None],
        "cv": ["cv_object"],
        "scoring": [str, callable, HasMethods("__call__"), None],
        **{
            name: CONSTRAINTS[name]
            for name in (
                "hidden_layer_sizes",
                "tasks",
                "task_feature",
                "unknown_task",
                "architecture",
                "head_hidden_layer_sizes",
                "normalization",
                "balancing",
                "task_weight",
                "device",
                "n_threads",
                "random_state",
            )
        },
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        grid: Any = None,
        *,
        cv: Any = None,
        scoring: Any = None,
        hidden_layer_sizes: Any = (64, 64),
        tasks: Any = "auto",
        task_feature: int | str | None = None,
        unknown_task: str = "error",
        architecture: Any = "hard_sharing",
        head_hidden_layer_sizes: Any = (),
        normalization: str | None = None,
        balancing: Any = "equal",
        task_weight: Any = None,
        device: str = "cpu",
        n_threads: int | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        verbose: bool | int = False,
    ) -> None:
        self.grid = grid
        self.cv = cv
        self.scoring = scoring
        self.hidden_layer_sizes = hidden_layer_sizes
        self.tasks = tasks
        self.task_feature = task_feature
        self.unknown_task = unknown_task
        self.architecture = architecture
        self.head_hidden_layer_sizes = head_hidden_layer_sizes
        self.normalization = normalization
        self.balancing = balancing
        self.task_weight = task_weight
        self.device = device
        self.n_threads = n_threads
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.verbose = verbose


@network_cv
class MultiTaskMLPRegressorCV(MultiTaskRegressorMixin, MultiTaskMLPCV):
    """todo."""


@network_cv
class MultiTaskMLPClassifierCV(MultiTaskClassifierMixin, MultiTaskMLPCV):
    """todo."""
