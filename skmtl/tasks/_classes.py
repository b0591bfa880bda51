"""What the binary and the multiclass task have in common: a set of classes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np

from skmtl.tasks._base import Array, Task
from skmtl.tasks._class_labels import as_classes, distinct, label_array, plain, whole_numbers
from skmtl.tasks._class_weight import read_class_weight
from skmtl.tasks._columns import Column, match
from skmtl.tasks._weights import in_range

# Where a class was unknown in `fit`: a prediction can only miss it.
UNSEEN = -1.0


class UnseenLabelError(ValueError):
    """A label of a class that was not seen in `fit`.

    Examples
    --------
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import UnseenLabelError
    >>> model = MultiTaskLinear().fit([[0.0], [1.0], [2.0]], ["no", "yes", "yes"])
    >>> try:
    ...     model.score([[3.0]], ["perhaps"])
    ... except UnseenLabelError as error:
    ...     print("perhaps" in str(error))
    True
    """


class Classes(Task):
    """Base of the classification tasks: reads labels as class codes 0, 1, ..."""

    is_classification = True
    classes_: Array

    def __init__(
        self,
        class_weight: str | Mapping[Any, float] | None = None,
        *,
        classes: Sequence[Any] | None = None,
    ) -> None:
        self.class_weight = class_weight
        self.classes = classes

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Learn the classes from the labels of positive weight, unless declared."""
        used = weight > 0
        self.n_labels_ = int(used.sum())
        are_declared = column.is_categorical or self.classes is not None
        labels = column.labels if are_declared else as_classes(column, used, self.alias, name)
        labels = whole_numbers(labels, used, name)
        found = distinct(labels[used])
        self.classes_ = self._known_classes(column, found, name)
        self._check(found, name)
        self.n_outputs_ = self._count_outputs(len(self.classes_))
        self._code_weight = None
        if self.class_weight is not None:
            codes = self.encode(column.take(np.flatnonzero(used)), name)
            self._code_weight = read_class_weight(
                self.class_weight, self.classes_, codes, weight[used], name
            )
        return self

    def _known_classes(self, column: Column, found: Array, name: Hashable) -> Array:
        if self.classes is not None:
            declared = np.unique(label_array(self.classes))
            odd = found[match(declared, found) < 0]
            if len(odd):
                raise ValueError(
                    f"Task {name!r}: label {plain(odd[0])!r} is not among the declared classes "
                    f"{declared.tolist()}."
                )
            return declared
        if len(found):
            return found
        # No label at all: what the dtype or the task type says, so that predicting the
        # uniform distribution has a meaning.
        if column.categories:
            return np.unique(label_array(column.categories))
        return np.array([False, True]) if column.labels.dtype.kind == "b" else np.array([0, 1])

    @abstractmethod
    def _check(self, found: Array, name: Hashable) -> None:
        """Raise where the labels do not fit the task type."""

    @staticmethod
    @abstractmethod
    def _count_outputs(n_classes: int) -> int:
        """Raw scores per row for this many classes."""

    def encode(self, column: Column, name: Hashable, *, unseen: str = "raise") -> Array:
        """Class codes as float64; a class unknown in `fit` raises or is coded `UNSEEN`."""
        codes = match(self.classes_, column.labels)
        unknown = column.observed & (codes < 0)
        if unknown.any() and unseen == "raise":
            label = column.labels[unknown][0]
            raise UnseenLabelError(
                f"Task {name!r}: label {plain(label)!r} was not seen in fit; "
                f"known classes: {self.classes_.tolist()}."
            )
        # `match` codes what it does not know as -1, which is `UNSEEN`.
        return np.where(column.observed, codes.astype(np.float64), 0.0)

    def labels(self, values: Array) -> Array:
        """Labels in the user's terms."""
        return self.classes_[values.astype(np.intp)]

    def label_weight(self, values: Array) -> Array | float:
        """Class weight of each label."""
        if self._code_weight is None:
            return 1.0
        return self._code_weight[values.astype(np.intp)]

    def inverse_link(self, raw: Array) -> Array:
        """Class probabilities (n, n_classes); uniform if no label was seen."""
        if not self.n_outputs_ or not self.n_labels_:
            return self.expected_without_labels(raw.shape[0])
        return self._probabilities(raw.astype(np.float64))

    @abstractmethod
    def _probabilities(self, raw: Array) -> Array:
        """Class probabilities (n, n_classes) of raw scores."""

    def torch_inverse_link(self, raw: Any) -> Any:
        """Class probabilities; uniform if no label was seen, torch."""
        if not self.n_outputs_ or not self.n_labels_:
            n_classes = len(self.classes_)
            return raw.new_full((raw.shape[0], n_classes), 1.0 / n_classes)
        return self._torch_probabilities(raw)

    def _torch_probabilities(self, raw: Any) -> Any:
        """`_probabilities`, torch."""
        return super().torch_inverse_link(raw)

    def decode(self, expected: Array) -> Array:
        """Most probable class."""
        return self.classes_[expected.argmax(axis=1)]

    def expected_without_labels(self, n_rows: int) -> Array:
        """All classes with the same probability."""
        n_classes = len(self.classes_)
        return np.full((n_rows, n_classes), 1.0 / n_classes)

    def only_expected(self, values: Array) -> Any:
        """The only class of the labels with probability 1; without labels all alike."""
        codes = np.unique(values)
        if not len(codes):
            return self.expected_without_labels(1)[0]
        return self.certain(codes)[0] if len(codes) == 1 else None

    def certain(self, values: Array) -> Array:
        """Probability 1 for the class of the label."""
        return np.eye(len(self.classes_))[values.astype(np.intp)]

    def prior(self, values: Array, weight: Array) -> Array:
        """Weighted share of each class among these labels."""
        codes, weight = values.astype(np.intp), in_range(weight)
        counts = np.bincount(np.maximum(codes, 0), weight * (codes >= 0), len(self.classes_))
        return counts / weight.sum()

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """Log-odds (binary) or log-shares of the classes; those without labels count 1e-3."""
        log_share = np.log(np.maximum(self.prior(values, weight), 1e-3))
        return log_share[1:] - log_share[:1] if self.n_outputs_ == 1 else log_share

    def deviance(self, expected: Array, values: Array) -> Array:
        """Log loss; probabilities are clipped at eps as scikit-learn's ``log_loss`` does."""
        codes = values.astype(np.intp)
        share = expected[np.arange(len(codes)), np.maximum(codes, 0)]
        share = np.where(codes >= 0, share, 0.0)
        eps = np.finfo(np.float64).eps
        return -np.log(np.clip(share, eps, 1.0))

    def null_deviance(self, null: Array, values: Array, weight: Array) -> Array:
        """Log loss of the class shares, labels unseen in `fit` counted as one class."""
        null_unseen = np.average(values == UNSEEN, weights=in_range(weight))
        deviance = self.deviance(null, values)
        if null_unseen > 0:
            deviance[values == UNSEEN] = -np.log(null_unseen)
        return deviance

    def accuracy(
        self, expected: Array, values: Array, weight: Array, decided: Array | None = None
    ) -> float:
        """Weighted share of labels whose class is the predicted one, by default the most probable.

        ``decided`` are predicted labels.
        """
        used = weight > 0
        if decided is None:
            codes = expected[used].argmax(axis=1)
        else:
            codes = match(self.classes_, decided[used])
        return float(_shares_right(codes[None] == values[used], weight[used])[0])

    def accuracies(self, expected: Array, values: Array, weight: Array) -> Array:
        """`accuracy` of each of several predictions (m, n, n_classes) of the same labels: (m,)."""
        if self._keeps(Classes, "accuracy"):
            used = weight > 0
            codes = expected[:, used].argmax(axis=2)
            return _shares_right(codes == values[used], weight[used])
        return np.array([self.accuracy(one, values, weight) for one in expected])

    def reference_metric(self, values: Array, expected: Array) -> Callable[..., float] | None:
        """`sklearn.metrics.d2_log_loss_score`, which takes known classes, two of them at least."""
        from sklearn.metrics import d2_log_loss_score

        is_own = not self._keeps(Classes, "deviance", "null_deviance", "score", "prior")
        are_known = (values >= 0).all() and len(np.unique(values)) > 1
        return None if is_own or not are_known else partial(d2_log_loss_score, labels=self.classes_)

    def residual(self, expected: Array, values: Array) -> Array:
        """Residuals (n, 1) of deviance; of more than two classes, indicators less probabilities."""
        if len(self.classes_) > 2:
            return (values[:, None] == np.arange(len(self.classes_))) - expected
        return ((2 * values - 1) * np.sqrt(self.deviance(expected, values)))[:, None]

    def default_estimator(self) -> Any:
        """Logistic regression."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression()


def _shares_right(is_right: Array, weight: Array) -> Array:
    """Weighted share of labels (m, n) that are predicted right; NaN where there is none."""
    if not len(weight):
        return np.full(len(is_right), np.nan)
    weight = in_range(weight)
    share: Array = is_right @ weight / weight.sum()
    return share
