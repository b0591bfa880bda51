"""Hidden units brought to one mean and spread: those of a row, or one unit over a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

# Added to variances, as in torch.nn.
EPSILON = 1e-5
# What a batch counts in the running statistics, as in torch.nn; the first ones count alike.
MOMENTUM = 0.1


class Normalization(nn.Module, ABC):
    r"""Base: :math:`\gamma \odot (x - \mu) / \sqrt{\sigma^2 + \epsilon} + \beta`.

    Whatever has weights of its own, a task, an expert or a member of an ensemble, is a group
    and has its own ``scale`` :math:`\gamma` and ``shift`` :math:`\beta`. As they are not called
    weight, no L2 penalty pulls them to zero.
    """

    def __init__(self, n_models: int, n_groups: int, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(n_models, n_groups, 1, width))
        self.shift = nn.Parameter(torch.zeros(n_models, n_groups, 1, width))

    def initialize(self, model: int) -> None:
        """Let the units of one model pass as they are once they are normalised."""
        with torch.no_grad():
            self.scale[model], self.shift[model] = 1.0, 0.0

    def forward(self, x: Tensor, index: Tensor | None = None) -> Tensor:
        """Units (n_models, n_groups, n, width), normalised before their activation.

        A single group may come in several copies. In long form x is (n_models, n, width) and
        ``index`` (n_models, n) says the group of each row, -1 for one that does not count.
        """
        # A mean in bfloat16 would be too coarse.
        x = self._normalized(x.to(self.scale.dtype), index)
        return torch.addcmul(_of_rows(self.shift, index), x, _of_rows(self.scale, index))

    @abstractmethod
    def _normalized(self, x: Tensor, index: Tensor | None) -> Tensor:
        """The units with mean zero and variance one."""


class LayerNormalization(Normalization):
    """Over the units of a layer, row by row [1]_.

    References
    ----------
    .. [1] J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", arXiv 1607.06450,
       2016.
    """

    def _normalized(self, x: Tensor, index: Tensor | None) -> Tensor:
        return nn.functional.layer_norm(x, x.shape[-1:], eps=EPSILON)


class BatchNormalization(Normalization):
    """Over the rows of a batch, unit by unit; predictions use running statistics [1]_.

    A group with a single row in a batch, of which there is no variance, uses them too.

    References
    ----------
    .. [1] S. Ioffe and C. Szegedy, "Batch normalization: Accelerating deep network training by
       reducing internal covariate shift", ICML 2015.
    """

    running_mean: Tensor
    running_variance: Tensor
    n_batches: Tensor

    def __init__(self, n_models: int, n_groups: int, width: int) -> None:
        super().__init__(n_models, n_groups, width)
        self.register_buffer("running_mean", torch.zeros_like(self.scale.detach()))
        self.register_buffer("running_variance", torch.ones_like(self.scale.detach()))
        self.register_buffer("n_batches", torch.zeros(n_models, n_groups, 1, 1))

    def initialize(self, model: int) -> None:
        super().initialize(model)
        self.running_mean[model], self.running_variance[model] = 0.0, 1.0
        self.n_batches[model] = 0.0

    def _normalized(self, x: Tensor, index: Tensor | None) -> Tensor:
        mean, variance = self.running_mean, self.running_variance
        if self.training and index is not None:
            mean, variance = self._of_groups(x, index)
        elif self.training and x.shape[2] > 1:
            return self._over_rows(x)
        return (x - _of_rows(mean, index)) * _of_rows((variance + EPSILON).rsqrt(), index)

    def _over_rows(self, x: Tensor) -> Tensor:
        """Wide: every group by the statistics of all its rows."""
        # Copies of a single group are more rows of it.
        forth, back = (2, 0, 1, 3), (1, 2, 0, 3)
        if self.scale.shape[1] == 1:
            forth, back = back, forth
        moved = x.permute(forth)
        rows = moved.reshape(-1, self.scale.numel())
        with torch.no_grad():
            mean = rows.mean(0)
            variance = (rows - mean).square().mean(0)
            statistics = mean.view_as(self.scale), variance.view_as(self.scale)
            self._note(*statistics, torch.full_like(self.n_batches, x.shape[2]))
        found = nn.functional.batch_norm(rows, None, None, training=True, eps=EPSILON)
        return found.view(moved.shape).permute(back)

    def _of_groups(self, x: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
        """Long form: statistics of each group's own rows, where it has more than one."""
        mean, variance, n_rows = _by_group(x, index, self.scale.shape[1])
        self._note(mean.detach(), variance.detach(), n_rows)
        return (
            torch.where(n_rows > 1, mean, self.running_mean),
            torch.where(n_rows > 1, variance, self.running_variance),
        )

    def _note(self, mean: Tensor, variance: Tensor, n_rows: Tensor) -> None:
        """Take note of the statistics of a batch, where there are any."""
        is_known = n_rows > 1
        self.n_batches += is_known
        share = is_known * (1 / self.n_batches.clamp_min(1)).clamp_min(MOMENTUM)
        unbiased = variance * (n_rows / (n_rows - 1).clamp_min(1))
        self.running_mean.lerp_(mean, share)
        self.running_variance.lerp_(unbiased, share)


NORMALIZATIONS = {"layer": LayerNormalization, "batch": BatchNormalization}


def make_normalization(
    kind: str | None, n_models: int, n_groups: int, width: int
) -> Normalization | None:
    """The normalisation of that name, if any.

    Raises
    ------
    ValueError
        If nothing would be left of the layer.
    """
    if kind == "layer" and width == 1:
        raise ValueError(
            "normalization='layer' makes a hidden layer of one unit constant; give it more "
            "units, or take normalization='batch'."
        )
    return None if kind is None else NORMALIZATIONS[kind](n_models, n_groups, width)


def _of_rows(statistic: Tensor, index: Tensor | None) -> Tensor:
    """Of (n_models, n_groups, 1, width) what each row needs: (n_models, n, width)."""
    if index is None:
        return statistic
    rows = index.clamp_min(0).unsqueeze(-1).expand(-1, -1, statistic.shape[-1])
    return statistic.squeeze(2).gather(1, rows)


def _by_group(x: Tensor, index: Tensor, n_groups: int) -> tuple[Tensor, Tensor, Tensor]:
    """Means, variances and numbers of the rows of every group: (n_models, n_groups, 1, ..)."""
    counts = (index >= 0).unsqueeze(-1).to(x)
    groups = index.clamp_min(0).unsqueeze(-1)

    def summed(values: Tensor) -> Tensor:
        zeros = values.new_zeros(len(values), n_groups, values.shape[-1])
        found = zeros.scatter_add(1, groups.expand_as(values), counts * values)
        return found.unsqueeze(2)

    n_rows = summed(torch.ones_like(counts))
    mean = summed(x) / n_rows.clamp_min(1)
    variance = summed((x - _of_rows(mean, index)).square()) / n_rows.clamp_min(1)
    return mean, variance, n_rows
