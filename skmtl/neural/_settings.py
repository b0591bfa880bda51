"""Parameters of an estimator, read and checked at fit."""

from __future__ import annotations

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from skmtl.neural.architectures import ARCHITECTURES
from skmtl.neural.balancing import BALANCING

REGISTRIES = {"architecture": ARCHITECTURES, "balancing": BALANCING}


def resolve(parameter, value):
    """A fresh architecture or balancing method from an alias or an object."""
    if not isinstance(value, str):
        return clone(value)
    registry = REGISTRIES[parameter]
    if value not in registry:
        home = "architectures" if parameter == "architecture" else parameter
        raise ValueError(
            f"{parameter}={value!r}; expected one of {sorted(registry)} or an object of "
            f"skmtl.neural.{home}."
        )
    return registry[value]()


def read_sizes(parameter, sizes):
    """Layer sizes as a tuple of ints."""
    sizes = tuple(np.atleast_1d(np.asarray(sizes)).tolist())
    if not all(isinstance(size, int) and size > 0 for size in sizes):
        raise ValueError(f"{parameter}={sizes}: every size must be a whole number > 0.")
    return sizes


def draw_seed(random_state):
    """One number that decides all randomness of a fit; None never touches a global generator."""
    if random_state is None:
        return int(np.random.default_rng().integers(2**31 - 1))
    return int(check_random_state(random_state).randint(2**31 - 1))


def check_same_network(before, now):
    """Raise if a fit that goes on would need a network of another shape."""
    changes = [
        f"{key} was {before[key]!r} and is {now[key]!r}"
        for key in before
        if repr(before[key]) != repr(now[key])
    ]
    if changes:
        raise ValueError(
            f"The fit goes on with the network of the previous one, but {', '.join(changes)}. "
            "Set warm_start=False to start anew."
        )
