"""What a task is: how its labels are read, its loss, its expected and its score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skmtl._aliases import Searchable
from skmtl.tasks._columns import Column
from skmtl.tasks._weights import in_range

Array = NDArray[Any]


class Task(Searchable, BaseEstimator, ABC):
    """Base class of the task types.

    A task type turns a column of labels into numbers (`fit`, `encode`), raw scores of a
    model into predictions (`inverse_link`, `decode`), and knows its loss. All losses are
    elementwise: ``raw`` has shape (..., n_outputs), ``values`` has shape (...), so that
    tasks with the same `loss_key` are computed together in one call.

    Attributes
    ----------
    n_outputs_ : int
        Raw scores per row. 0 where there is nothing to learn: the prediction is constant.
    n_labels_ : int
        Number of observed labels seen in `fit`.
    """

    alias: ClassVar[str]
    is_classification: ClassVar[bool] = False

    n_outputs_: int
    n_labels_: int

    @abstractmethod
    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Learn what the labels of positive weight say, and check them."""

    @abstractmethod
    def encode(self, column: Column, name: Hashable, *, unseen: str = "raise") -> Array:
        """Labels as float64, 0 where unobserved."""

    @abstractmethod
    def inverse_link(self, raw: Array) -> Array:
        """Expected value (n,) or class probabilities (n, n_classes) in the units of y."""

    @abstractmethod
    def decode(self, expected: Array) -> Array:
        """Predicted labels (n,) in the units and dtype of y, from `inverse_link`."""

    @property
    def has_squared_loss(self) -> bool:
        """Whether the loss is half the squared difference of raw score and value."""
        return False

    @property
    @abstractmethod
    def loss_key(self) -> tuple[Hashable, ...]:
        """Tasks with equal keys have the same loss function and number of outputs."""

    @abstractmethod
    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Loss (...) and its gradient (..., n_outputs) with respect to ``raw``, numpy."""

    @abstractmethod
    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """Second derivative of the loss at ``raw`` applied to ``direction``."""

    @abstractmethod
    def conjugate(self, dual: Array, values: Array) -> Array:
        """Convex conjugate of the loss at ``dual`` (..., n_outputs); inf outside its domain."""

    @abstractmethod
    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Loss (...) of torch tensors; the same function as `loss_and_grad`."""

    @abstractmethod
    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """`torch_loss`, and its derivative (..., n_outputs) written out."""

    def torch_average(self, raw: Any) -> Any:
        """Raw scores with the mean `inverse_link` of the members along the first axis, torch."""
        return raw.mean(0)

    @abstractmethod
    def prior(self, values: Array, weight: Array) -> Array:
        """Best constant `inverse_link` for these labels: a number, or class proportions."""

    @abstractmethod
    def raw_prior(self, values: Array, weight: Array) -> Array:
        """Raw scores (n_outputs,) of the best constant prediction, where it is finite."""

    @abstractmethod
    def deviance(self, expected: Array, values: Array) -> Array:
        """Deviance (n,) of predictions ``expected``: the loss that `score` is a share of."""

    def label_weight(self, values: Array) -> Array | float:
        """Factor on the weight of each label (class weights); 1 by default."""
        return 1.0

    def labels(self, values: Array) -> Array:
        """Labels in the user's terms for encoded ``values``."""
        return values

    def score(self, expected: Array, values: Array, weight: Array) -> float:
        r"""Share of deviance explained, :math:`D^2 = 1 - \mathrm{dev} / \mathrm{dev}_0`.

        ``dev_0`` is that of the best constant on the same labels; R2 for regression. NaN for
        fewer than two labels; 1 or 0 where every label is the same: as scikit-learn's
        ``r2_score``.
        """
        used = weight > 0
        if used.sum() < 2:
            return float("nan")
        expected, values, weight = expected[used], values[used], in_range(weight[used])
        null = np.broadcast_to(self.prior(values, weight), expected.shape)
        deviance = float(weight @ self.deviance(expected, values))
        deviance_null = float(weight @ self.null_deviance(null, values, weight))
        if deviance_null == 0.0:
            return 1.0 if deviance == 0.0 else 0.0
        return 1.0 - deviance / deviance_null

    def null_deviance(self, null: Array, values: Array, weight: Array) -> Array:
        """Deviance (n,) of the best constant prediction."""
        return self.deviance(null, values)
