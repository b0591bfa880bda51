"""From an architecture, whoever wrote it, to a module with a model dimension."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from skmtl.neural.architectures._around import build_around
from skmtl.neural.architectures._base import (
    Architecture,
    MultiTaskModule,
    RepresentationModule,
)
from skmtl.neural.architectures._dependence import shared_parameters_of
from skmtl.neural.architectures._normalization import Normalization
from skmtl.neural.architectures._parameters import PerTask, Shared
from skmtl.neural.architectures._side_by_side import SideBySide, drawn
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.tasks._task_set import TaskSet


def build_network(architecture: Architecture, spec: NetworkSpec) -> MultiTaskModule:
    """The module of an architecture, for ``spec.n_models`` networks, with what is around it.

    Raises
    ------
    ValueError
        If the module is of another shape than the description asks for, or has parameters
        that nothing draws from the seed.
    """
    return build_around(partial(_network, architecture), spec)


def _network(architecture: Architecture, spec: NetworkSpec) -> MultiTaskModule:
    if architecture.has_model_dimension:
        module = architecture.build(spec)
        _check_all_are_drawn(architecture, module)
        return module
    make = partial(_one_network, architecture, replace(spec, n_models=1))
    first: Any = drawn(make, 0)
    kind = Representations if isinstance(first, RepresentationModule) else Networks
    # Before the parameters get a model dimension, which makes others of them.
    said = _said_by(first)
    return kind(architecture, spec, SideBySide(spec.n_models, make, first), said)


def _one_network(architecture: Architecture, spec: NetworkSpec) -> MultiTaskModule:
    """A single network, after a dry run: it also fills the parameters of lazy modules."""
    module = architecture.build(spec)
    module.eval()
    try:
        raw = module(torch.zeros(1, 1, *spec.row_shape))
    except Exception as error:
        error.add_note(
            f"It was raised by the module of {architecture!r} for one row of shape "
            f"{spec.row_shape}."
        )
        raise
    if tuple(raw.shape) != (1, 1, spec.n_outputs):
        raise ValueError(
            f"The module of {architecture!r} maps X of shape {(1, 1, *spec.row_shape)} to shape "
            f"{tuple(raw.shape)}; expected {(1, 1, spec.n_outputs)}, the outputs "
            f"{tuple(spec.outputs_per_task)} of the tasks side by side."
        )
    return module.train()


def _check_all_are_drawn(architecture: Architecture, module: MultiTaskModule) -> None:
    if type(module).initialize is not MultiTaskModule.initialize:
        return
    drawn_ones = [m for m in module.modules() if isinstance(m, (Shared, PerTask, Normalization))]
    known = {id(p) for part in drawn_ones for p in part.parameters()}
    free = [name for name, p in module.named_parameters() if id(p) not in known]
    if free:
        raise ValueError(
            f"{type(architecture).__name__}.has_model_dimension is True, but nothing draws "
            f"{free} from the seed. Leave it False, or override initialize in the module."
        )


def _said_by(module: MultiTaskModule) -> dict[str, list[str]]:
    """What the module itself says about its parameters, by name."""
    names = {id(p): name for name, p in module.named_parameters()}
    said = {}
    for method in ("shared_parameters", "last_shared_parameters"):
        is_said = method in vars(module) or (
            getattr(type(module), method) is not getattr(MultiTaskModule, method)
        )
        if is_said:
            said[method] = [names[id(p)] for p in getattr(module, method)() if id(p) in names]
    return said


class Networks(MultiTaskModule):
    """``n_models`` modules that each hold one network, called one after the other.

    All is drawn with the module, from the seed of its model: the order of the tasks decides,
    not their names. What tasks share is what the module says, or else what is found.

    Parameters
    ----------
    architecture : Architecture
        Makes the networks.
    spec : NetworkSpec
        Shape of the networks.
    networks : SideBySide
        The networks.
    said : dict of list of str
        What ``shared_parameters`` and ``last_shared_parameters`` of the network name.
    """

    def __init__(
        self,
        architecture: Architecture,
        spec: NetworkSpec,
        networks: SideBySide,
        said: dict[str, list[str]],
    ) -> None:
        super().__init__()
        self.architecture, self.spec = architecture, spec
        self.networks = networks
        self.said = said

    @property
    def _network(self) -> Any:
        return self.networks.module

    def _each(self, x: Tensor, task_index: Tensor | None = None, *, method: str | None) -> Tensor:
        """Results (n_models, ...) of a method of the networks, of rows (n_models, n, ...)."""
        self.networks.set_mode(x.shape[1])
        found = []
        for model in range(len(x)):
            args = [x[model : model + 1]]
            if task_index is not None:
                args.append(task_index[model : model + 1])
            found.append(self.networks.call(model, *args, method=method))
        return torch.cat(found)

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        return self._each(X, task_index, method=None)

    def read_by_heads(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        return self._each(X, task_index, method="read_by_heads")

    def read_as(self, tasks: TaskSet) -> None:
        """Pass on what the raw scores mean."""
        self._network.read_as(tasks)

    def penalty(self) -> Tensor | None:
        """Penalties of all networks."""
        if type(self._network).penalty is MultiTaskModule.penalty:
            return None
        found = [self.networks.call(model, method="penalty") for model in range(self.spec.n_models)]
        return None if found[0] is None else torch.cat([p.reshape(1) for p in found])

    def copies_of_a_row(self, *, is_long: bool) -> int:
        copies: int = self._network.copies_of_a_row(is_long=is_long)
        return copies

    def initialize(
        self, seeds: Sequence[int], task_keys: Sequence[int], activation: str = "relu"
    ) -> None:
        """Draw each network, with all that it has, from the seed of its model."""
        for model, seed in enumerate(seeds):

            def make(seed: int = seed) -> nn.Module:
                fresh: Any = self.networks.make()
                fresh.initialize([seed], task_keys, activation)
                return fresh

            rng = np.random.default_rng([seed, 0])
            self.networks.take(model, drawn(make, int(rng.integers(2**62))))

    def shared_parameters(self) -> list[nn.Parameter]:
        """Those that the module names, or that are found to move more than one task."""
        if "shared_parameters" not in self.said:
            self.said["shared_parameters"] = self._find()
        return self._by_name(self.said["shared_parameters"])

    def last_shared_parameters(self) -> list[nn.Parameter]:
        """Those that the module names, or the shared ones of the last part that has any."""
        if "last_shared_parameters" not in self.said:
            shared = {id(p) for p in self.shared_parameters()}
            last: list[nn.Parameter] = []
            for part in self._network.modules():
                last = [p for p in part.parameters(recurse=False) if id(p) in shared] or last
            return last
        return self._by_name(self.said["last_shared_parameters"])

    def _by_name(self, names: Sequence[str]) -> list[nn.Parameter]:
        wanted = set(names)
        return [p for name, p in self._network.named_parameters() if name in wanted]

    def _find(self) -> list[str]:
        """Names of the parameters that move the outputs of more than one task."""
        network, was_training = self._network, self._network.training
        buffers = {name: buffer[0].clone() for name, buffer in network.named_buffers()}

        def outputs_of(parameters: Any, X: Tensor) -> Tensor:
            raw: Tensor = torch.func.functional_call(network, {**parameters, **buffers}, (X[None],))
            return raw[0]

        parameters = {name: p[0] for name, p in network.named_parameters()}
        network.eval()
        try:
            with torch.enable_grad():
                found = shared_parameters_of(
                    outputs_of, parameters, self.spec.outputs_per_task, self.spec.row_shape
                )
        except Exception as error:
            raise ValueError(
                f"What the tasks share in the module of {self.architecture!r} cannot be found out "
                f"from random rows: {error}. Name it: Custom(factory, shared=...), or "
                "shared_parameters() of a MultiTaskModule."
            ) from error
        finally:
            network.train(was_training)
        return sorted(found)


class Representations(RepresentationModule, Networks):
    """Networks in which all tasks read one representation."""

    def represent(self, X: Tensor) -> Tensor:
        return self._each(X, method="represent")

    def read_out(self, representation: Tensor, task_index: Tensor | None = None) -> Tensor:
        return self._each(representation, task_index, method="read_out")

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        return RepresentationModule.forward(self, X, task_index)
