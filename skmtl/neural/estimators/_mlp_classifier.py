"""The network whose tasks are all classification."""

from __future__ import annotations

from typing import Any

from skmtl._kinds import MultiTaskClassifierMixin
from skmtl.neural.estimators._mlp import MultiTaskMLP
from skmtl.neural.estimators._parameters import CONSTRAINTS, network


@network
class MultiTaskMLPClassifier(MultiTaskClassifierMixin, MultiTaskMLP):
    """Multi-layer perceptron for classification tasks, with missing labels.

    `MultiTaskMLP` with every column of y read as classes and the mean accuracy as score.

    Parameters
    ----------
    <parameters>

    Attributes
    ----------
    <attributes>

    See Also
    --------
    MultiTaskMLP : Tasks of any types.
    sklearn.neural_network.MLPClassifier : One task, or complete binary labels.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLPClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1] > 0, X[:, 0] > X[:, 1]]).astype(float)
    >>> y[::3, 0] = np.nan
    >>> model = MultiTaskMLPClassifier(
    ...     (32,), early_stopping=True, learning_rate_init=0.01, random_state=0
    ... )
    >>> model.fit(X[:800], y[:800]).score(X[800:], y[800:]) > 0.8
    True
    """

    _parameter_constraints: dict[str, Any] = {**CONSTRAINTS}
