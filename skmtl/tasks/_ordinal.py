"""One of several classes with an order to predict."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from scipy.special import expit, logit

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._class_labels import count_classes, label_array
from skmtl.tasks._classes import Classes
from skmtl.tasks._columns import Column, match
from skmtl.tasks._logarithms import entropy, logistic_curvature, softplus, torch_mean_logit

# Share of a class that has no label: its thresholds are apart all the same.
LEAST_SHARE = 1e-3


class Ordinal(Classes):
    r"""A task with classes that have an order: cumulative logit on one raw score.

    A label is of class k or a higher one with probability [1]_

    .. math:: P(y \ge k) = \sigma(f - \theta_k), \qquad \theta_1 = 0 < \theta_2 < \dots

    and its loss is the negative logarithm of the probability of its class. One raw score orders
    the rows; the thresholds, the same for all rows in linear models and kernel ridge, are learned
    with it. In networks the distances of the thresholds are raw scores, too, that need not be the
    same for all rows. `score` is the explained share of log loss. Predictions are the most
    probable class.

    Parameters
    ----------
    class_weight : "balanced", dict {class: weight} or None, default=None
        Factor on the weight of a label by its class.
    classes : sequence of labels, default=None
        The classes, from the lowest to the highest. By default the order is that of the numbers
        or of an ordered categorical dtype.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The classes, sorted as scikit-learn sorts them: the columns of probabilities.
    ordered_classes_ : ndarray of shape (n_classes,)
        The classes, from the lowest to the highest.
    thresholds_ : ndarray of shape (n_classes - 1,)
        :math:`\theta_1, \theta_2, \dots`, where they are the same for all rows.

    References
    ----------
    .. [1] P. McCullagh, "Regression models for ordinal data", Journal of the Royal Statistical
       Society B 42, 1980, section 2.

    Examples
    --------
    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import Ordinal
    >>> X, y = [[0.0], [1.0], [2.0], [3.0], [4.0]], ["low", "low", "mid", "top", "mid"]
    >>> model = MultiTaskLinear(tasks=Ordinal(classes=["low", "mid", "top"])).fit(X, y)
    >>> model.predict([[-1.0], [5.0]]).tolist()
    ['low', 'top']
    """

    alias = "ordinal"

    ordered_classes_: Array

    @classmethod
    def suits(cls, column: Column, labels: Array, are_classes: bool) -> bool:
        """More than two ordered categories."""
        return are_classes and column.is_ordered and count_classes(column, labels) > 2

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Learn the classes and their order; thresholds start where the labels alone put them."""
        super().fit(column, weight, name)
        self._name = name
        self._ranks = self._order(column, name)
        self.ordered_classes_ = self.classes_[np.argsort(self._ranks)]
        used = weight > 0
        codes = self.encode(column, name)[used]
        self.shape_ = _shape_of(self._exceeding(codes, weight[used] * self.label_weight(codes)))
        return self

    def _check(self, found: Array, name: Hashable) -> None:
        pass

    def _order(self, column: Column, name: Hashable) -> Array:
        """Rank of each class."""
        order = self.classes if self.classes is not None else column.categories
        if not (self.classes is not None or column.is_ordered):
            if column.is_string and len(self.classes_) > 1:
                raise ValueError(
                    f"Task {name!r} is ordinal, but its labels are strings without an order: "
                    f"{self.classes_[:3].tolist()}. Say Ordinal(classes=[lowest, ..., highest]), "
                    "or give an ordered category."
                )
            return np.arange(len(self.classes_))
        known = label_array(order)
        by_label = np.argsort(known, kind="stable")
        return by_label[match(known[by_label], self.classes_)].argsort().argsort()

    @staticmethod
    def _count_outputs(n_classes: int) -> int:
        return 1 if n_classes > 1 else 0

    @property
    def n_shapes(self) -> int:
        """The distances of the thresholds."""
        return max(len(self.classes_) - 2, 0)

    @property
    def thresholds_(self) -> Array:
        """The thresholds, the first of which is 0."""
        if self.n_outputs_ > 1:
            raise AttributeError("The thresholds depend on the features in this model.")
        return _thresholds(self.shape_)

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """Of a task alone where its thresholds are its own, by number of classes elsewhere."""
        if not self._keeps(Ordinal, *LOSS):
            return (*super().loss_key, self._name)
        order = tuple(self._ranks.tolist())
        has_own = self.n_outputs_ == 1 and self.n_shapes
        return (type(self), self.n_outputs_, order, *((self._name,) if has_own else ()))

    @property
    def pool_key(self) -> tuple[Hashable, ...]:
        """All tasks with classes, unless a subclass has a loss of its own."""
        return (Classes,) if self._keeps(Ordinal, *LOSS) else super().pool_key

    def _bounds(self, values: Array) -> tuple[Array, Array]:
        """Thresholds below and above the class of each label, infinite at the ends."""
        ends = np.concatenate([[-np.inf], _thresholds(self.shape_), [np.inf]])
        rank = self._ranks[values.astype(np.intp)]
        return ends[rank], ends[rank + 1]

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Two logistic losses, of the threshold below and that above, and their derivative."""
        lower, upper = self._bounds(values)
        score = raw[..., 0]
        loss = np.logaddexp(0.0, lower - score) + np.logaddexp(0.0, score - upper)
        slope = expit(score - upper) - expit(lower - score)
        return loss - np.log(-np.expm1(lower - upper)), slope[..., None]

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """The direction times p (1 - p) of both thresholds."""
        lower, upper = self._bounds(values)
        bend = logistic_curvature(raw[..., 0] - lower) + logistic_curvature(raw[..., 0] - upper)
        return bend[..., None] * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        r"""Of one logistic loss at the ends, of the sum of two between them.

        That has slope u at :math:`f - m = \mathrm{asinh}(\ldots)`: with h half the distance of
        the thresholds and m their middle, :math:`e^{f - m} = (u \cosh h + \sqrt{1 + u^2 \sinh^2
        h}) / (1 - u)`.
        """
        lower, upper = self._bounds(values)
        u, is_low, is_top = dual[..., 0], np.isinf(lower), np.isinf(upper)
        # Of log(1 + e^(f - upper)), or of log(1 + e^(lower - f)).
        line = u * np.where(is_low, np.where(is_top, 0.0, upper), lower)
        at_end = entropy(np.where(is_low, u, -u)) + line
        is_end = is_low | is_top
        low, top = np.where(is_end, -1.0, lower), np.where(is_end, 1.0, upper)
        return np.where(is_end, at_end, _conjugate_between(u, low, top))

    def shape_slope(self, raw: Array, values: Array) -> Array:
        """Derivatives of the loss with respect to the distances, as `shape_` writes them."""
        lower, upper = self._bounds(values)
        score, n_thresholds = raw[..., 0], len(self.shape_) + 1
        apart = np.exp(lower - upper) / -np.expm1(lower - upper)
        of_upper, of_lower = -expit(score - upper) - apart, expit(lower - score) + apart
        rank = self._ranks[values.astype(np.intp)][..., None]
        # Of threshold j + 1 of all, of which every distance before it is a part.
        of_threshold = np.where(rank == np.arange(n_thresholds), of_upper[..., None], 0.0)
        of_threshold += np.where(rank == np.arange(1, n_thresholds + 1), of_lower[..., None], 0.0)
        of_distance = of_threshold[..., ::-1].cumsum(axis=-1)[..., ::-1][..., 1:]
        return of_distance * expit(self.shape_)

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Negative logarithm of the probability of the class, torch."""
        lower, upper = self._torch_bounds(raw, values)
        score, zero = raw[..., 0], raw.new_zeros(())
        loss = zero.logaddexp(lower - score) + zero.logaddexp(score - upper)
        return loss - (-(lower - upper).expm1()).log()

    def _torch_bounds(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Thresholds below and above the class of each label, far away at the ends."""
        import torch

        shape = raw[..., 1:] if raw.shape[-1] > 1 else raw.new_tensor(self.shape_)
        shape = shape.expand(*raw.shape[:-1], -1)
        ends = torch.cat(
            [
                shape.new_full((*shape.shape[:-1], 1), -FAR),
                shape.new_zeros((*shape.shape[:-1], 1)),
                torch.nn.functional.softplus(shape).cumsum(-1),
                shape.new_full((*shape.shape[:-1], 1), FAR),
            ],
            dim=-1,
        )
        ranks = torch.as_tensor(self._ranks, device=raw.device)
        rank = ranks[values.long()][..., None].expand(*raw.shape[:-1], 1)
        return ends.gather(-1, rank)[..., 0], ends.gather(-1, rank + 1)[..., 0]

    def torch_average(self, raw: Any) -> Any:
        """Score and distances with the mean probabilities of exceeding the thresholds, torch."""
        import torch

        softplus = torch.nn.functional.softplus(raw[..., 1:])
        below = torch.cat([torch.zeros_like(raw[..., :1]), softplus.cumsum(-1)], dim=-1)
        scores = torch_mean_logit(raw[..., :1] - below)
        distance = (scores[..., :-1] - scores[..., 1:]).clamp_min(torch.finfo(raw.dtype).tiny)
        return torch.cat([scores[..., :1], _torch_inverse_softplus(distance)], dim=-1)

    def _probabilities(self, raw: Array) -> Array:
        shape = raw[:, 1:] if raw.shape[1] > 1 else self.shape_
        below = np.broadcast_to(_thresholds(shape), (len(raw), len(self.classes_) - 1))
        exceeding = expit(raw[:, :1] - below)
        ones = np.ones((len(raw), 1))
        by_rank = -np.diff(np.hstack([ones, exceeding, 0.0 * ones]), axis=1)
        return np.maximum(by_rank, 0.0)[:, self._ranks]

    def _torch_probabilities(self, raw: Any) -> Any:
        import torch

        shape = raw[:, 1:] if raw.shape[1] > 1 else raw.new_tensor(self.shape_)[None]
        distances = torch.nn.functional.softplus(shape).cumsum(-1)
        # The first threshold is 0.
        others = (raw[:, :1] - distances).sigmoid()
        one = torch.ones_like(raw[:, :1])
        exceeding = torch.cat([one, raw[:, :1].sigmoid(), others, 0.0 * one], dim=-1)
        by_rank = (exceeding[:, :-1] - exceeding[:, 1:]).clamp_min(0.0)
        return by_rank[:, self._ranks.tolist()]

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """The score, and distances of thresholds where they are scores, of the class shares."""
        exceeding = self._exceeding(values, weight)
        if self.n_outputs_ > 1:
            return np.concatenate([logit(exceeding[:1]), _shape_of(exceeding)])
        # The best score for thresholds that are known: the root of the slope.
        score, total = logit(exceeding[:1]), weight.sum()
        for _ in range(ROOT_STEPS):
            raw = np.broadcast_to(score, (len(values), 1))
            slope = float(weight @ self.loss_and_grad(raw, values)[1][:, 0])
            bend = float(weight @ self.curvature(raw, values, np.ones_like(raw))[:, 0])
            step = np.clip(slope / max(bend, np.finfo(float).tiny), -1.0, 1.0)
            score = score - step
            if abs(slope) <= 1e-12 * total:
                break
        return score

    def _exceeding(self, codes: Array, weight: Array) -> Array:
        """Share of labels above each threshold, away from 0 and 1."""
        share = np.maximum(self.prior(codes, weight) if len(codes) else 1.0, LEAST_SHARE)
        by_rank = np.empty(len(self.classes_))
        by_rank[self._ranks] = share
        by_rank /= by_rank.sum()
        return by_rank[::-1].cumsum()[::-1][1:]


# A logistic loss of a score so far from its threshold is linear or nothing.
FAR = 1e4
# Half a distance that has a hyperbolic cosine.
FARTHEST = 600.0
ROOT_STEPS = 100


def _thresholds(shape: Array) -> Array:
    r"""0 and the sums of the distances :math:`\log(1 + e^s)`, along the last axis."""
    zero = np.zeros((*shape.shape[:-1], 1))
    return np.concatenate([zero, softplus(shape).cumsum(axis=-1)], axis=-1)


def _shape_of(exceeding: Array) -> Array:
    """The shape with these shares of labels above the thresholds."""
    distance = -np.diff(logit(exceeding))
    shape: Array = distance + np.log(-np.expm1(-distance))
    return shape


def _conjugate_between(u: Array, lower: Array, upper: Array) -> Array:
    """Conjugate of the loss of a class between two thresholds; inf for abs(u) > 1."""
    half = np.minimum(0.5 * (upper - lower), FARTHEST)
    size = np.minimum(np.abs(u), 1.0)
    # For a slope of at least 0; for others the loss is the same mirrored.
    total = size * np.cosh(half) + np.hypot(1.0, size * np.sinh(half))
    score = np.log(total) - np.log(np.maximum(1.0 - size, np.finfo(float).tiny))
    # At the end of the domain the product and the loss go on together.
    loss = np.logaddexp(0.0, score - half) + np.logaddexp(0.0, -half - score)
    value = size * score - loss + np.log(-np.expm1(lower - upper))
    at_end = half + np.log(-np.expm1(lower - upper))
    value = np.where(size < 1.0, value, at_end) + u * 0.5 * (upper + lower)
    return np.where(np.abs(u) <= 1.0 + 1e-12, value, np.inf)


def _torch_inverse_softplus(distance: Any) -> Any:
    return distance + (-(-distance).expm1()).log()
