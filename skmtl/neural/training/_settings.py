"""Parameters of an estimator as a fit reads them."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone

from skmtl._aliases import from_alias
from skmtl._random import read_random_state
from skmtl.neural._ranks import ranks_now, together
from skmtl.neural.architectures import Architecture
from skmtl.neural.balancing import Weighting
from skmtl.tasks._by_name import put_in_order


def resolve(parameter: str, value: Any) -> Any:
    """A fresh architecture or balancing method from an alias or an object.

    For balancing also from a function that maps a Gramian to weights.
    """
    if isinstance(value, type):
        raise ValueError(
            f"{parameter}={value.__name__} is a class; expected an object, {value.__name__}()."
        )
    if parameter == "balancing" and callable(value):
        return Weighting(value)
    if not isinstance(value, str):
        return clone(value)
    return from_alias(parameter, value)


def read_sizes(parameter: str, sizes: Any) -> tuple[int, ...]:
    """Layer sizes as a tuple of ints."""
    sizes = tuple(np.atleast_1d(np.asarray(sizes)).tolist())
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(f"{parameter}={sizes}: every size must be a whole number > 0.")
    return sizes


def draw_seed(random_state: Any) -> int:
    """One number that decides all randomness of a fit: the same in all processes that share it."""
    seed = int(read_random_state(random_state).randint(2**31 - 1))
    with together():
        ranks = ranks_now()
        return seed if ranks is None else ranks.seed(seed)


def read_setting(parameter: str, estimator: Any, names: list[Any]) -> Any:
    """An architecture or balancing method; what it holds for tasks is in the order of names."""
    return put_in_order(resolve(parameter, chosen(parameter, estimator)), names)


def chosen(parameter: str, estimator: Any) -> Any:
    """The value of a parameter; of "auto" for an architecture, what it means."""
    value = getattr(estimator, parameter)
    if parameter != "architecture" or not (isinstance(value, str) and value == "auto"):
        return value
    return "hard_sharing" if estimator.task_feature is None else "common_head"


def reads_as_is(architecture: Architecture) -> bool:
    """Whether a network or trunk is one that the user gives: it reads X as it is."""
    # One of the user's may not have called the __init__ of what it is made from.
    return getattr(architecture, "reads_any_shape", False)


def has_linear_skip(estimator: Any, architecture: Architecture, *, is_long: bool) -> bool:
    """Whether a linear path leads to the heads."""
    if estimator.linear_skip != "auto":
        return bool(estimator.linear_skip)
    has_layers = len(read_sizes("hidden_layer_sizes", estimator.hidden_layer_sizes)) > 0
    return has_layers and not reads_as_is(architecture) and not is_long
