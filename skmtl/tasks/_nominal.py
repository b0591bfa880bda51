"""What the tasks with classes without an order have in common: options of their loss."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy.optimize import minimize

from skmtl.tasks._base import Array, Task
from skmtl.tasks._classes import Classes
from skmtl.tasks._columns import Column


class NominalClasses(Classes):
    r"""Base of `Binary` and `Multiclass`: log loss, and losses that are less sure or less eager.

    With the log-probabilities s of the K classes and the code y of the label, the loss is

    .. math:: - \sum_k q_k (1 - e^{s_k})^\gamma s_k, \qquad
              q_k = (1 - \varepsilon) [k = y] + \varepsilon / K

    where :math:`\varepsilon` is ``label_smoothing`` [1]_ and :math:`\gamma` is ``focal`` [2]_; log
    loss for 0 and 0.

    References
    ----------
    .. [1] C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens and Z. Wojna, "Rethinking the Inception
       architecture for computer vision", CVPR 2016, section 7.
    .. [2] T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollar, "Focal loss for dense object
       detection", ICCV 2017, eq. 4.
    """

    def __init__(
        self,
        class_weight: str | Mapping[Any, float] | None = None,
        *,
        classes: Sequence[Any] | None = None,
        label_smoothing: float = 0.0,
        focal: float = 0.0,
    ) -> None:
        self.class_weight = class_weight
        self.classes = classes
        self.label_smoothing = label_smoothing
        self.focal = focal

    def fit(
        self, column: Column, weight: Array, name: Hashable, *, standardize: bool | str = False
    ) -> Self:
        """Check the options; learn the classes from the labels of positive weight."""
        for option, highest in (("label_smoothing", 1.0), ("focal", np.inf)):
            value = getattr(self, option)
            if not (isinstance(value, int | float | np.number) and 0 <= value < highest):
                bound = f"in [0, {highest:g})" if np.isfinite(highest) else ">= 0, and finite"
                raise ValueError(
                    f"Task {name!r}: {type(self).__name__}({option}={value!r}); expected a number "
                    f"{bound}."
                )
        return super().fit(column, weight, name, standardize=standardize)

    @property
    def is_convex(self) -> bool:
        """Not with ``focal``."""
        return self.focal == 0

    @property
    def is_proper(self) -> bool:
        """Only log loss itself is."""
        return not (self.focal or self.label_smoothing)

    @property
    def can_vanish(self) -> bool:
        """Not with smoothed labels."""
        return self.label_smoothing == 0

    @property
    def _options(self) -> tuple[float, float]:
        return float(self.label_smoothing), float(self.focal)

    def _targets(self, values: Array) -> Array:
        """q (..., n_classes)."""
        n_classes = len(self.classes_)
        is_label = values[..., None] == np.arange(n_classes)
        return (1.0 - self.label_smoothing) * is_label + self.label_smoothing / n_classes

    def _focal_and_grad(self, log_share: Array, values: Array) -> tuple[Array, Array]:
        """Loss, and its gradient with respect to one score per class."""
        q, share = self._targets(values), np.exp(log_share)
        loss, slope, _ = _focused(log_share, self.focal)
        along = q * slope
        total = along.sum(axis=-1, keepdims=True)
        return (q * loss).sum(axis=-1), along - share * total

    def _focal_curvature(self, log_share: Array, values: Array, direction: Array) -> Array:
        """Its second derivative, applied to a direction of one score per class."""
        q, share = self._targets(values), np.exp(log_share)
        _, slope, bend = _focused(log_share, self.focal)
        move = direction - (share * direction).sum(axis=-1, keepdims=True)
        of_along = q * bend * move
        total, change = ((q * part).sum(axis=-1, keepdims=True) for part in (slope, bend * move))
        return of_along - share * change - share * move * total

    def _torch_focal(self, log_share: Any, values: Any) -> Any:
        """The loss, torch."""
        import torch

        n_classes = len(self.classes_)
        codes = torch.arange(n_classes, device=log_share.device)
        is_label = (values[..., None] == codes).to(log_share.dtype)
        q = (1.0 - self.label_smoothing) * is_label + self.label_smoothing / n_classes
        rest = -log_share.expm1()
        if self.focal:
            # A power of 0 has no gradient.
            log_share = rest.clamp_min(torch.finfo(rest.dtype).tiny) ** self.focal * log_share
        return -(q * log_share).sum(-1)

    def raw_prior(self, values: Array, weight: Array) -> Array:
        """Raw scores of the class shares; with options, those of the least loss."""
        start = super().raw_prior(values, weight)
        if self.is_proper or not self.n_outputs_:
            return start
        codes = np.arange(len(self.classes_), dtype=np.float64)
        share = np.maximum(self.prior(values, weight), LEAST_SHARE)

        def loss(raw: Array) -> tuple[float, Array]:
            scores = np.broadcast_to(raw, (len(codes), len(raw)))
            loss, slope = self.loss_and_grad(scores, codes)
            return float(share @ loss), share @ slope

        found = np.asarray(minimize(loss, start, jac=True, method="BFGS").x)
        # Where rounding hides what the loss falls by, Newton's steps go by its slope.
        for _ in range(NEWTON_STEPS):
            scores = np.broadcast_to(found, (len(codes), len(found)))
            bend = np.tensordot(share, self.curvature_matrix(scores, codes), axes=1)
            found = found - np.linalg.pinv(bend, hermitian=True) @ loss(found)[1]
        return found

    def torch_loss_and_grad(self, raw: Any, values: Any) -> tuple[Any, Any]:
        """The loss and its slope, torch."""
        return Task.torch_loss_and_grad(self, raw, values)


# Share of a class that no label has, as in `Classes.raw_prior`.
LEAST_SHARE, NEWTON_STEPS = 1e-3, 3


def _focused(s: Array, gamma: float) -> tuple[Array, Array, Array]:
    r""":math:`-(1 - e^s)^\gamma s` of log-probabilities, and its first two derivatives.

    With :math:`r = 1 - e^s`: :math:`r^\gamma (\gamma e^s s / r - 1)`, and
    :math:`\gamma e^s r^{\gamma - 1} (2 + (r + (1 - \gamma) e^s) s / r)`.
    """
    rest, share = -np.expm1(s), np.exp(s)
    is_sure = rest <= 0.0
    some = np.where(is_sure, 1.0, rest)
    # s / (1 - e^s) goes to -1.
    ratio = np.where(is_sure, -1.0, s / some)
    power = rest**gamma
    slope = power * (gamma * share * ratio - 1.0)
    if not gamma:
        return -s, slope, np.zeros_like(s)
    bend = gamma * share * some ** (gamma - 1.0) * (2.0 + (rest + (1.0 - gamma) * share) * ratio)
    return -power * s, slope, np.where(is_sure, 0.0, bend)
