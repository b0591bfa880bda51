"""Estimators of one structure, fitted to the same rows at once: each as it would be alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from sklearn.base import clone

from skmtl.neural._environment import (
    limited_threads,
    memory_hint,
    recording_gradients,
    safe_after_fork,
)
from skmtl.neural._ranks import together
from skmtl.neural.networks._network import build, get_state, set_state
from skmtl.neural.networks._tasks import find_network_tasks
from skmtl.neural.optimizers._schedules import PLANNED
from skmtl.neural.training._compare import groups_of_same
from skmtl.neural.training._early_stopping import Validation, hold_out
from skmtl.neural.training._evaluate import keep_good
from skmtl.neural.training._loop import run_epochs
from skmtl.neural.training._results import check_finite_epoch, warn_of_end, write_results
from skmtl.neural.training._run import Run
from skmtl.neural.training._settings import chosen, draw_seed, read_setting, resolve
from skmtl.neural.training._setup import Fit
from skmtl.neural.training._shrink import beside
from skmtl.neural.training._started import started
from skmtl.tasks._targets import Targets

Array = NDArray[Any]

OF_A_MODEL = ("learning_rate_init", "alpha", "dropout", "random_state")
"""What estimators side by side may differ in."""


def groups_of(models: Sequence[Any]) -> list[list[int]]:
    """Positions of the estimators, not fitted, that can be trained side by side."""
    return groups_of_same(map(_structure, models))


def _structure(model: Any) -> dict[str, Any]:
    """What is the same for all estimators of a group."""
    structure = {**model.get_params(deep=False), "of": type(model)}
    for name in OF_A_MODEL:
        structure.pop(name)
    # With "auto" the rows decide, and others are held out to see how sure a network may be.
    chooses = model.alpha == "auto"
    structure["chooses"] = chooses
    if chooses or model.early_stopping:
        structure["random_state"] = model.random_state
    # Dropout inside of a network of the user's is its own.
    if not resolve("architecture", chosen("architecture", model)).has_model_dimension:
        structure["dropout"] = model.dropout
    # What watches a fit wants to see one.
    if model.verbose or model.warm_start or getattr(model, "_skl_callbacks", None):
        structure["alone"] = object()
    return structure


@together()
@recording_gradients()
@safe_after_fork()
def fit_side_by_side(models: Sequence[Any], X: Any, targets: Targets) -> list[str]:
    """Train the estimators of a group, and set the fitted attributes of each.

    Returns
    -------
    errors : list of str
        What a fit alone would have raised, for each estimator; empty where nothing.
    """
    fits = _fits(models, X, targets)
    fit, n = fits[0], len(fits)
    estimator = fit.estimator
    validation = hold_out(fit, None) if estimator.early_stopping else beside(fit, None)
    rows = fit.rows(None if validation is None else validation.training)
    run = started(fits, rows, validation)
    n_models = len(run.rngs) // n
    trained = run.model_rows or rows
    batch_size = fit.batch_size(trained)
    work = batch_size * sum(p.numel() for p in run.module.parameters())
    judge = None
    if validation is not None and estimator.early_stopping:
        judge = validation.side_by_side(n).losses
    errors = []
    with limited_threads(estimator.n_threads, work), memory_hint(batch_size):
        run_epochs(run, rows, batch_size=batch_size, max_iter=fit.max_iter(trained), judge=judge)
        for k, one in enumerate(fits):
            part = _taken(one, run, slice(k * n_models, (k + 1) * n_models))
            errors.append(_finish(one, part, rows, validation, batch_size))
    return errors


def _fits(models: Sequence[Any], X: Any, targets: Targets) -> list[Fit]:
    names = targets.tasks.names.tolist()
    settings = [read_setting(name, models[0], names) for name in ("architecture", "balancing")]
    seeds = [draw_seed(model.random_state) for model in models]
    fit = Fit(models[0], X, targets, seeds[0], find_network_tasks(targets, *settings))
    if fit.chooses_alpha:
        # Found once, for all.
        fit.noise  # noqa: B018
    return [fit.sibling(model, seed) for model, seed in zip(models, seeds, strict=True)]


def _taken(fit: Fit, run: Run, models: slice) -> Run:
    """The run of some models, as if they had been alone."""
    state = {name: array[models] for name, array in get_state(run.module).items()}
    n_models = len(next(iter(state.values())))
    module = build(fit.description, fit.dtype, fit.device, n_models, fit.tasks)
    set_state(module, state)
    return Run(
        module,
        run.step,
        run.optimizer,
        run.progress.take(models, module),
        run.rngs[models],
    )


def _finish(fit: Fit, run: Run, rows: Any, validation: Validation | None, batch_size: int) -> str:
    """Set the fitted attributes of one estimator; the error of a fit that has come to nothing."""
    losses = keep_good(run, rows, batch_size)
    try:
        check_finite_epoch(fit, run.progress)
    except ValueError as error:
        return str(error)
    write_results(fit, run, rows, validation)
    if len(run.rngs) == 1:
        # It is what a prediction would build.
        fit.estimator._fitted.built.update(device=fit.device, module=run.module)
    is_over = fit.estimator.learning_rate in PLANNED
    warn_of_end(fit, run.progress, losses, has_stopped=is_over)
    return ""


def fit_each(models: Sequence[Any], X: Any, y: Any, sample_weight: Any = None) -> list[Any]:
    """Fit estimators to the same rows, those that can be side by side.

    Returns
    -------
    found : list
        Each estimator, fitted, or what its fit has raised.
    """
    found: list[Any] = [None] * len(models)
    for positions in groups_of(models):
        some = [models[i] for i in positions]
        for i, result in zip(positions, _fit_group(some, X, y, sample_weight), strict=True):
            found[i] = result
    return found


def _fit_group(models: list[Any], X: Any, y: Any, sample_weight: Any) -> list[Any]:
    first, *others = models
    try:
        for model in models:
            model._validate_params()
        if not others:
            return [first.fit(X, y, sample_weight=sample_weight)]
        read, _, targets = first._begin(X, y, sample_weight)
        own = first.get_params(deep=False)
        known = {name: value for name, value in vars(first).items() if name not in own}
        for other in others:
            other.__dict__.update(known)
        errors = fit_side_by_side(models, read, targets)
    except Exception as error:
        if not others:
            return [error]
        # Which of them it is about, they say alone.
        return [_fit_group([clone(model)], X, y, sample_weight)[0] for model in models]
    return [
        ValueError(error) if error else model for error, model in zip(errors, models, strict=True)
    ]
