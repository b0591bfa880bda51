"""One of several classes to predict."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from scipy.special import logsumexp, softmax

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._class_labels import count_classes
from skmtl.tasks._classes import Classes
from skmtl.tasks._columns import Column
from skmtl.tasks._logarithms import times_log
from skmtl.tasks._loss_codes import SOFTMAX
from skmtl.tasks._nominal import NominalClasses


class Multiclass(NominalClasses):
    r"""A task with any number of classes: softmax loss on one raw score per class.

    The loss of a row is :math:`\log \sum_k e^{f_k} - f_y`, natural logarithm. `score` is the
    explained share of log loss. A task of which only one class is observed predicts that
    class; one without labels predicts its classes with equal probability.

    Parameters
    ----------
    class_weight : "balanced", dict {class: weight} or None, default=None
        Factor on the weight of a label by its class.
    classes : sequence of labels, default=None
        The classes, if known beforehand; by default the observed labels.
    label_smoothing : float in [0, 1), default=0.0
        The share :math:`\varepsilon` of a label that is spread over all classes [1]_: the loss then
        is the mean of those of the classes, weighed :math:`(1 - \varepsilon) [k = y] +
        \varepsilon / K`. Networks do not become too sure of single labels. Probabilities are
        pulled towards 1 / K, and predicted as they are: :math:`(1 - \varepsilon) p + \varepsilon /
        K` in place of p.
    focal : float >= 0, default=0.0
        The exponent :math:`\gamma` of the focal loss [2]_, :math:`-(1 - p)^\gamma \log p` for the
        probability p of the label: rows that are predicted well count less. It is not convex, and
        for networks only. Probabilities are pulled towards 1 / K, too: they are not calibrated.

    References
    ----------
    .. [1] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, "Rethinking the Inception
       architecture for computer vision", CVPR 2016, section 7.
    .. [2] T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, "Focal loss for dense object
       detection", ICCV 2017, eq. 4.

    Examples
    --------
    Four rows without features, of classes that are known beforehand:

    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import Multiclass
    >>> model = MultiTaskLinear(tasks=Multiclass(classes=["a", "b", "c"]), alpha=0.1)
    >>> model.fit([[0.0]] * 4, ["b", "a", "b", "c"]).predict_proba([[0.0]]).round(2)
    array([[0.25, 0.5 , 0.25]])
    >>> model.predict([[0.0]])
    array(['b'], dtype=object)
    """

    alias = "multiclass"

    @classmethod
    def suits(cls, column: Column, labels: Array, are_classes: bool) -> bool:
        """More than two classes."""
        return are_classes and count_classes(column, labels) > 2

    def _check(self, found: Array, name: Hashable) -> None:
        pass

    @staticmethod
    def _count_outputs(n_classes: int) -> int:
        return n_classes if n_classes > 1 else 0

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """Tasks with as many classes share one loss."""
        key = (type(self), self.n_outputs_, *self._options)
        return key if self._keeps(Multiclass, *LOSS) else super().loss_key

    @property
    def pool_key(self) -> tuple[Hashable, ...]:
        """All tasks with classes, unless a subclass has a loss of its own."""
        return (Classes,) if self._keeps(Multiclass, *LOSS) else super().pool_key

    @property
    def compiled_loss(self) -> tuple[int, float] | None:
        """That of its own functions."""
        return (SOFTMAX, 0.0) if self._keeps(Multiclass, *LOSS) and self.is_proper else None

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Softmax loss and its gradient."""
        below = raw - _largest(raw)
        odds = np.exp(below)
        total = _sum(odds)
        if not self.is_proper:
            return self._focal_and_grad(below - np.log(total), values)
        is_label = values[..., None] == np.arange(self.n_outputs_)
        # Of the label less the largest: where that is the label itself, no digit is lost.
        margin = _sum(np.where(is_label, below, 0.0))
        return (np.log(total) - margin)[..., 0], odds / total - is_label

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """(diag(p) - p p') times the direction."""
        if self.focal:
            log_share = raw - logsumexp(raw, axis=-1, keepdims=True)
            return self._focal_curvature(log_share, values, direction)
        odds = np.exp(raw - _largest(raw))
        p = odds / _sum(odds)
        return p * (direction - _sum(p * direction))

    def curvature_matrix(self, raw: Array, values: Array) -> Array:
        """The matrix diag(p) - p p', in memory class by class."""
        if self.focal or not self._keeps(Multiclass, "curvature"):
            return super().curvature_matrix(raw, values)
        odds = np.ascontiguousarray(np.exp(raw - _largest(raw)).T)
        p = odds / odds.sum(axis=0)
        matrix = -p[:, None] * p
        for k, of_class in enumerate(p):
            matrix[k, k] += of_class
        return matrix.T

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`\sum_k p_k \log p_k` at p = u + onehot(y) in the simplex."""
        p = dual + self._targets(values)
        inside = (_largest(-p) <= 1e-12) & (np.abs(_sum(p) - 1.0) <= 1e-9)
        return np.where(inside, _sum(times_log(np.maximum(p, 0.0))), np.inf)[..., 0]

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Softmax loss, torch."""
        if not self.is_proper:
            return self._torch_focal(raw.log_softmax(-1), values)
        codes = values.long()[..., None]
        codes = codes.expand(*raw.shape[:-1], 1)
        return raw.logsumexp(-1) - raw.gather(-1, codes)[..., 0]

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Softmax loss and probabilities less indicators, torch."""
        if not self.is_proper:
            return super().torch_loss_and_grad(raw, values)
        codes = values.long()[..., None].expand(*raw.shape[:-1], 1)
        log_share = raw.log_softmax(-1)
        slope = log_share.exp()
        slope.scatter_add_(-1, codes, slope.new_full((), -1.0).expand(codes.shape))
        return -log_share.gather(-1, codes)[..., 0], slope

    def torch_average(self, raw: Any) -> Any:
        """Logarithms of the sums of the probabilities, torch."""
        return raw.log_softmax(-1).logsumexp(0)

    def _probabilities(self, raw: Array) -> Array:
        return softmax(raw, axis=1)

    def _torch_probabilities(self, raw: Any) -> Any:
        return raw.softmax(-1)


# numpy is several times slower along a short last axis.


def _largest(raw: Array) -> Array:
    """Largest along the last axis, (..., 1)."""
    return np.ascontiguousarray(raw.T).max(axis=0).T[..., None]


def _sum(raw: Array) -> Array:
    """Sum along the last axis, (..., 1)."""
    return np.einsum("...k->...", raw)[..., None]
