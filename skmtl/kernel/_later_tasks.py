"""Tasks of kernel machines that come after `fit`: functions of the kernel that was chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skmtl._grown import scores_of_expected
from skmtl._grows_tasks import GrowsTasks
from skmtl._likely_strengths import Labels
from skmtl._new_head import Head, fit_head
from skmtl._one_of_many import is_one_of_many

Array = NDArray[Any]

MOST_ANCHORS = 500
"""Rows of a new task whose kernel its function is made of."""
ROUNDING = 1e-10
"""Share of an eigenvalue of the kernel that is rounding."""


@dataclass(frozen=True, eq=False)
class AnchoredHead(Head):
    """A head whose last part is the kernel of rows with its ``anchors``."""

    anchors: Any = None


class GrowsKernelTasks(GrowsTasks):
    r"""Mixin for kernel machines.

    What a new task has of its own is a function of the kernel k, of the rows z with its labels:
    :math:`k(x, z) K^{-1/2} v` with Gaussian v, so that the prior covariance is k.
    """

    def _kernel_of_rows(self, X: Any, anchors: Any) -> Array | None:
        """Kernel of rows (n, n_anchors); None where it is not known."""
        raise NotImplementedError

    def _scores(self, X: Any, task_index: Array | None) -> Array:
        expected = self._expected(X, task_index)  # type: ignore[attr-defined]
        return scores_of_expected(self._task_set.tasks, expected)

    def _learn_head(self, labels: Labels, X: Any) -> Head:
        scores, mean, owners = self._scores_of_tasks(X, labels.task)
        if is_one_of_many(self._task_set, labels):
            return self._in_span(labels, [scores])
        anchors = X
        if X.shape[0] > MOST_ANCHORS:
            anchors = X[np.linspace(0, X.shape[0] - 1, MOST_ANCHORS).round().astype(int)]
        kernel = self._kernel_of_rows(anchors, anchors)
        if kernel is None:
            return fit_head(labels, mean, [scores], owners)
        values, vectors = np.linalg.eigh(kernel)
        used = values > ROUNDING * max(values[-1], 0.0)
        root = vectors[:, used] / np.sqrt(values[used])
        of_rows = self._kernel_of_rows(X, anchors)
        assert of_rows is not None
        head = fit_head(labels, mean, [scores, of_rows @ root], owners)
        coefs = [head.coefs[0], root @ head.coefs[1]]
        return AnchoredHead(coefs, head.intercept, head.shape, anchors)

    def _raw_of_heads(self, heads: list[Head], X: Any) -> list[Array]:
        scores, found = self._scores_of_tasks(X, None)[0], []
        for head in heads:
            anchors = getattr(head, "anchors", None)
            parts = [] if anchors is None else [self._kernel_of_rows(X, anchors)]
            found.append(head([scores, *parts]))
        return found
