"""What the parameters that describe tasks may be, for ``_parameter_constraints``."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from sklearn.utils._param_validation import StrOptions

TASKS: dict[str, Any] = {
    # Reading y says what is wrong with it, and of which task.
    "tasks": "no_validation",
    "task_feature": [Integral, str, None],
    "unknown_task": [StrOptions({"error", "shared"})],
}
CLASS_WEIGHT: dict[str, Any] = {"class_weight": [StrOptions({"balanced"}), dict, None]}
TASK_WEIGHT: dict[str, Any] = {"task_weight": [StrOptions({"labels"}), "array-like", dict, None]}
