"""What a task is: how its labels are read, its loss, its predictions and its score.

Whoever has a task asks it, and never which class it is: a user's own type then gets the same
treatment everywhere. What a type does not answer has the careful answer of `Task`, and an answer
that rests on a method holds for subclasses that leave this method alone (`Task._keeps`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from skmtl._aliases import Searchable
from skmtl.tasks._columns import Column
from skmtl.tasks._weights import in_range

Array = NDArray[Any]
# Methods that are the loss: what is known of one does not hold for another.
LOSS = ("loss_and_grad", "torch_loss", "torch_loss_and_grad", "curvature", "conjugate")


class Task(Searchable, BaseEstimator, ABC):
    """Base class of the task types.

    A task type turns a column of labels into numbers (`fit`, `encode`), raw scores of a
    model into predictions (`inverse_link`, `decode`), and knows its loss. All losses are
    elementwise: ``raw`` has shape (..., n_outputs), ``values`` has shape (...), so that
    tasks with the same `loss_key` are computed together in one call.

    Attributes
    ----------
    alias : str
        Name of the type: in ``tasks=``, in messages, in metrics by type.
    is_classification : bool
        Whether predictions are class probabilities; the type then has ``classes_``.
    has_times : bool
        Whether labels are times until an event; the type then has ``survival(raw, times)``, the
        probabilities (n, n_times) of later events.
    n_outputs_ : int
        Raw scores per row. 0 where there is nothing to learn: the prediction is constant.
    shape_ : ndarray of shape (n_shapes,)
        What the likelihood has beside a score: thresholds, a scale; of types with any.
    n_labels_ : int
        Number of observed labels seen in `fit`.

    See Also
    --------
    NumberTask : Base of the types whose labels are numbers.
    skmtl.testing.check_task : Whether a type of your own keeps what is written here.

    Notes
    -----
    An argument means the same in all methods, those of subclasses included:

    - ``column``: the task's column of y as it was given; ``name``: the task in messages.
    - ``labels`` (n,): its observed labels in the user's terms; ``are_classes``: whether "auto"
      takes them for classes.
    - ``unseen``: what becomes of labels that `fit` has not seen, "raise" or "miss", which is -1.
    - ``standardize``: whether labels of regression get mean 0 and variance 1; "about_zero" leaves
      their mean.
    - ``values`` (n,) or (...): labels as `encode` gives them.
    - ``weight``, ``weights``, shaped alike: their weights, 0 where unobserved.
    - ``raw`` (..., n_outputs): raw scores of a model; ``score`` (...): of a type with one.
    - ``expected`` (n,) or (n, n_classes): predictions as `inverse_link` gives them; ``null``: those
      of the best constant; ``blended``: on the scale of `to_blend`; ``decided`` (n,): predicted
      labels. ``n_rows``: how many of them.
    - ``direction``, ``dual`` (..., n_outputs): a direction of raw scores, a point of the dual.
    - ``times`` (n_times,): times to ask about.
    - ``tasks``: tasks of one type.
    - ``smoothing``, ``share``: how smooth a loss is made that is not, and a factor on it.
    - ``varies``: whether the shape does.

    Examples
    --------
    What a fit has found out of three columns, of which the last has two labels:

    >>> from skmtl import MultiTaskLinear
    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> y = [[0.5, "no", 1.5], [2.5, "yes", None], [1.5, "yes", 0.5], [3.5, "so-so", None]]
    >>> for task in MultiTaskLinear(alpha=0.1).fit(X, y).tasks_:
    ...     print(task.alias, task.n_outputs_, task.n_labels_)
    regression 1 4
    multiclass 3 4
    regression 1 2
    """

    alias: ClassVar[str]
    is_classification: ClassVar[bool] = False
    has_times: ClassVar[bool] = False

    n_outputs_: int
    n_labels_: int
    shape_: Array = np.zeros(0)

    @property
    def expected_shape(self) -> tuple[int, ...]:
        """Shape of the expected value of a row: () for a number, (n_classes,) for classes."""
        return (len(self.classes_),) if self.is_classification else ()

    # Labels.

    @classmethod
    def suits(cls, column: Column, labels: Array, are_classes: bool) -> bool:
        """Whether "auto" reads these observed ``labels`` of ``column`` as this type."""
        return False

    @abstractmethod
    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Learn what the labels of positive weight say, and check them."""

    @abstractmethod
    def encode(self, column: Column, name: Hashable, *, unseen: str = "raise") -> Array:
        """Labels as float64, 0 where unobserved."""

    def labels(self, values: Array) -> Array:
        """Labels in the user's terms for encoded ``values``."""
        return values

    def label_weight(self, values: Array) -> Array | float:
        """Factor on the weight of each label (class weights); 1 by default."""
        return 1.0

    def as_numbers(self, values: Array, weight: Array) -> Array:
        """Labels as numbers (n,), for what asks how noisy they are or how far apart."""
        return values.astype(np.float64)

    def central_label(self, values: Array, weight: Array) -> float:
        """A label, encoded, in the place of all of these."""
        return float(np.average(values, weights=weight))

    # Predictions.

    @abstractmethod
    def inverse_link(self, raw: Array) -> Array:
        """Expected value (n,) or class probabilities (n, n_classes) in the units of y."""

    def torch_inverse_link(self, raw: Any) -> Any:
        """`inverse_link`, torch: what `skmtl.export` puts into a graph; not asked for elsewhere."""
        raise NotImplementedError(
            f"{type(self).__name__} has no torch_inverse_link(raw), the same as inverse_link for "
            "tensors, which an export is made of."
        )

    @abstractmethod
    def torch_average(self, raw: Any) -> Any:
        """Raw scores with the mean `inverse_link` of the members along the first axis, torch."""

    @abstractmethod
    def decode(self, expected: Array) -> Array:
        """Predicted labels (n,) in the units and dtype of y, from `inverse_link`."""

    @abstractmethod
    def expected_without_labels(self, n_rows: int) -> Array:
        """What a task without any label predicts: (n,) or (n, n_classes)."""

    @abstractmethod
    def only_expected(self, values: Array) -> Any:
        """The only prediction of a row that these labels allow; None where there are several."""

    @abstractmethod
    def certain(self, values: Array) -> Array:
        """The labels as if they had been predicted with certainty: (n,) or (n, n_classes)."""

    def check_expected(self, expected: Array, name: Hashable) -> None:
        """Raise for predictions, given by a user, that `score` has no value for."""

    # Loss.

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """Tasks with equal keys have the same loss function and number of outputs."""
        return (type(self), self.n_outputs_, repr(sorted(self.get_params(deep=False).items())))

    @property
    def has_squared_loss(self) -> bool:
        """Whether the loss is half the squared difference of raw score and value."""
        return False

    @property
    def is_smooth(self) -> bool:
        """Whether the loss has a gradient everywhere, which the linear solvers need."""
        return True

    @property
    def is_convex(self) -> bool:
        """Whether the loss is convex, which all but networks need."""
        return True

    @property
    def is_proper(self) -> bool:
        """Whether the loss is least for what is expected of the labels, which `score` goes by."""
        return True

    @property
    def can_vanish(self) -> bool:
        """Whether the loss of classes that are told apart falls to 0 as raw scores grow."""
        return self.is_classification

    def by_output(self, smoothing: float = 0.0) -> list[Self] | None:
        """A task for each raw score, where the loss is a sum of losses of one; None elsewhere.

        They are smooth for ``smoothing`` > 0, where the loss itself is not.
        """
        return None

    @property
    def has_linear_tails(self) -> bool:
        """Whether the loss bends near the label alone: Newton's method has to start there."""
        return False

    @property
    def compiled_loss(self) -> tuple[int, float] | None:
        """Number of the loss in `skmtl.tasks._loss_codes`, with its parameter; None elsewhere."""
        return None

    @abstractmethod
    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Loss (...) and its gradient (..., n_outputs) with respect to ``raw``, numpy."""

    @abstractmethod
    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """Second derivative of the loss at ``raw`` applied to ``direction``."""

    def curvature_matrix(self, raw: Array, values: Array) -> Array:
        """Second derivatives of the loss at ``raw``, (..., n_outputs, n_outputs)."""
        shape = *raw.shape, raw.shape[-1]
        return self.curvature(
            np.broadcast_to(raw[..., None, :], shape),
            np.broadcast_to(values[..., None], raw.shape),
            np.broadcast_to(np.eye(shape[-1]), shape),
        )

    @abstractmethod
    def conjugate(self, dual: Array, values: Array) -> Array:
        """Convex conjugate of the loss at ``dual`` (..., n_outputs); inf outside its domain."""

    def dual_scale(self, dual: Array) -> float:
        """Largest s <= 1 for which `conjugate` is known to be finite at s times ``dual``, or 1."""
        return 1.0

    @abstractmethod
    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Loss (...) of torch tensors; the same function as `loss_and_grad`."""

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """`torch_loss` and its gradient (..., n_outputs), by default from autograd."""
        import torch

        with torch.enable_grad():
            raw = raw.detach().requires_grad_()
            loss = self.torch_loss(raw, values)
            (gradient,) = torch.autograd.grad(loss.sum(), raw)
        return loss.detach(), gradient

    # Losses that are no sum over labels.

    @property
    def sees_rows(self) -> bool:
        """Whether the loss of a label depends on the rows beside it.

        Networks minimise `torch_loss_of_rows` then, linear models in turn ``loss_and_grad`` of
        single labels for what `settled` has found, and this for the scores that they have found.
        """
        return False

    def torch_loss_of_rows(self, raw: Any, values: Any, weights: Any) -> Any:
        """Loss (n_models, n, ...) of labels among the n rows of a batch, of weight 0 if unobserved.

        ``raw`` has an axis more, as in `torch_loss`, which it is for all who look at no other row.
        """
        return self.torch_loss(raw, values)

    def settled(self, raw: Array, values: Array, weight: Array) -> Self:
        """The task with what its likelihood learns beside raw scores (n, n_outputs) of a fit."""
        return self

    # Shape: numbers of the likelihood that no feature explains.

    @property
    def n_shapes(self) -> int:
        """How many numbers of the likelihood are learned beside the raw score."""
        return 0

    def let_shape_vary(self, *, varies: bool = True) -> None:
        """Have the shape as raw scores behind the first: it may then depend on the features.

        The loss is that of all raw scores together, and need not be convex. ``loss_and_grad``,
        `curvature` and `conjugate` speak of the first score, with ``shape_`` beside it.
        """
        if self.n_shapes:
            self.n_outputs_ = 1 + self.n_shapes * varies

    def shape_slope(self, raw: Array, values: Array) -> Array:
        """Derivatives (..., n_shapes) of the loss with respect to ``shape_``."""
        return np.zeros((*values.shape, 0))

    @abstractmethod
    def prior(self, values: Array, weight: Array) -> Array:
        """Best constant `inverse_link` for these labels: a number, or class proportions."""

    @abstractmethod
    def raw_prior(self, values: Array, weight: Array) -> Array:
        """Raw scores (n_outputs,) of the best constant prediction, where it is finite."""

    @classmethod
    def raw_priors(cls, tasks: Sequence[Self], values: Array, weights: Array) -> Array:
        """`raw_prior` of tasks of one `loss_key` (n_tasks, n_outputs), for labels (n_tasks, n).

        0 for a task without labels.
        """
        found = np.zeros((len(tasks), tasks[0].n_outputs_))
        for t, (task, labels, weight) in enumerate(zip(tasks, values, weights, strict=True)):
            if (used := weight > 0).any():
                found[t] = task.raw_prior(labels[used], weight[used])
        return found

    # Score.

    @abstractmethod
    def deviance(self, expected: Array, values: Array) -> Array:
        """Deviance (n,) of predictions ``expected``: the loss that `score` is a share of."""

    def null_deviance(self, null: Array, values: Array, weight: Array) -> Array:
        """Deviance (n,) of the best constant prediction."""
        return self.deviance(null, values)

    def deviance_of_constant(self, values: Array, weight: Array) -> float:
        """Weighted sum of the deviance of the best constant prediction."""
        used = weight > 0
        if not used.any():
            return 0.0
        values, weight = values[used], in_range(weight[used])
        prior = np.asarray(self.prior(values, weight))
        null = np.broadcast_to(prior, (len(values), *prior.shape))
        return float(weight @ self.null_deviance(null, values, weight))

    def score(self, expected: Array, values: Array, weight: Array) -> float:
        r"""Share of deviance explained, :math:`D^2 = 1 - \mathrm{dev} / \mathrm{dev}_0`.

        ``dev_0`` is that of the best constant on the same labels; R2 for regression. NaN for
        fewer than two labels; 1 or 0 where every label is the same: as scikit-learn's
        ``r2_score``.
        """
        return float(self.shares_explained(expected[None], values, weight)[0])

    def scores(self, expected: Array, values: Array, weight: Array) -> Array:
        """`score` of each of several predictions (m, n, ...) of the same labels: (m,)."""
        if self._keeps(Task, "score"):
            return self.shares_explained(expected, values, weight)
        return np.array([self.score(one, values, weight) for one in expected])

    def shares_explained(self, expected: Array, values: Array, weight: Array) -> Array:
        r""":math:`D^2` of each of several predictions (m, n, ...) of the same labels: (m,)."""
        used = weight > 0
        if used.sum() < 2:
            return np.full(len(expected), np.nan)
        expected, values, weight = expected[:, used], values[used], in_range(weight[used])
        deviance_null = self.deviance_of_constant(values, weight)
        flat = expected.reshape(-1, *expected.shape[2:])
        deviance = self.deviance(flat, np.concatenate([values] * len(expected)))
        # Predictions may be as wrong as numbers can say.
        with np.errstate(over="ignore"):
            # One after the other: a product of all would end in other last digits.
            deviance = np.array([one @ weight for one in deviance.reshape(len(expected), -1)])
            if deviance_null == 0.0:
                return np.where(deviance == 0.0, 1.0, 0.0)
            return 1.0 - deviance / deviance_null

    def reference_metric(self, values: Array, expected: Array) -> Callable[..., float] | None:
        """Function of scikit-learn ``(labels, expected)`` for `score`; None where there is none."""
        return None

    @property
    def has_r2_score(self) -> bool:
        """Whether `score` is R2 of the raw scores in the units of y."""
        return False

    @abstractmethod
    def residual(self, expected: Array, values: Array) -> Array:
        """Residuals (n, n_columns) of predictions: what is left to explain."""

    # Beside other tasks, and other estimators.

    @property
    def can_rescale(self) -> bool:
        """Whether labels may be standardised or transformed, and predictions mapped back."""
        return False

    @property
    def pool_key(self) -> tuple[Hashable, ...]:
        """Tasks with equal keys can be learned as one, by one estimator."""
        return self.loss_key

    def blend_labels(self, values: Array, weight: Array) -> tuple[Array, Array]:
        """What blended predictions should be near to, on their scale, and weights of that."""
        return self.certain(values), weight

    def to_blend(self, expected: Array) -> Array:
        """Predictions on the scale on which they are compared and averaged."""
        return expected

    def from_blend(self, blended: Array) -> Array:
        """The way back."""
        return blended

    @abstractmethod
    def default_estimator(self) -> Any:
        """Estimator of scikit-learn that learns such a task where none is given."""

    def _keeps(self, base: type[Any], *methods: str) -> bool:
        """Whether these methods are still those of ``base``, in a subclass of it."""
        return all(getattr(type(self), name) is getattr(base, name) for name in methods)
