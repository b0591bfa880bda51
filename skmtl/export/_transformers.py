"""Transformers as graphs, forth and back: affine ones, functions of numpy, bins."""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import numpy as np
import torch
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)
from torch import Tensor, nn

from skmtl.compose._notes import in_a_line
from skmtl.export._foreign import Foreign
from skmtl.export._module import Module
from skmtl.export._predictor import buffer
from skmtl.neural.inputs._piecewise_linear import PiecewiseLinear

AFFINE = StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler
FUNCTIONS: dict[Any, Callable[[Tensor], Tensor]] = {
    np.exp: torch.exp,
    np.expm1: torch.expm1,
    np.log: torch.log,
    np.log1p: torch.log1p,
    np.sqrt: torch.sqrt,
    np.square: torch.square,
    np.abs: torch.abs,
    np.negative: torch.neg,
    np.reciprocal: torch.reciprocal,
    np.cbrt: lambda x: x.sign() * x.abs() ** (1.0 / 3.0),
    np.sinh: torch.sinh,
    np.arcsinh: torch.asinh,
    np.tanh: torch.tanh,
    np.arctanh: torch.atanh,
    None: lambda x: x,
}


@singledispatch
def transformer_module(transformer: Any) -> nn.Module:
    """``transform`` of a fitted transformer; of others than these, what skl2onnx makes."""
    return Foreign(transformer, "columns")


@singledispatch
def inverse_module(transformer: Any) -> nn.Module:
    """``inverse_transform`` of a fitted transformer of one column, (n,) to (n,).

    Raises
    ------
    ValueError
        If there is no graph of it.
    """
    raise _unknown(transformer)


def _unknown(transformer: Any) -> ValueError:
    return ValueError(
        f"{in_a_line(transformer)} cannot be exported. These can: "
        f"{', '.join(kind.__name__ for kind in AFFINE)}, PowerTransformer, and "
        "FunctionTransformer of a function of numpy such as np.log1p and np.expm1."
    )


class Affine(Module):
    """Factors and shifts, found by asking at 0 and 1; limits, where there are any."""

    def __init__(self, transform: Callable[[Any], Any], n_columns: int, limits: Any = None) -> None:
        super().__init__()
        shift, one = (transform(np.full((1, n_columns), x))[0] for x in (0.0, 1.0))
        self.register_buffer("shift", buffer(np.asarray(shift, dtype=np.float64)))
        self.register_buffer("factor", buffer(np.asarray(one - shift, dtype=np.float64)))
        self.limits = limits

    def forward(self, x: Tensor) -> Tensor:
        found = x * self.factor + self.shift
        return found if self.limits is None else found.clamp(*self.limits)


class Function(Module):
    """A function of every number."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


class Bins(Module):
    """`PiecewiseLinear`: how far numbers have come through the bins of their columns."""

    def __init__(self, embedding: PiecewiseLinear) -> None:
        super().__init__()
        self.columns = embedding.column_.tolist()
        for name in ("lower", "width", "least", "most"):
            self.register_buffer(name, buffer(getattr(embedding, f"{name}_")))

    def forward(self, Z: Tensor) -> Tensor:
        found = (Z[:, self.columns] - self.lower) / self.width
        return found.maximum(self.least).minimum(self.most)


class YeoJohnsonBack(Module):
    """The way back from a power, where there is one, as scikit-learn has it."""

    def __init__(self, power: float) -> None:
        super().__init__()
        self.power = power

    def forward(self, x: Tensor) -> Tensor:
        p, eps = self.power, float(np.spacing(1.0))
        if abs(p) < eps:
            high = x.exp() - 1.0
        else:
            high = (x * p + 1.0) ** (1.0 / p) - 1.0
        if abs(p - 2.0) > eps:
            low = 1.0 - (1.0 - (2.0 - p) * x) ** (1.0 / (2.0 - p))
        else:
            low = 1.0 - (-x).exp()
        return high.where(x >= 0, low)


class BoxCoxBack(YeoJohnsonBack):
    """The same for positive numbers."""

    def forward(self, x: Tensor) -> Tensor:
        if self.power == 0:
            return x.exp()
        return (x * self.power + 1.0) ** (1.0 / self.power)


def _affine(transformer: Any, method: str, limits: Any = None) -> nn.Module:
    return Affine(getattr(transformer, method), transformer.n_features_in_, limits)


for kind in AFFINE:

    @transformer_module.register(kind)
    def _(transformer: Any) -> nn.Module:
        clips = getattr(transformer, "clip", False)
        limits = tuple(map(float, transformer.feature_range)) if clips is True else None
        return _affine(transformer, "transform", limits)

    @inverse_module.register(kind)
    def _(transformer: Any) -> nn.Module:
        return _affine(transformer, "inverse_transform")


@transformer_module.register
def _(transformer: PiecewiseLinear) -> nn.Module:
    return Bins(transformer)


@transformer_module.register
def _(transformer: FunctionTransformer) -> nn.Module:
    return _function(transformer, transformer.func, transformer.kw_args)


@inverse_module.register
def _(transformer: FunctionTransformer) -> nn.Module:
    return _function(transformer, transformer.inverse_func, transformer.inv_kw_args)


def _function(transformer: Any, function: Any, arguments: Any) -> nn.Module:
    known = FUNCTIONS.get(function) if not arguments else None
    if known is None:
        raise _unknown(transformer)
    return Function(known)


@inverse_module.register
def _(transformer: PowerTransformer) -> nn.Module:
    back = YeoJohnsonBack if transformer.method == "yeo-johnson" else BoxCoxBack
    parts: list[nn.Module] = [back(float(transformer.lambdas_[0]))]
    if transformer.standardize:
        parts.insert(0, _affine(transformer._scaler, "inverse_transform"))
    return nn.Sequential(*parts)


@transformer_module.register
def _(transformer: Pipeline) -> nn.Module:
    return nn.Sequential(*(transformer_module(step) for step in _steps(transformer)))


@inverse_module.register
def _(transformer: Pipeline) -> nn.Module:
    return nn.Sequential(*(inverse_module(step) for step in reversed(_steps(transformer))))


def _steps(pipeline: Pipeline) -> list[Any]:
    steps = [step for _, step in pipeline.steps]
    return [step for step in steps if step is not None and step != "passthrough"]
