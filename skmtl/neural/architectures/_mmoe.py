"""Experts that all tasks read, and one gate per task."""

from __future__ import annotations

from numbers import Integral
from typing import Any, ClassVar

from sklearn.utils._param_validation import Interval
from torch import Tensor

from skmtl.neural.architectures._base import MultiTaskModule
from skmtl.neural.architectures._experts import Experts, mix
from skmtl.neural.architectures._gates import Gate, GatedArchitecture, GatedModule
from skmtl.neural.architectures._layers import FirstTaskLayer
from skmtl.neural.architectures._spec import NetworkSpec
from skmtl.neural.architectures._stacked import OwnHeads


class MMoE(GatedArchitecture):
    r"""Multi-gate mixture of experts: the tasks share experts, each weighs them by a gate [1]_.

    .. math::
        f_t(x) = h_t\Big(\sum_e g_{te}(x) \, \phi_e(x)\Big), \qquad
        g_t(x) = \mathrm{softmax}(W_t x + b_t)

    with experts :math:`\phi_e`, each of ``hidden_layer_sizes``, and heads :math:`h_t`. One
    expert is `HardSharing`. With ``gate="dselect"`` a task reads few experts [2]_:

    .. math::
        g_t(x) = \sum_{i \leq k} \mathrm{softmax}(a_t(x))_i \, r(z_{ti}(x)), \qquad
        r(z)_e = \prod_j S(z_j)^{e_j} (1 - S(z_j))^{1 - e_j}

    where :math:`a_t` and :math:`z_{ti}` are affine in x, :math:`e_j` are the binary digits of
    e, and S rises from 0 at :math:`-\gamma/2` to 1 at :math:`\gamma/2` as a cubic. Each of the
    k selectors r settles on one expert once all :math:`|z_j| \geq \gamma/2`, which the entropy
    of the selectors, added to the losses as a mean over the rows of a batch, hastens. Where
    ``n_experts`` is not a power of two, the codes left over name the first experts again; the
    authors' penalty on them is infinite once a selector has settled there.

    Experts are shared; gates and heads belong to tasks.

    Parameters
    ----------
    n_experts : int, default=8
        Number of experts. Each costs what the trunk of hard sharing does.
    gate : {"softmax", "dselect"}, default="softmax"
        Kind of the gates.
    k : int, default=2
        DSelect-k: number of selectors, so of experts that a task reads at most once settled.
    gamma : float, default=1.0
        DSelect-k: width of the smooth step.
    entropy_weight : float, default=1e-3
        DSelect-k: strength of the entropy penalty.
    gate_dropout : float in [0, 1), default=0.0
        Probability that an expert is left out of a gate in a training step, the rest weighing
        more: against gates that never change their first choice [3]_.

    References
    ----------
    .. [1] J. Ma, Z. Zhao, X. Yi, J. Chen, L. Hong and E. H. Chi, "Modeling task relationships
       in multi-task learning with multi-gate mixture-of-experts", KDD 2018.
    .. [2] H. Hazimeh et al., "DSelect-k: Differentiable selection in the mixture of experts
       with applications to multi-task learning", NeurIPS 2021.
    .. [3] Z. Zhao et al., "Recommending what video to watch next: A multitask ranking system",
       RecSys 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from skmtl import MultiTaskMLP
    >>> from skmtl.neural.architectures import MMoE
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(200, 5))
    >>> y = np.column_stack([X[:, 0] * X[:, 1], X[:, 0] > X[:, 1]])
    >>> model = MultiTaskMLP((16,), architecture=MMoE(n_experts=4), max_iter=5, tol=0)
    >>> model.fit(X, y).n_iter_
    5
    """

    alias = "mmoe"
    has_model_dimension = True

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **GatedArchitecture._parameter_constraints,
        "n_experts": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(
        self,
        n_experts: int = 8,
        *,
        gate: str = "softmax",
        k: int = 2,
        gamma: float = 1.0,
        entropy_weight: float = 1e-3,
        gate_dropout: float = 0.0,
    ) -> None:
        self.n_experts = n_experts
        self.gate = gate
        self.k = k
        self.gamma = gamma
        self.entropy_weight = entropy_weight
        self.gate_dropout = gate_dropout

    def build(self, spec: NetworkSpec) -> MultiTaskModule:
        """Make experts, gates and heads; see `Architecture.build`."""
        self._validate_params()
        widths = spec.widths
        experts = Experts(spec.n_models, self.n_experts, widths, *spec.style)
        gate = self._make_gate(
            lambda n_scores: FirstTaskLayer(spec.n_models, widths[0], [n_scores] * spec.n_tasks),
            self.n_experts,
        )
        sizes = [widths[-1], *spec.head_hidden_layer_sizes]
        heads = OwnHeads(spec.n_models, sizes, spec.outputs_per_task, *spec.style)
        return MixedExperts(experts, gate, heads)


class MixedExperts(GatedModule):
    """Experts, one gate per task, heads."""

    def __init__(self, experts: Experts, gate: Gate, heads: OwnHeads) -> None:
        super().__init__()
        self.experts = experts
        # Before the gate, so that they start as those of hard sharing do.
        self.heads = heads
        self.gate = gate
        # Scores of linear heads are mixed where they are fewer than the units of an expert.
        last: Any = heads.layers[-1]
        n_scores = experts.n_experts * last.weight.shape[-2]
        self.mixes_scores = len(heads.layers) == 1 and n_scores <= last.weight.shape[-1]

    def forward(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        gates, experts = self.gate(X, task_index), self.experts(X)
        if task_index is None and self.mixes_scores:
            return self._mixed_scores(gates, experts)
        mixed = mix(gates, experts)
        raw: Tensor = self.heads(mixed if task_index is None else mixed[:, 0], task_index)
        return raw

    def read_by_heads(self, X: Tensor, task_index: Tensor | None = None) -> Tensor:
        """The mixture of each task, whether scores are mixed or units."""
        mixed = mix(self.gate(X, task_index), self.experts(X))
        return mixed.transpose(1, 2)

    def _mixed_scores(self, gates: Tensor, experts: Tensor) -> Tensor:
        """Mix what linear heads make of the experts: one product for a hundred tasks."""
        head: Any = self.heads.layers[0]
        scores = experts.flatten(1, 2) @ head.weight.flatten(1, 2).mT
        scores = scores.view(*experts.shape[:3], *head.weight.shape[1:3])
        mixed = (scores * gates.permute(0, 3, 1, 2).unsqueeze(-1)).sum(1)
        raw: Tensor = (mixed + head.bias.unsqueeze(1)).flatten(-2)
        return raw if self.heads.used is None else raw.index_select(-1, self.heads.used)
