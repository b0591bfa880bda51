"""The network whose tasks are all regression."""

from __future__ import annotations

from typing import Any

from skmtl._kinds import MultiTaskRegressorMixin
from skmtl.neural.estimators._mlp import MultiTaskMLP
from skmtl.neural.estimators._parameters import CONSTRAINTS, network


@network
class MultiTaskMLPRegressor(MultiTaskRegressorMixin, MultiTaskMLP):
    """Multi-layer perceptron for regression tasks, with missing labels.

    `MultiTaskMLP` with every column of y read as regression and R2 as score.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskMLP : Tasks of any types.
    sklearn.neural_network.MLPRegressor : Complete targets, no heads.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] - X[:, 1]])
    >>> y[::3, 0] = np.nan
    >>> model = MultiTaskMLPRegressor(
    ...     (32,), early_stopping=True, learning_rate_init=0.01, random_state=0
    ... )
    >>> model.fit(X[:800], y[:800]).score(X[800:], y[800:]) > 0.8
    True
    """

    _parameter_constraints: dict[str, Any] = {**CONSTRAINTS}
