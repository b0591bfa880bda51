"""A yes/no answer to predict."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from scipy.special import expit

from skmtl.tasks._base import LOSS, Array
from skmtl.tasks._class_labels import count_classes
from skmtl.tasks._classes import Classes
from skmtl.tasks._columns import Column
from skmtl.tasks._logarithms import entropy, logistic_curvature, softplus, torch_mean_logit
from skmtl.tasks._loss_codes import LOGISTIC
from skmtl.tasks._nominal import NominalClasses


class Binary(NominalClasses):
    r"""A task with two classes: logistic loss on one raw score.

    The loss of a row is :math:`\log(1 + e^f) - y f`, natural logarithm, y the code 0 or 1 of
    its class. `score` is the explained share of log loss. A task of which only one class is
    observed predicts that class; one without labels predicts both with probability 1/2.

    Parameters
    ----------
    class_weight : "balanced", dict {class: weight} or None, default=None
        Factor on the weight of a label by its class.
    classes : sequence of two labels, default=None
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
    One label of five is a yes. Balanced, both answers count the same:

    >>> from skmtl import MultiTaskLinear
    >>> from skmtl.tasks import Binary
    >>> X, y = [[0.0]] * 5, ["no", "no", "yes", "no", "no"]
    >>> for task in (Binary(), Binary(class_weight="balanced")):
    ...     print(MultiTaskLinear(tasks=task, alpha=0.1).fit(X, y).predict_proba([[0.0]]).round(2))
    [[0.8 0.2]]
    [[0.5 0.5]]
    """

    alias = "binary"

    @classmethod
    def suits(cls, column: Column, labels: Array, are_classes: bool) -> bool:
        """Two classes at most."""
        return are_classes and count_classes(column, labels) <= 2

    def _check(self, found: Array, name: Hashable) -> None:
        if len(self.classes_) > 2:
            extra = self.classes_[2:].tolist()[0]
            raise ValueError(
                f"Task {name!r} is declared binary, but has {len(self.classes_)} labels: "
                f"{self.classes_[:5].tolist()}; {extra!r} is one too many. Declare it "
                "'multiclass', or, inside cross_val_predict(method='predict_proba'), note that "
                "scikit-learn encodes a missing label as one more class before fit."
            )

    @staticmethod
    def _count_outputs(n_classes: int) -> int:
        return 1 if n_classes == 2 else 0

    @property
    def loss_key(self) -> tuple[Hashable, ...]:
        """All binary tasks have one loss."""
        return (type(self), *self._options) if self._keeps(Binary, *LOSS) else super().loss_key

    @property
    def pool_key(self) -> tuple[Hashable, ...]:
        """All tasks with classes, unless a subclass has a loss of its own."""
        return (Classes,) if self._keeps(Binary, *LOSS) else super().pool_key

    @property
    def compiled_loss(self) -> tuple[int, float] | None:
        """That of its own functions."""
        return (LOGISTIC, 0.0) if self._keeps(Binary, *LOSS) and self.is_proper else None

    def loss_and_grad(self, raw: Array, values: Array) -> tuple[Array, Array]:
        """Logistic loss and its derivative."""
        score = raw[..., 0]
        if self.focal:
            loss, grad = self._focal_and_grad(_log_shares(score), values)
            return loss, grad[..., 1:]
        values = self._smooth(values)
        # Of the less likely class, so that it keeps its digits.
        odds = np.exp(-np.abs(score))
        share = odds / (1.0 + odds)
        loss = np.log1p(odds) + (np.maximum(score, 0.0) - values * score)
        # That of class 1, without a branch, which no processor would foresee.
        return loss, (np.abs((score >= 0) - share) - values)[..., None]

    def curvature(self, raw: Array, values: Array, direction: Array) -> Array:
        """The direction times p (1 - p)."""
        if self.focal:
            two = np.concatenate([np.zeros_like(direction), direction], axis=-1)
            return self._focal_curvature(_log_shares(raw[..., 0]), values, two)[..., 1:]
        return logistic_curvature(raw) * direction

    def conjugate(self, dual: Array, values: Array) -> Array:
        r""":math:`p \log p + (1 - p) \log(1 - p)` at p = u + y in [0, 1]."""
        return entropy(dual[..., 0] + self._smooth(values))

    def _smooth(self, values: Any) -> Any:
        """Share of the second class in each label."""
        smoothing = self.label_smoothing
        return values * (1.0 - smoothing) + 0.5 * smoothing if smoothing else values

    def torch_loss(self, raw: Any, values: Any) -> Any:
        """Logistic loss, torch."""
        score = raw[..., 0]
        if self.focal:
            import torch

            of_second = torch.nn.functional.logsigmoid(score)
            return self._torch_focal(torch.stack([of_second - score, of_second], dim=-1), values)
        return score.logaddexp(score.new_zeros(())) - self._smooth(values) * score

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """Logistic loss and probability less label, torch."""
        if self.focal:
            return super().torch_loss_and_grad(raw, values)
        return self.torch_loss(raw, values), raw.sigmoid() - self._smooth(values)[..., None]

    def torch_average(self, raw: Any) -> Any:
        """Log-odds of the mean probability, torch."""
        return torch_mean_logit(raw)

    def _probabilities(self, raw: Array) -> Array:
        positive = expit(raw[..., 0])
        return np.column_stack([1.0 - positive, positive])

    def _torch_probabilities(self, raw: Any) -> Any:
        import torch

        positive = raw[:, :1].sigmoid()
        return torch.cat([1.0 - positive, positive], dim=-1)


def _log_shares(score: Array) -> Array:
    """Log-probabilities (..., 2) of both classes."""
    signs = np.array([1.0, -1.0])
    return -softplus(score[..., None] * signs)
