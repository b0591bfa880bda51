r"""A trunk of its own for a task that comes later: that of the others, trained on.

From the head on the trunk as it is, :math:`\theta_0`, a copy of both is trained for some epochs,

.. math:: \min_\theta \; \frac{1}{\sum_i c_i} \Bigl(\sum_i c_i \, \ell(y_i, f_\theta(x_i))
    + \tfrac12 \|\theta - \theta_0\|^2\Bigr),

so that few labels move it little [1]_, by Adam, with a tenth of the learning rate [2]_.

References
----------
.. [1] X. Li, Y. Grandvalet and F. Davoine, "Explicit inductive bias for transfer learning with
   convolutional networks", ICML 2018, eq. 2.
.. [2] R. Girshick, J. Donahue, T. Darrell and J. Malik, "Rich feature hierarchies for accurate
   object detection and semantic segmentation", CVPR 2014, section 2.3.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from skmtl._likely_strengths import Labels
from skmtl._new_head import Head
from skmtl.neural._environment import recording_gradients, safe_after_fork
from skmtl.neural.networks._network import get_state
from skmtl.neural.networks._predict import features_of, module_of
from skmtl.neural.networks._state import FittedState

Array = NDArray[Any]

BATCH = 32
"""Rows of a step."""
PACE = 0.1
"""Of the learning rate of the fit: see [2]."""


@recording_gradients()
@safe_after_fork()
def fine_tune(
    estimator: Any,
    head: Head,
    labels: Labels,
    X: Any,
    parts_of: Callable[[Any, Tensor], list[Tensor]],
    n_epochs: int,
    seed: int,
) -> tuple[Head, FittedState]:
    """Train a copy of trunk and head; ``parts_of`` is what the head reads of inputs."""
    fitted: FittedState = estimator._fitted
    module = copy.deepcopy(module_of(estimator, fitted))
    module.eval()
    like = next(module.parameters())
    inputs = features_of(X, np.arange(X.shape[0]), like, fitted.inputs)
    coefs = [torch.from_numpy(part).to(like).requires_grad_() for part in head.coefs]
    intercept = torch.from_numpy(head.intercept).to(like).requires_grad_()
    shape = torch.from_numpy(head.shape).to(like)
    values, counts = (torch.from_numpy(a).to(like) for a in (labels.values, labels.counts))
    trained = [*module.parameters(), *coefs, intercept]
    start = [p.detach().clone() for p in trained]
    optimizer = torch.optim.Adam(trained, lr=PACE * estimator.learning_rate_init)
    rng, total = np.random.default_rng(seed), float(counts.sum())
    for _ in range(n_epochs):
        order = rng.permutation(X.shape[0])
        for rows in np.array_split(order, -(-len(order) // BATCH)):
            parts = parts_of(module, inputs[:, rows])
            raw = sum((part @ coef for part, coef in zip(parts, coefs, strict=True)), intercept)
            raw = torch.cat([raw, shape.expand(len(rows), -1)], -1)
            losses = labels.task.torch_loss(raw, values[rows])
            moved = sum((p - p0).square().sum() for p, p0 in zip(trained, start, strict=True))
            loss = counts[rows] @ losses / counts[rows].sum() + 0.5 * moved / total
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    state = get_state(module)
    arrays = [p.detach().cpu().numpy().astype(np.float64) for p in (*coefs, intercept)]
    tuned = replace(head, coefs=arrays[:-1], intercept=arrays[-1])
    return tuned, replace(fitted, parameters=state)
