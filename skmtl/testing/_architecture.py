"""What every architecture must satisfy."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor

from skmtl.neural.architectures import Architecture, MultiTaskModule, NetworkSpec
from skmtl.neural.architectures._build import build_network
from skmtl.testing._module import (
    assert_gradients_are_right,
    assert_long_is_wide,
    assert_tasks_are_apart,
    penalty_of,
)
from skmtl.testing._properties import check_all

KEYS = [11, 7, 5, 3, 2]


def check_architecture(architecture: Architecture, *, spec: NetworkSpec | None = None) -> None:
    """Check that an architecture keeps what `MultiTaskMLP` relies on.

    Networks repeat from their seed and leave torch's generator alone; gradients agree with
    finite differences; several models side by side are the same models alone; long form gives
    a row what wide form gives its task; shared are exactly the parameters in which a number
    moves the losses of more than one task; fits repeat, can be cloned and pickled, and do not
    hear labels of weight 0. Where `Architecture.has_model_dimension`, a task starts from its
    name alone, and one without outputs changes nothing.

    Parameters
    ----------
    architecture : Architecture
        The architecture. To be pickled, it must be found by its name: no class of a function.
    spec : NetworkSpec, default=None
        The shape to check. By default 5 features, tasks with 1, 3 and 2 outputs, two hidden
        layers of 6 units, and tanh: activations with kinks may fail finite differences.

    Raises
    ------
    AssertionError
        If a property is missing; the message names it.

    Examples
    --------
    >>> from skmtl.neural.architectures import MMoE
    >>> from skmtl.testing import check_architecture
    >>> check_architecture(MMoE(n_experts=3))

    It says what is wrong, here of one that is not drawn from the seed:

    >>> class NotSeeded(MMoE):
    ...     def build(self, spec):
    ...         module = super().build(spec)
    ...         module.initialize = lambda seeds, keys, activation="relu": None
    ...         return module
    >>> check_architecture(NotSeeded())
    Traceback (most recent call last):
        ...
    AssertionError: NotSeeded() lacks a property: one seed gives one network.
    """
    if isinstance(architecture, type) or not hasattr(architecture, "build"):
        raise AssertionError(
            f"{architecture!r}: is no object with build(spec). A torch module is given as "
            "Custom(factory)."
        )
    spec = spec or NetworkSpec(5, (1, 3, 2), (6, 6), activation="tanh")
    check_all(architecture, PROPERTIES, spec)


def _made(
    architecture: Architecture,
    spec: NetworkSpec,
    seeds: Sequence[int] = (0,),
    keys: Sequence[int] = KEYS,
) -> MultiTaskModule:
    """The module in float64, as in prediction."""
    module = build_network(architecture, replace(spec, n_models=len(seeds))).double().eval()
    module.initialize(seeds, keys[: spec.n_tasks], spec.activation)
    return module


def _rows(spec: NetworkSpec, n_models: int = 1, n_rows: int = 9) -> Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.normal(size=(1, n_rows, *spec.row_shape))).repeat(
        n_models, *[1] * (1 + len(spec.row_shape))
    )


def _shaken(module: MultiTaskModule) -> MultiTaskModule:
    """No parameter where it started: zeros and equal networks hide mistakes."""
    rng = np.random.default_rng(0)
    with torch.no_grad():
        for p in module.parameters():
            p.add_(0.3 * torch.from_numpy(rng.normal(size=p.shape)))
    return module


def check_shapes(architecture: Architecture, spec: NetworkSpec) -> None:
    """Parameters and outputs have a leading model dimension; last shared ones are shared."""
    module = _made(architecture, spec, (0, 1))
    assert isinstance(module, MultiTaskModule)
    raw = module(_rows(spec, 2))
    assert raw.shape == (2, 9, spec.n_outputs), tuple(raw.shape)
    for name, p in module.named_parameters():
        assert p.ndim and len(p) == 2, f"{name} has shape {tuple(p.shape)}"
    shared = {id(p) for p in module.shared_parameters()}
    own = {id(p) for p in module.task_parameters()}
    assert not shared & own
    assert shared | own == {id(p) for p in module.parameters()}
    assert {id(p) for p in module.last_shared_parameters()} <= shared


def check_repeats(architecture: Architecture, spec: NetworkSpec) -> None:
    """One seed gives one network, another seed another; torch's own generator is left alone."""
    state = torch.get_rng_state()
    one = _made(architecture, spec, (4,)).state_dict()
    assert torch.equal(torch.get_rng_state(), state), "torch's generator has moved"
    torch.rand(1)
    again = _made(architecture, spec, (4,)).state_dict()
    torch.set_rng_state(state)
    for name, tensor in one.items():
        assert torch.equal(tensor, again[name]), name
    other = _made(architecture, spec, (5,)).state_dict()
    assert any(not torch.equal(tensor, other[name]) for name, tensor in one.items())


def check_models_are_apart(architecture: Architecture, spec: NetworkSpec) -> None:
    """Models side by side are the same models alone, with what they add to the losses."""
    together = _made(architecture, spec, (5, 6, 7))
    alone = [_made(architecture, spec, (seed,)) for seed in (5, 6, 7)]
    raw = together(_rows(spec, 3)).detach()
    assert_allclose(raw, torch.cat([one(_rows(spec)) for one in alone]).detach(), rtol=1e-12)
    penalty = together.penalty()
    if penalty is not None:
        found = [penalty_of(one).detach() for one in alone]
        assert_allclose(penalty.detach(), torch.cat(found), rtol=1e-9)


def check_gradients(architecture: Architecture, spec: NetworkSpec) -> None:
    """Along random directions, gradients are the finite differences of outputs and penalty."""
    assert_gradients_are_right(_shaken(_made(architecture, spec)), _rows(spec))


def check_what_is_shared(architecture: Architecture, spec: NetworkSpec) -> None:
    """Shared parameters have a number that moves two losses; no other number moves two."""
    assert_tasks_are_apart(_shaken(_made(architecture, spec)), spec.outputs_per_task, _rows(spec))


def check_long_is_wide(architecture: Architecture, spec: NetworkSpec) -> None:
    """In long form a row gets what wide form gives its task, and the same gradients."""
    spec = replace(spec, outputs_per_task=(2,) * 3)
    assert_long_is_wide(_shaken(_made(architecture, spec, (3, 1))), 3, X=_rows(spec, 2))


def check_tasks_start_from_their_names(architecture: Architecture, spec: NetworkSpec) -> None:
    """Neither the order of the tasks nor others that come along change where a task starts."""
    if not architecture.has_model_dimension or spec.n_tasks < 2:
        return
    raw = _made(architecture, spec)(_rows(spec)).detach()
    outputs, keys = list(spec.outputs_per_task), KEYS[: spec.n_tasks]
    order = list(np.roll(range(spec.n_tasks), 1))
    moved_spec = replace(spec, outputs_per_task=[outputs[t] for t in order])
    moved = _made(architecture, moved_spec, keys=[keys[t] for t in order])(_rows(spec))
    expected = [raw.split(outputs, -1)[t] for t in order]
    assert_allclose(moved.detach(), torch.cat(expected, -1), rtol=1e-12)
    more_spec = replace(spec, outputs_per_task=[*outputs, 2])
    more = _made(architecture, more_spec, keys=[*keys, 99])(_rows(spec)).detach()
    assert_allclose(more[..., : spec.n_outputs], raw, rtol=1e-12)


def check_constant_tasks_change_nothing(architecture: Architecture, spec: NetworkSpec) -> None:
    """A task without outputs leaves the others and the penalty as they are."""
    if not architecture.has_model_dimension:
        return
    keys = KEYS[: spec.n_tasks]
    module = _made(architecture, spec)
    more_spec = replace(
        spec, outputs_per_task=[spec.outputs_per_task[0], 0, *list(spec.outputs_per_task)[1:]]
    )
    more = _made(architecture, more_spec, keys=[keys[0], 99, *keys[1:]])
    assert_allclose(more(_rows(spec)).detach(), module(_rows(spec)).detach(), rtol=1e-12)
    assert_allclose(penalty_of(more).detach(), penalty_of(module).detach(), rtol=1e-6)


def check_fits(architecture: Architecture, spec: NetworkSpec) -> None:
    """Fits of mixed tasks with missing labels repeat, are cloned and pickled, and are finite."""
    X, Y, types = _mixed(spec)
    model = _estimator(architecture, spec, types)
    # A label of weight 0 is as good as missing.
    weight = np.random.default_rng(1).uniform(0.5, 2.0, Y.shape)
    filled, known = np.where(np.isnan(Y), 0.0, Y), ~np.isnan(Y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        state = torch.get_rng_state()
        predicted = model.fit(X, Y, sample_weight=weight).predict(X)
        assert torch.equal(torch.get_rng_state(), state), "torch's generator has moved"
        torch.rand(1)
        again = clone(model).fit(X, filled, sample_weight=weight * known).predict(X)
        torch.set_rng_state(state)
    assert np.isfinite(predicted).all()
    assert_array_equal(again, predicted)
    assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), predicted)


def _mixed(spec: NetworkSpec) -> tuple[Any, Any, list[str]]:
    """A score, a yes/no and one of three classes, a third of the labels missing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, *spec.row_shape))
    x = X.reshape(40, -1)
    Y = np.column_stack([x.sum(1), x[:, 0] > 0, np.digitize(x[:, -1], [-0.5, 0.5])])
    Y[rng.random(Y.shape) < 0.3] = np.nan
    return X, Y, ["regression", "binary", "multiclass"]


def _estimator(architecture: Architecture, spec: NetworkSpec, types: list[str]) -> Any:
    from skmtl.neural import MultiTaskMLP

    return MultiTaskMLP(
        spec.hidden_layer_sizes,
        tasks=types,
        architecture=architecture,
        head_hidden_layer_sizes=spec.head_hidden_layer_sizes,
        linear_skip=spec.linear_skip,
        activation=spec.activation,
        dropout=0.2,
        normalization=spec.normalization,
        batch_size=16,
        max_iter=3,
        random_state=0,
    )


PROPERTIES: dict[str, Callable[[Architecture, NetworkSpec], None]] = {
    "parameters and outputs have a leading model dimension": check_shapes,
    "one seed gives one network": check_repeats,
    "models side by side are the same models alone": check_models_are_apart,
    "gradients agree with finite differences": check_gradients,
    "shared parameters are those that more than one loss depends on": check_what_is_shared,
    "long form gives a row what wide form gives its task": check_long_is_wide,
    "a task starts from its name alone": check_tasks_start_from_their_names,
    "a task without outputs changes nothing": check_constant_tasks_change_nothing,
    "fits repeat, are cloned and pickled": check_fits,
}
