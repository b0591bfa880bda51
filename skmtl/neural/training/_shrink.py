"""How far a network can be believed: rows say that another one has not seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize

from skmtl.neural._data import Rows
from skmtl.neural.networks._shrinkage import Shrinkage
from skmtl.neural.networks._state import FittedState
from skmtl.neural.training._early_stopping import FEW, N_FOLDS, Folds, Validation
from skmtl.neural.training._evaluate import task_priors
from skmtl.neural.training._run import Run
from skmtl.neural.training._setup import Fit
from skmtl.neural.training._start import runs_to_its_end
from skmtl.neural.training._validation import spare_rows
from skmtl.tasks import Task

Array = NDArray[Any]

# Measured, benchmarks/accuracy: share of noise from which networks are too sure of themselves,
# and rows up to which they are, and which it takes to say so.
NOISY, MANY, LEAST = 0.5, 5_000, 12
# Factors to choose from, above 0 so that the order of the predictions stays, and how far those of
# tasks are apart: the standard deviation.
FACTORS, SPREAD = np.linspace(0.05, 1.0, 20), 0.2


def beside(fit: Fit, before: FittedState | None) -> Folds | None:
    """A second network that trains without a fourth of the rows, where one is worth its time.

    Of few rows, more networks leave out a fourth each, until enough are judged. None for a network
    that goes on from an earlier fit, where no other has begun beside it.
    """
    if not (shrinks(fit) and runs_to_its_end(fit.estimator)):
        return None
    if before is not None and before.pause is None:
        return None
    return Folds(fit, n_models=min(N_FOLDS, -(-FEW * N_FOLDS // len(fit.targets.values))))


def shrinks(fit: Fit) -> bool:
    """Whether rows held out decide how much of the network counts."""
    if not LEAST <= len(fit.targets.values) <= MANY or not fit.chooses_alpha:
        return False
    return fit.noise.least > NOISY and bool(spare_rows(fit.targets).any())


def shrinkage(fit: Fit, run: Run, validation: Validation) -> Shrinkage | None:
    r"""The factors with the least loss on rows held out.

    .. math:: k_t = \arg\min_{k} \; n_t L_t(k) + \frac{(k - \bar k)^2}{2 \cdot 0.2^2},
        \qquad \bar k = \arg\min_{k} \sum_t \omega_t L_t(k)

    with the mean loss :math:`L_t` over :math:`n_t` labels of task t of scores that are shrunk to
    the prior, and the weight :math:`\omega_t` of the task: as the slope of a calibrated model is
    found [1]_. In long form all tasks have the common factor. None where nothing is shrunk.

    A likelihood with a shape (thresholds, a scale) has another one where its score explains less:
    that of the prior moves, together with the factor, to where the loss is least.

    References
    ----------
    .. [1] J. B. Copas, "Regression, prediction and shrinkage", J. Royal Statistical Society B 45,
       1983, section 3.
    """
    if not shrinks(fit):
        return None
    raw, rows = validation.raw(run), validation.rows
    origin = task_priors(fit.tasks, fit.rows(validation.training))
    n_tasks, index = fit.tasks.n_tasks, fit.targets.task_index
    index = None if index is None else index[validation.judged]
    tried = np.array([Shrinkage(origin, np.full(n_tasks, k)).apply(raw[0], index) for k in FACTORS])
    found = run.step.objective(rows.values.new_tensor(tried), rows.labels(len(tried)))
    losses = found.cpu().numpy().astype(np.float64)
    losses[:, ~rows.task_has_label] = 0.0
    if not np.isfinite(losses).all():
        return None
    common = FACTORS[np.argmin(losses @ fit.task_weight)]
    factor = np.full(n_tasks, common)
    if index is None:
        counts = _n_labels(fit, validation.judged)
        apart = (FACTORS - common) ** 2 / (2.0 * SPREAD**2)
        factor = FACTORS[np.argmin(counts * losses + apart[:, None], axis=0)]
    if (factor == 1.0).all():
        return None
    for t, task in enumerate(fit.tasks.tasks):
        if task.n_shapes and task.n_outputs_ > 1 and rows.task_has_label[t]:
            of_task = slice(None) if index is not None else slice(t, t + 1)
            start = Shrinkage(origin, np.zeros(n_tasks)).apply(raw[0], index)
            outputs = fit.tasks.slices[t]
            scores = start[:, outputs], (raw[0] - start)[:, outputs]
            factor[of_task], move = _with_shape(task, *scores, t, rows, factor[t], common)
            for k in range(n_tasks)[of_task]:
                origin[k] = origin[k] + np.concatenate([[0.0], move])
    return Shrinkage(origin, factor)


def _with_shape(
    task: Task, start: Array, apart: Array, t: int, rows: Rows, factor: float, common: float
) -> tuple[float, Array]:
    """The factor of a task, and how far the shape of its prior moves, with the least loss together.

    Scores (n, n_outputs) are ``start + k * apart``; moves are normal variables of variance 1.
    """
    values, weights = (part.reshape(rows.n_rows, -1)[:, t] for part in (rows.values, rows.weights))
    used = weights > 0
    values, share = values[used], weights[used] / weights[used].sum()
    kept = used.cpu().numpy()
    origin, direction = (share.new_tensor(part[kept]) for part in (start, apart))
    count = len(values)

    def loss(x: Array) -> tuple[float, Array]:
        free = share.new_tensor(x).requires_grad_()
        k, move = free[0], torch.nn.functional.pad(free[1:], (1, 0))
        of_labels = task.torch_loss(origin + k * direction + (1.0 - k) * move, values)
        prior = (k - common).square() / SPREAD**2 + move.square().sum()
        value = share @ of_labels + 0.5 * prior / count
        (slope,) = torch.autograd.grad(value, free)
        return value.item(), slope.cpu().numpy().astype(np.float64)

    begin = np.concatenate([[factor], np.zeros(task.n_outputs_ - 1)])
    bounds = [(FACTORS[0], 1.0)] + [(None, None)] * (len(begin) - 1)
    found = minimize(loss, begin, jac=True, method="L-BFGS-B", bounds=bounds).x
    return float(found[0]), found[1:]


def _n_labels(fit: Fit, index: Array) -> Array:
    r"""Labels of each task that count alike: :math:`(\sum_i s_i)^2 / \sum_i s_i^2`."""
    targets = fit.targets.take(index)
    total, squares = (targets.sum_by_task(targets.weights**power) for power in (1, 2))
    return np.divide(total**2, squares, out=np.zeros_like(total), where=squares > 0)
