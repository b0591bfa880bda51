"""What the binary and the multiclass task have in common: a set of classes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Self

import numpy as np

from skmtl.tasks._base import Array, Task
from skmtl.tasks._columns import EXACT_INTEGERS, Column, match
from skmtl.tasks._weights import in_range

# Where a class was unknown in `fit`: a prediction can only miss it.
UNSEEN = -1.0


class UnseenLabelError(ValueError):
    """A label of a class that was not seen in `fit`."""


class Classes(Task):
    """Base of the classification tasks: reads labels as class codes 0, 1, ..."""

    is_classification = True
    classes_: Array

    class_weight: str | Mapping[Any, float] | None
    classes: Sequence[Any] | None

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Learn the classes from the labels of positive weight, unless declared."""
        used = weight > 0
        self.n_labels_ = int(used.sum())
        are_declared = column.is_categorical or self.classes is not None
        labels = column.labels if are_declared else _as_classes(column, used, self.alias, name)
        labels = _whole(labels, used, name)
        found = np.unique(labels[used])
        self.classes_ = self._known_classes(column, found, name)
        self._check(found, name)
        self.n_outputs_ = self._count_outputs(len(self.classes_))
        codes = self.encode(column.take(np.flatnonzero(used)), name)
        self._code_weight = _resolve_class_weight(
            self.class_weight, self.classes_, codes, weight[used], name
        )
        return self

    def _known_classes(self, column: Column, found: Array, name: Hashable) -> Array:
        if self.classes is not None:
            declared = np.unique(_label_array(self.classes))
            odd = found[match(declared, found) < 0]
            if len(odd):
                raise ValueError(
                    f"Task {name!r}: label {_plain(odd[0])!r} is not among the declared classes "
                    f"{declared.tolist()}."
                )
            return declared
        if len(found):
            return found
        # No label at all: what the dtype or the task type says, so that predicting the
        # uniform distribution has a meaning.
        if column.categories:
            return np.unique(_label_array(column.categories))
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
                f"Task {name!r}: label {_plain(label)!r} was not seen in fit; "
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
        n_classes = len(self.classes_)
        if not self.n_outputs_ or not self.n_labels_:
            return np.full((raw.shape[0], n_classes), 1.0 / n_classes)
        return self._probabilities(raw.astype(np.float64))

    @abstractmethod
    def _probabilities(self, raw: Array) -> Array:
        """Class probabilities (n, n_classes) of raw scores."""

    def decode(self, expected: Array) -> Array:
        """Most probable class."""
        return self.classes_[expected.argmax(axis=1)]

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
        if not used.any():
            return float("nan")
        if decided is None:
            codes = expected[used].argmax(axis=1)
        else:
            codes = match(self.classes_, decided[used])
        return float(np.average(codes == values[used], weights=in_range(weight[used])))


def _label_array(labels: Sequence[Any]) -> Array:
    """Labels as a column of y holds them: strings have dtype object."""
    array = np.asarray(labels)
    return array.astype(object) if array.dtype.kind in "UST" else array


def _as_classes(column: Column, used: Array, alias: str, name: Hashable) -> Array:
    """Labels that can be classes: floats with a fraction are refused."""
    labels = column.labels
    if labels.dtype.kind != "f":
        return labels
    fraction = used & (labels != np.floor(labels))
    if fraction.any():
        raise ValueError(
            f"Task {name!r} is {alias}, but has the label {labels[fraction][0]:g}. "
            "Unknown label type: continuous. Maybe you are trying to fit a classifier, which "
            "expects discrete classes on a regression target with continuous values."
        )
    return labels


def _whole(labels: Array, used: Array, name: Hashable) -> Array:
    """Whole numbers as integers."""
    if labels.dtype.kind != "f" or (used & (labels != np.floor(labels))).any():
        return labels
    labels = np.where(used, labels, 0.0)
    large = np.abs(labels) >= EXACT_INTEGERS
    if large.any():
        raise ValueError(
            f"Task {name!r} has classes, but the label {labels[large][0]:.0f} as a float: from "
            "2**53 on neighbouring numbers are the same float. Give integers or strings."
        )
    return labels.astype(np.int64)


def _resolve_class_weight(
    class_weight: str | Mapping[Any, float] | None,
    classes: Array,
    codes: Array,
    weight: Array,
    name: Hashable,
) -> Array | None:
    if class_weight is None:
        return None
    if isinstance(class_weight, str):
        if class_weight != "balanced":
            raise ValueError(
                f"Task {name!r}: class_weight={class_weight!r}; expected 'balanced', a dict "
                "{class: weight} or None."
            )
        counts = np.bincount(codes.astype(np.intp), weight, len(classes))
        present = counts > 0
        total = counts.sum() / max(present.sum(), 1)
        return np.divide(total, counts, out=np.ones(len(classes)), where=present)
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f"Task {name!r}: class_weight={class_weight!r}; expected 'balanced', a dict "
            "{class: weight} or None."
        )
    known, given = classes.tolist(), list(class_weight.values())
    are_numbers = all(isinstance(f, float | int | np.number) and 0 <= f < np.inf for f in given)
    if not are_numbers:
        raise ValueError(
            f"Task {name!r}: class_weight={dict(class_weight)}; expected finite numbers >= 0."
        )
    unknown = [label for label in class_weight if label not in known]
    # A class without labels, in a fold, may be named; a slip of the pen leaves one unnamed.
    if unknown and any(label not in class_weight for label in known):
        raise ValueError(
            f"Task {name!r}: class_weight names {unknown[0]!r}; known classes: {known}."
        )
    factors = np.array([float(class_weight.get(label, 1.0)) for label in known])
    # A fold may be left with the class of weight 0 alone.
    if len(known) > 1 and not factors.any():
        raise ValueError(
            f"Task {name!r}: class_weight={dict(class_weight)}; expected a weight above 0 for one "
            f"of the classes {known}."
        )
    return in_range(factors)


def _plain(label: Any) -> Any:
    return label.item() if isinstance(label, np.generic) else label
