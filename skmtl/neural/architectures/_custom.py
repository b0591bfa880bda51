"""Any torch module as an architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from numpy.typing import NDArray
from torch import Tensor, nn

from skmtl.neural.architectures._base import Architecture, MultiTaskModule
from skmtl.neural.architectures._spec import NetworkSpec


class Custom(Architecture):
    r"""An ordinary `torch.nn.Module` that maps rows to the outputs of all tasks.

    .. math:: (f_1(x), \ldots, f_T(x)) = m(x)

    Parameters that more than one task depends on are found: for random rows, the gradients of
    what is computed for each task say which numbers they depend on. They are shared, and
    follow the direction that ``balancing`` finds; the others, such as the weights of a last
    linear layer, of which each row serves one task, follow the loss of their task.

    The module starts as torch starts it, drawn from the seed of the fit; torch's own generator
    is left alone. That goes for parameters of single tasks, too: they are drawn with the
    module, and depend on the order of the tasks, not on their names. Dropout and batch
    normalisation inside work as usual; in a batch of one row the module works as in
    prediction. Parameters that are frozen (``requires_grad=False``) stay as they are.

    The module replaces all layers: ``hidden_layer_sizes``, ``head_hidden_layer_sizes``,
    ``activation``, ``dropout`` and ``normalization`` of the estimator are not used. To leave the
    heads to skmtl, see ``trunk`` of `HardSharing`.

    Parameters
    ----------
    factory : callable
        ``factory(n_features, outputs_per_task)`` makes a module that maps rows (n, n_features)
        to raw scores (n, n_outputs) of all tasks, those of the first task first.
        ``outputs_per_task`` is a tuple with the number of raw scores of each task: 1 for
        regression, binary labels and counts, the number of classes for multiclass, 0 for a
        constant task. For rows that are no vectors ``n_features`` is their shape. In long form
        the outputs of all tasks are computed as well, and those of the row's own task are
        picked. To pickle the estimator, the callable must be found by its name: no lambda.
    shared : str or list of str, default=None
        Names of the shared parameters, or what their names begin with: "trunk" for
        "trunk.0.weight" and "trunk.0.bias". None: they are found. ``conflict_space="last_shared"``
        looks at those of the last module that holds any, in the order in which the modules
        were assigned to their parent.

    Notes
    -----
    There is no representation that all tasks are known to read: balancing methods take
    ``conflict_space="shared"`` or ``"last_shared"``.

    Examples
    --------
    >>> import numpy as np
    >>> from torch import nn
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import Custom
    >>> def network(n_features, outputs_per_task):
    ...     return nn.Sequential(
    ...         nn.Linear(n_features, 16), nn.ReLU(), nn.Linear(16, sum(outputs_per_task))
    ...     )
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP(architecture=Custom(network), balancing="pcgrad", tol=0.1)
    >>> model.fit(X, y).predict(X).shape
    (200, 2)
    """

    alias = "custom"

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "factory": [callable],
        "shared": [str, list, tuple, None],
    }

    def __init__(
        self,
        factory: Callable[[Any, tuple[int, ...]], nn.Module],
        *,
        shared: str | Sequence[str] | None = None,
    ) -> None:
        self.factory = factory
        self.shared = shared

    @property
    def has_representation(self) -> bool:
        """No: a module of the user may have no heads."""
        return False

    @property
    def reads_any_shape(self) -> bool:
        return True

    def for_tasks(self, members: NDArray[Any], n_tasks: int) -> Custom:
        """The same for some of the tasks: the factory is told how many there are.

        Parameters
        ----------
        members : ndarray of int
            Positions of the tasks that are left.
        n_tasks : int
            Number of tasks before.

        Returns
        -------
        architecture : Custom
            With the same factory.
        """
        return Custom(self.factory, shared=self.shared)

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make the module; see `Architecture.build`."""
        self._validate_params()
        if isinstance(self.factory, nn.Module):
            raise ValueError(
                f"factory={type(self.factory).__name__}(...) is a module; expected a function or "
                "a class that makes one, as every fit starts anew."
            )
        outputs = tuple(spec.outputs_per_task)
        try:
            module = self.factory(spec.n_features, outputs)
        except TypeError as error:
            error.add_note(
                f"It was made as factory({spec.n_features}, {outputs}): the number of features, "
                "and the number of outputs of each task."
            )
            raise
        if not isinstance(module, nn.Module):
            raise ValueError(
                f"factory={self.factory!r} returned {module!r}; expected a torch.nn.Module."
            )
        if self.shared is None:
            return CustomNetwork(module, spec)
        return NamedNetwork(module, spec, _full_names(module, self.shared))


class CustomNetwork(MultiTaskModule):
    """A module of the user's, as a single network: the model dimension comes from outside."""

    def __init__(self, module: nn.Module, spec: NetworkSpec) -> None:
        super().__init__()
        self.module = module
        self.outputs = list(spec.outputs_per_task)
        self.widest = max(*spec.row_shape, *spec.hidden_layer_sizes, 1)

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        raw = self.module(X.squeeze(0))
        if not isinstance(raw, Tensor):
            raise ValueError(
                f"The module returned a {type(raw).__name__}; expected one tensor with the outputs "
                f"of all tasks side by side, (n, {sum(self.outputs)}): torch.cat(outputs, dim=-1)."
            )
        raw = raw.unsqueeze(0)
        if task_index is None:
            return raw
        by_task = raw.unflatten(-1, (len(self.outputs), -1))
        # What comes of a row with index -1 is read by nobody.
        rows = task_index.clamp_min(0)[..., None, None].expand(-1, -1, 1, by_task.shape[-1])
        return by_task.gather(2, rows).squeeze(2)

    def copies_of_a_row(self, *, is_long: bool) -> int:
        # The outputs of all tasks are computed, whatever the form.
        return -(-sum(self.outputs) // self.widest) or 1


class NamedNetwork(CustomNetwork):
    """One whose shared parameters the user has named."""

    def __init__(self, module: nn.Module, spec: NetworkSpec, shared: set[str]) -> None:
        super().__init__(module, spec)
        self.shared = shared

    def shared_parameters(self) -> list[nn.Parameter]:
        """Those that were named."""
        return [p for name, p in self.module.named_parameters() if name in self.shared]


def _full_names(module: nn.Module, shared: str | Sequence[str]) -> set[str]:
    """Names of the parameters with these names, or whose names go on with a dot after these.

    Raises
    ------
    ValueError
        If there are none of a name.
    """
    known = [name for name, _ in module.named_parameters()]
    found: set[str] = set()
    for name in [shared] if isinstance(shared, str) else shared:
        some = [key for key in known if f"{key}.".startswith(f"{name}.")]
        if not some:
            raise ValueError(
                f"shared={shared!r}: no parameter is called {name!r}, or begins with it; there "
                f"are {known}."
            )
        found.update(some)
    return found
