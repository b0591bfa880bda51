"""All hidden layers shared, one head per task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from skmtl.neural.architectures._base import (
    Architecture,
    MultiTaskModule,
    ReadsLayers,
    RepresentationModule,
)
from skmtl.neural.architectures._custom_trunk import CustomTrunk
from skmtl.neural.architectures._layers import FirstTaskLayer, NextTaskLayer, SharedLayer
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.neural.architectures._units import ACTIVATIONS, Dropout


class HardSharing(Architecture):
    r"""All tasks share the trunk; each has a head of its own [1]_.

    .. math:: f_t(x) = h_t(\phi(x))

    with the trunk :math:`\phi` of ``hidden_layer_sizes`` and heads :math:`h_t` of
    ``head_hidden_layer_sizes``, linear where that is empty. The trunk is shared, heads belong
    to tasks.

    Parameters
    ----------
    trunk : callable, default=None
        Makes a `torch.nn.Module` that maps rows of X (n, ...) to vectors (n, width): a
        convolutional network for images, or the class of one. If it has a parameter
        ``n_features``, or one that is required, it is told the number of features, or the
        shape of a row that is no vector. The hidden layers come on top
        of it; ``hidden_layer_sizes=()`` for none. All its parameters are shared and start as
        the module starts them, drawn from the seed of the fit; those it has frozen stay as
        they are. In a batch of one row it works as in prediction. To pickle the estimator,
        the callable must be found by its name: no lambda.

    References
    ----------
    .. [1] R. Caruana, "Multitask Learning", Machine Learning 28, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import HardSharing
    >>> model = MultiTaskMLP((64,), architecture=HardSharing(), head_hidden_layer_sizes=(8,))

    A trunk that treats the features as a sequence:

    >>> from torch import nn
    >>> def convolution():
    ...     return nn.Sequential(nn.Unflatten(1, (1, -1)), nn.Conv1d(1, 4, 3), nn.Flatten())
    >>> model = MultiTaskMLP((16,), architecture=HardSharing(trunk=convolution), max_iter=5)
    >>> rng = np.random.default_rng(0)
    >>> model.set_params(tol=0).fit(rng.normal(size=(50, 8)), rng.normal(size=(50, 2))).n_iter_
    5
    """

    alias = "hard_sharing"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {"trunk": [callable, None]}

    def __init__(self, trunk: Callable[[], nn.Module] | None = None) -> None:
        self.trunk = trunk

    @property
    def reads_any_shape(self) -> bool:
        return self.trunk is not None

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make a trunk with heads; see `Architecture.build`.

        With a trunk, ``spec.n_features`` may be the shape of a row.
        """
        self._validate_params()
        custom = self._custom_trunk(spec.row_shape, spec.n_models)
        n_inputs = spec.row_shape[0] if custom is None else custom.width
        widths = [n_inputs, *spec.hidden_layer_sizes]
        trunk: nn.Module = Trunk(spec.n_models, widths, *spec.style)
        if custom is not None:
            trunk = nn.Sequential(custom, trunk)
        heads = Heads(
            spec.n_models,
            widths[-1],
            spec.outputs_per_task,
            spec.head_hidden_layer_sizes,
            *spec.style,
        )
        return TrunkWithHeads(trunk, heads)

    def _custom_trunk(self, shape: tuple[int, ...], n_models: int) -> CustomTrunk | None:
        if isinstance(self.trunk, nn.Module):
            raise ValueError(
                f"trunk={type(self.trunk).__name__}(...) is a module; expected a function or a "
                "class that makes one, as every fit starts anew."
            )
        if self.trunk is None and len(shape) > 1:
            raise ValueError(
                f"Rows of X have shape {shape}: HardSharing needs a trunk that maps them to "
                "vectors, trunk=..."
            )
        return None if self.trunk is None else CustomTrunk(n_models, self.trunk, shape)


class TrunkWithHeads(RepresentationModule):
    """What all tasks compute alike, then what each computes of it."""

    def __init__(self, trunk: nn.Module, heads: nn.Module) -> None:
        super().__init__()
        self.trunk = trunk
        self.heads = heads

    def represent(self, X: Tensor) -> Tensor:
        shared: Tensor = self.trunk(X)
        return shared

    def read_out(self, representation: Tensor, task_index: Tensor | None = None) -> Tensor:
        raw: Tensor = self.heads(representation, task_index)
        return raw


class Trunk(nn.Module):
    """Hidden layers that all tasks share."""

    def __init__(
        self,
        n_models: int,
        widths: Sequence[int],
        activation: str,
        dropout: float,
        normalization: str | None,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            SharedLayer(n_models, *size, normalization) for size in pairwise(widths)
        )
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = self.dropout(self.activation(layer(x)))
        return x


class Heads(ReadsLayers):
    """One small network per task, all computed together.

    ``tasks`` names those that there are heads for, by default all.
    """

    used: Tensor | None

    def __init__(
        self,
        n_models: int,
        n_inputs: int,
        outputs: Sequence[int],
        hidden_layer_sizes: Sequence[int],
        activation: str,
        dropout: float,
        normalization: str | None,
        tasks: Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        n_tasks = len(outputs)
        widths = [[size] * n_tasks for size in hidden_layer_sizes] + [list(outputs)]
        kinds = [normalization] * len(hidden_layer_sizes) + [None]
        self.first = FirstTaskLayer(n_models, n_inputs, widths[0], tasks, kinds[0])
        self.rest = nn.ModuleList(
            NextTaskLayer(n_models, n_units, width, tasks, kind)
            for n_units, width, kind in zip(hidden_layer_sizes, widths[1:], kinds[1:], strict=True)
        )
        last: Any = self.rest[-1] if self.rest else self.first
        last.is_output = True
        self.activation = ACTIVATIONS[activation]
        self.dropout = Dropout(dropout, rows=1)
        self.n_tasks = n_tasks
        padded = torch.arange(n_tasks * max(1, *outputs)).view(n_tasks, -1)
        used = [padded[t, :n_outputs] for t, n_outputs in enumerate(outputs)]
        # A layer of no outputs at all has one column as well.
        is_padded = bool(hidden_layer_sizes) and (len(set(outputs)) > 1 or not any(outputs))
        self.register_buffer("used", torch.cat(used) if is_padded else None, persistent=False)

    def forward(self, x: Tensor, task_index: Tensor | None = None) -> Tensor:
        x = self.first(x, task_index)
        if self.rest and task_index is None:
            x = x.unflatten(-1, (self.n_tasks, -1))
        for layer in self.rest:
            x = layer(self.dropout(self.activation(x)), task_index)
        if self.rest and task_index is None:
            x = x.flatten(-2)
        return x if self.used is None or task_index is not None else x[..., self.used]
