"""Parameters of an estimator, read and checked at fit."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone

from skmtl._aliases import from_alias
from skmtl._random import read_random_state
from skmtl.neural.balancing import Weighting
from skmtl.neural.training._same import is_same


def resolve(parameter, value):
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


def read_sizes(parameter, sizes):
    """Layer sizes as a tuple of ints."""
    sizes = tuple(np.atleast_1d(np.asarray(sizes)).tolist())
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(f"{parameter}={sizes}: every size must be a whole number > 0.")
    return sizes


def draw_seed(random_state):
    """One number that decides all randomness of a fit."""
    return int(read_random_state(random_state).randint(2**31 - 1))


def check_same_network(before, now):
    """Raise if a fit that goes on would need a network of another shape."""
    changes = differences(before, now)
    if changes:
        raise ValueError(
            f"The fit goes on with the network of the previous one, but {changes}. "
            "Set warm_start=False to start anew."
        )


def differences(before, now):
    """What is not what it was, in words; empty if nothing."""
    return ", ".join(
        _difference(key, repr(before[key]), repr(now[key]))
        for key in before
        if not is_same(before[key], now[key])
    )


def _difference(key, before, now):
    if before == now:
        # Long arrays are cut in the middle.
        return f"{key} has other values than before, where {now} does not show them"
    return f"{key} was {before} and is {now}"
