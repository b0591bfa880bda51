"""Estimators of one structure, fitted to the same rows at once: each as it would be alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray
from sklearn.base import clone

from skmtl._same import groups_of_same
from skmtl.neural._environment import (
    limited_threads,
    memory_hint,
    recording_gradients,
    safe_after_fork,
)
from skmtl.neural._ranks import together
from skmtl.neural.architectures import MultiTaskModule
from skmtl.neural.networks._network import build, get_state, set_state
from skmtl.neural.networks._tasks import find_network_tasks
from skmtl.neural.optimizers._schedules import PLANNED
from skmtl.neural.training._apart import Part, started_apart
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

MOST, TOGETHER = 2**28, 16
"""Bytes of the rows of parts that train side by side, and how many of these there are: more gain
nothing, and leave the cache (measured: benchmarks/scale)."""

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
    if _is_watched(model):
        structure["alone"] = id(model)
    return structure


def _is_watched(model: Any) -> bool:
    """Whether something watches a fit, or goes on with it: it wants to see one."""
    return bool(model.verbose or model.warm_start or getattr(model, "_skl_callbacks", None))


@together()
@recording_gradients()
@safe_after_fork()
def train_side_by_side(parts: Sequence[Part]) -> list[str]:
    """Train the estimators of parts of one shape, and set the fitted attributes of each.

    Returns
    -------
    errors : list of str
        What a fit alone would have raised, for each estimator; empty where nothing.
    """
    first, *others = parts
    estimator = first.fits[0].estimator
    if others:
        run = started_apart(parts)
    else:
        run = started(first.fits, first.rows, first.validation)
    judge = None
    if first.validation is not None and estimator.early_stopping:
        judge = first.validation.side_by_side(len(first.fits)).losses
    trained = run.model_rows or first.rows
    batch_size = first.fits[0].batch_size(trained)
    work = batch_size * sum(p.numel() for p in run.module.parameters())
    errors, start = [], 0
    with limited_threads(estimator.n_threads, work), memory_hint(batch_size):
        run_epochs(
            run,
            first.rows,
            batch_size=batch_size,
            max_iter=first.fits[0].max_iter(trained),
            judge=judge,
        )
        state = get_state(run.module)
        for part in parts:
            # One after the other is in it: what predicts is built when it is asked for.
            module = _module_of(part)
            for fit in part.fits:
                stop = start + len(part.members)
                taken = _taken(run, state, slice(start, stop), module)
                errors.append(_finish(fit, taken, part.rows, part.validation, batch_size))
                start = stop
    return errors


@together()
@recording_gradients()
@safe_after_fork()
def part_of(models: Sequence[Any], X: Any, targets: Targets) -> Part:
    """Fits of the estimators of a group to the same rows, not begun."""
    fits = _fits(models, X, targets)
    fit = fits[0]
    validation = hold_out(fit, None) if fit.estimator.early_stopping else beside(fit, None)
    rows = fit.rows(None if validation is None else validation.training)
    return Part(fits, rows, validation)


def _fits(models: Sequence[Any], X: Any, targets: Targets) -> list[Fit]:
    names = targets.tasks.names.tolist()
    settings = [read_setting(name, models[0], names) for name in ("architecture", "balancing")]
    seeds = [draw_seed(model.random_state) for model in models]
    fit = Fit(models[0], X, targets, seeds[0], find_network_tasks(targets, *settings))
    if fit.chooses_alpha:
        # Found once, for all.
        fit.noise  # noqa: B018
    return [fit.sibling(model, seed) for model, seed in zip(models, seeds, strict=True)]


def _module_of(part: Part) -> MultiTaskModule:
    """A module for the networks of one fit."""
    fit = part.fits[0]
    return build(fit.description, fit.dtype, fit.device, len(part.members), fit.tasks)


def _taken(run: Run, state: dict[str, Array], models: slice, module: MultiTaskModule) -> Run:
    """The run of some models, as if they had been alone; they are put into the module."""
    set_state(module, {name: array[models] for name, array in state.items()})
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
    is_over = fit.estimator.learning_rate in PLANNED
    warn_of_end(fit, run.progress, losses, has_stopped=is_over)
    return ""


def fit_all(sets: Sequence[tuple[Sequence[Any], Any, Any, Any]]) -> list[list[Any]]:
    """Fit estimators to several sets of rows, those that can be side by side.

    Parameters
    ----------
    sets : sequence of (models, X, y, sample_weight)
        The estimators, not fitted, and the rows that they are fitted to.

    Returns
    -------
    found : list of list
        For each set its estimators, fitted, or what the fit of each has raised.
    """
    found: list[list[Any]] = [[None] * len(models) for models, *_ in sets]
    begun: list[tuple[int, list[int], Part]] = []
    for k, (models, *data) in enumerate(sets):
        for positions in groups_of(models):
            some = [models[i] for i in positions]
            if _is_watched(some[0]):
                found[k][positions[0]] = _fit_alone(some[0], *data)
                continue
            try:
                begun.append((k, positions, _read(some, *data)))
            except Exception:
                # Which of them it is about, they say alone.
                for i in positions:
                    found[k][i] = _fit_alone(clone(models[i]), *data)
    structures = [_structure(sets[k][0][positions[0]]) for k, positions, _ in begun]
    shapes = [
        {**structure, "tasks": None, "part": part.shape}
        for structure, (*_, part) in zip(structures, begun, strict=True)
    ]
    for alike in groups_of_same(shapes):
        for some in _in_memory([begun[j] for j in alike]):
            parts = [part for *_, part in some]
            places = [(k, i) for k, positions, _ in some for i in positions]
            try:
                errors = train_side_by_side(parts)
            except Exception:
                for k, i in places:
                    models, *data = sets[k]
                    found[k][i] = _fit_alone(clone(models[i]), *data)
                continue
            for (k, i), error in zip(places, errors, strict=True):
                found[k][i] = ValueError(error) if error else sets[k][0][i]
    return found


def _read(models: Sequence[Any], X: Any, y: Any, sample_weight: Any) -> Part:
    """The part of a group of estimators, whose data are read once."""
    for model in models:
        model._validate_params()
    first, *others = models
    read, _, targets = first._begin(X, y, sample_weight)
    own = first.get_params(deep=False)
    known = {name: value for name, value in vars(first).items() if name not in own}
    for other in others:
        other.__dict__.update(known)
    return part_of(models, read, targets)


def _in_memory(begun: list[Any]) -> list[list[Any]]:
    """Parts some at a time, so that their rows, which are put side by side, take little memory."""
    sizes = [one[-1].rows.n_rows * one[-1].rows.row_bytes for one in begun]
    n_together = max(1, min(TOGETHER, MOST // max(sizes)))
    return [begun[k : k + n_together] for k in range(0, len(begun), n_together)]


def _fit_alone(model: Any, X: Any, y: Any, sample_weight: Any) -> Any:
    try:
        return model.fit(X, y, sample_weight=sample_weight)
    except Exception as error:
        return error
